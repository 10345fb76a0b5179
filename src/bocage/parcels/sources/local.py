"""Any file: `columns` says what is where."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import CROP_COLUMNS, ParcelSource, declare

declare(
    ParcelSource(
        name="local",
        title="Any file, by a column map of yours",
        licence="as the file",
        needs=CROP_COLUMNS,
        columns=ColumnMap(),
    )
)

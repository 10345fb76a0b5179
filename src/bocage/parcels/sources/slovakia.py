"""Slovak declarations: names of crops only. SUBJEKT_NA holds names of persons and is not read.

No column is unique to a parcel: KODKD and ZKODKD name a block.
"""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="slovakia",
        title="Slovakia, declarations (PPA)",
        licence="not stated",
        country="SK",
        crs_if_missing={"SK": "EPSG:5514"},
        encodings=("cp1250", "iso8859-2"),
        columns=ColumnMap(name=("PLODINA", "PLODINA_NAZOV", "PLODINY")),
    )
)

"""Danish declarations (Marker).

A field number counts within a farm and is no identifier; journal and CVR numbers lead to the applicant and are
not read.
"""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="denmark",
        title="Denmark, Marker",
        licence="CC0 1.0",
        country="DK",
        crs_if_missing={"DK": "EPSG:25832"},
        columns=ColumnMap(code=("Afgkode", "AFGRKODE"), name=("Afgroede", "AFGR_DENAVN"), area=("IMK_areal",)),
    )
)

"""Walloon declarations (Parcellaire agricole anonyme).

The INSPIRE edition states that no conditions apply; the terms of the region's own edition could not be checked.
"""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="wallonia",
        title="Belgium (Wallonia), Parcellaire agricole anonyme",
        licence="terms of the Service public de Wallonie; INSPIRE edition: no conditions",
        country="BE",
        crs_if_missing={"BE": "EPSG:31370"},
        columns=ColumnMap(
            id=("OBJECTID",), code=("CULT_COD", "CULTURE"), name=("CULT_NOM",), year=("CAMPAGNE",), area=("SURF_HA",)
        ),
    )
)

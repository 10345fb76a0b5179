"""Walloon declarations (Parcellaire agricole anonyme)."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="wallonia",
        title="Belgium (Wallonia), Parcellaire agricole anonyme",
        licence="CC BY 4.0",
        country="BE",
        crs_if_missing={"BE": "EPSG:31370"},
        columns=ColumnMap(
            id=("OBJECTID",), code=("CULT_COD", "CULTURE"), name=("CULT_NOM",), year=("CAMPAGNE",), area=("SURF_HA",)
        ),
    )
)

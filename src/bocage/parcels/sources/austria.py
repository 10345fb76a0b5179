"""Austrian declarations (INSPIRE Schläge); EuroCrops' release shortens SNAR_BEZEICHNUNG."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="austria",
        title="Austria, INVEKOS Schläge",
        licence="CC BY 4.0",
        country="AT",
        crs_if_missing={"AT": "EPSG:31287"},
        columns=ColumnMap(
            id=("GEO_ID", "fid"),
            code=("SNAR_CODE", "snart_code"),
            name=("SNAR_BEZEICHNUNG", "SNAR_BEZEI", "snart"),
            area=("SL_FLAECHE_BRUTTO_HA",),
        ),
    )
)

"""Declarations of North Rhine-Westphalia (Teilschläge). WJ is the year of the declaration."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="germany_nrw",
        title="Germany (North Rhine-Westphalia), Teilschläge",
        licence="dl-de/by-2.0",
        country="DE",
        crs_if_missing={"DE": "EPSG:25832"},
        columns=ColumnMap(
            id=("ID", "INSPIRE_ID"),
            code=("CODE", "nutz_le_code_meldg"),
            name=("CODE_TXT", "nutz_le_text_meldg"),
            year=("WJ",),
            area=("AREA_HA",),
        ),
    )
)

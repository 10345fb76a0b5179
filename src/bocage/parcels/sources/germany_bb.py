"""Declarations of Brandenburg. `ref_ident` names a reference block, which several parcels share."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="germany_bb",
        title="Germany (Brandenburg), Antrag",
        licence="dl-de/by-2.0",
        country="DE",
        crs_if_missing={"DE": "EPSG:25833"},
        columns=ColumnMap(
            code=("code", "K_ART", "NU_CODE", "NUTZCODE"),
            name=("code_bez", "K_ART_K", "K_ART_KULT"),
            year=("antragjahr",),
            area=("groesse",),
        ),
    )
)

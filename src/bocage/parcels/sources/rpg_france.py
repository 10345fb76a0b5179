"""The French RPG (layer PARCELLES_GRAPHIQUES): codes only; upper-case columns in old editions, lower-case in new."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="rpg_france",
        title="France, Registre parcellaire graphique",
        licence="Licence Ouverte 2.0",
        country="FR",
        crs_if_missing={"FR": "EPSG:2154"},
        columns=ColumnMap(id=("ID_PARCEL",), code=("CODE_CULTU",), area=("SURF_PARC",)),
    )
)

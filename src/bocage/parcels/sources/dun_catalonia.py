"""Catalan declarations (DUN): names of crops only."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="dun_catalonia",
        title="Spain (Catalonia), Declaració única agrària",
        licence="Llicència oberta d'ús d'informació - Catalunya",
        country="ES",
        crs_if_missing={"ES": "EPSG:25831"},
        columns=ColumnMap(name=("cultiu",), year=("campanya",), area=("ha",)),
    )
)

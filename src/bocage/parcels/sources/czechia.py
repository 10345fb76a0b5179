"""Czech declarations (LPIS, GSA). One block may hold several crops, each a row of its own."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="czechia",
        title="Czechia, LPIS declarations",
        licence="not stated",
        country="CZ",
        crs_if_missing={"CZ": "EPSG:5514"},
        encodings=("cp1250", "iso8859-2"),
        columns=ColumnMap(
            id=("ZAKRES_ID",),
            code=("PLODINA_ID",),
            name=("PLOD_NAZE", "PLODINA_NAZEV"),
            year=("ROK",),
            area=("ZAKRES_VYM", "DEKL_VYM", "VYMERA"),
        ),
    )
)

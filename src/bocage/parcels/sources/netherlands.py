"""Dutch declarations (BRP gewaspercelen)."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="netherlands",
        title="Netherlands, Basisregistratie Gewaspercelen",
        licence="CC0 1.0",
        country="NL",
        crs_if_missing={"NL": "EPSG:28992"},
        columns=ColumnMap(
            code=("gewascode", "GWS_GEWASCODE", "GRONDBEDEKKING", "OPGEGEVEN_GEWASCODE_VPL"),
            name=("gewas", "GWS_GEWAS", "OMSCHR_GRONDBEDEKKING", "GWS_GEWASCODE_VPL"),
            year=("jaar",),
        ),
    )
)

"""Flemish declarations; the main crop (_H), not the crop before (_V) or after (_N)."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="flanders",
        title="Belgium (Flanders), Landbouwgebruikspercelen",
        licence="Modellicentie gratis hergebruik 1.0",
        country="BE",
        crs_if_missing={"BE": "EPSG:31370"},
        columns=ColumnMap(id=("REF_ID",), code=("GWSCOD_H",), name=("GWSNAM_H",), area=("GRAF_OPP",)),
    )
)

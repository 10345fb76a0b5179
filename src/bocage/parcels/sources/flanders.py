"""Flemish declarations; the main crop (_H, HFDTLT), not the crop before (_V) or after (_N). English names from 2026 on.

Parcels with several crops repeat REF_ID.
"""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="flanders",
        title="Belgium (Flanders), Landbouwgebruikspercelen",
        licence="Modellicentie gratis hergebruik 1.0",
        country="BE",
        crs_if_missing={"BE": "EPSG:31370"},
        columns=ColumnMap(
            id=("REF_ID", "reference_id"),
            code=("GWSCOD_H", "HFDTLT", "maincrop_code"),
            name=("GWSNAM_H", "LBLHFDTLT", "maincrop_title"),
            area=("GRAF_OPP", "area_ha"),
        ),
    )
)

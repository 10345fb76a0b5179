"""fiboa (vecorel) GeoParquet with the crop and HCAT extensions, in the spellings of its versions."""

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="fiboa",
        title="fiboa / vecorel GeoParquet, any country",
        licence="as the file",
        needs=("code", "name", "hcat_code", "hcat_name"),
        columns=ColumnMap(
            id=("id",),
            code=("crop:code", "crop_code"),
            name=("crop:name", "crop_name"),
            name_en=("crop:name_en", "hcat:name_en", "EC_trans_n"),
            hcat_code=("hcat:code", "EC_hcat_c"),
            hcat_name=("hcat:name", "EC_hcat_n"),
            year=("determination:datetime", "determination_datetime", "year"),
            country=("admin:country_code", "country"),
        ),
    )
)

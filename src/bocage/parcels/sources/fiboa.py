"""fiboa (vecorel) GeoParquet with its crop and HCAT extensions, in the spellings of their versions.

`hcat:code` is HCAT extension 0.2 and later, `ec:hcat_code` is 0.1; `admin:country_code` is the extension on
administrative divisions; `EC_hcat_c` stands in files that were converted without the extension.
"""

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
            name_en=("crop:name_en", "hcat:name_en", "ec:translated_name", "EC_trans_n"),
            hcat_code=("hcat:code", "ec:hcat_code", "EC_hcat_c"),
            hcat_name=("hcat:name", "ec:hcat_name", "EC_hcat_n"),
            year=("determination:datetime", "determination_datetime", "year"),
            country=("admin:country_code", "country"),
        ),
    )
)

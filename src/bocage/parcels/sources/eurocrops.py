"""EuroCrops releases: national columns kept, `EC_trans_n`, `EC_hcat_n`, `EC_hcat_c` added.

Files are called `<CC>[_<REGION>]_<year>_EC21.shp` with few exceptions. Native columns:
the tables of the EuroCrops wiki.
"""

import re

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="eurocrops",
        title="EuroCrops, any country",
        licence="CC BY-SA 4.0 (mapping); national licences (declarations)",
        needs=("hcat_code", "hcat_name"),
        columns=ColumnMap(
            id=(
                *("ID_PARCEL", "PARCEL_ID", "pollu_id", "OSA_ID", "KZS_NR", "REFSIGPAC", "field_id", "parcelid"),
                *("fid", "id", "objectid"),
            ),
            code=(
                *("CODE_CULTU", "SNAR_CODE", "GWSCOD_H", "CULT_COD", "PLODINA_ID", "KULTURCODE", "gewascode"),
                *("AFGKODE", "SIFRA_KMRS", "PRODUCT_CODE", "GRDKOD_MAR", "CUL_CODIGO", "crop_code", "code"),
            ),
            name=(
                *("SNAR_BEZEICHNUNG", "SNAR_BEZEI", "GWSNAM_H", "CULT_NOM", "PLOD_NAZE", "PLODINA", "CODE_TXT"),
                *("CODE_BEZ", "gewas", "AFGROEDE", "RASTLINA", "PRODUCT_DESCRIPTION", "PRODUCT_DE"),
                *("taotletud_kultuur", "CT_português", "crop_name"),
            ),
            name_en=("EC_trans_n",),
            hcat_code=("EC_hcat_c",),
            hcat_name=("EC_hcat_n",),
            year=("PERIOD_CODE", "ANTRAGSJAH", "CAMPAGNE", "JAAR"),
        ),
        crs_if_missing={"CZ": "EPSG:5514"},  # maja601/EuroCrops issue 38
        encodings=("cp1252", "cp1250", "cp1257"),
        file_name=re.compile(r"(?P<country>[A-Z]{2})(?:_[A-Z]+)?_(?P<year>\d{4})(?:_EC\d*)?"),
    )
)

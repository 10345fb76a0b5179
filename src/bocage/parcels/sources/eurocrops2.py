"""EuroCrops 2.0 (JRC, ESSD 18, 4075, 2026): one GeoParquet file a region and year, or one stack of years a region.

The files hold native codes only; `code_table: eurocrops.csv` of that project brings names and HCAT4, by region and
code. `<NUTS>_stack.parquet` has one native code a year: the year asked for (else the newest) is the crop, the years
before it are the history.
"""

import re

from bocage.parcels.options import ColumnMap
from bocage.parcels.source import ParcelSource, declare

declare(
    ParcelSource(
        name="eurocrops2",
        title="EuroCrops 2.0, region by year or stack of years",
        licence="JRC open data; national licences (declarations)",
        crs_if_missing={"*": "EPSG:3035"},
        columns=ColumnMap(id=("cropfield",), code=("original_code", "c{year}")),
        file_name=re.compile(r"(?P<region>[A-Za-z]{2}[A-Za-z0-9]*)_(?:(?P<year>\d{4})|stack)"),
        history="c{year}",
        hcat_version=4,
    )
)

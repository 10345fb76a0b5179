"""The contract of every parcel source, as one check that a source of your own can run.

check_parcel_source(ParcelOptions(kind="mine", path="sample.gpkg"))
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from bocage.parcels import hcat
from bocage.parcels.harmonise import is_personal
from bocage.parcels.options import ParcelOptions
from bocage.parcels.read import read_parcels
from bocage.parcels.schema import COLUMNS, TEXT_COLUMNS, ParcelTable
from bocage.parcels.source import SOURCES


def check_parcel_source(options: ParcelOptions) -> ParcelTable:
    """Read with a source and raise AssertionError unless the result keeps what `ParcelTable` promises.

    The columns in their order, unique ids, numbers 1…N, text or None, ten-digit HCAT codes, valid polygons with an
    area, nothing lost without a reason, no column about persons, and the same answer twice.
    """
    source = SOURCES[options.kind]
    personal = [c for _, names in source.columns for c in names if is_personal(c)]
    assert not personal, f"source '{source.name}' reads columns about persons: {personal}"
    table = read_parcels(options)
    frame = table.frame
    assert tuple(frame.columns) == COLUMNS, f"columns are {list(frame.columns)}"
    assert len(frame) == table.tally.kept > 0, "the tally does not count what was kept"
    assert table.tally.total == table.n_read, "a parcel was lost without a reason"
    assert frame["id"].is_unique, "ids repeat"
    assert frame["id"].map(lambda v: isinstance(v, str) and v != "").all(), "an id is no text"
    assert frame["number"].dtype == np.uint32, "numbers are not uint32"
    assert frame["number"].tolist() == list(range(1, len(frame) + 1)), "numbers are not 1…N"
    for column in TEXT_COLUMNS:
        texts = frame[column].map(lambda v: v is None or (isinstance(v, str) and v == v.strip() != ""))
        assert texts.all(), f"{column} holds something that is neither text nor None"
    assert frame["hcat:code"].dropna().map(hcat.is_code).all(), "an HCAT code is not ten digits"
    assert frame[list(TEXT_COLUMNS)].notna().any().any(), "no parcel has a crop"
    assert (frame["area"] > 0).all(), "a parcel has no area"
    geometries = frame.geometry.to_numpy()
    assert shapely.is_valid(geometries).all(), "a geometry is invalid"
    assert not shapely.has_z(geometries).any(), "a geometry has heights"
    assert set(frame.geom_type) <= {"Polygon", "MultiPolygon"}, f"geometries are {set(frame.geom_type)}"
    assert frame.crs is not None, "there is no CRS"
    again = read_parcels(options).frame
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(again))
    return table

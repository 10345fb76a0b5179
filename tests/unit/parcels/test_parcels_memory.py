"""Memory does not grow with the file, and rows outside a box or a year are left to the file."""

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyproj import CRS
from shapely.geometry import box

from bocage.parcels.read_layer import find_layers
from bocage.parcels.read_rows import read_rows

X, Y, STEP, SIDE, PER_ROW = 3_800_000.0, 2_400_000.0, 120.0, 100.0, 2000  # EPSG:3035, metres
CODES = np.array(["BTH", "MIS", "PPH", "VRC", "ORH"], dtype=object)
CHUNK = 50_000

# One process from file to classes; prints its peak memory in MiB.
RUN = """
import resource, sys
from pathlib import Path
from bocage.parcels.options import ParcelOptions
from bocage.parcels.read import stream_parcels
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.write_classes import write_classes
fields, parcels, classed = map(Path, sys.argv[1:])
read = stream_parcels(ParcelOptions(kind="rpg_france", path=str(fields)), parcels)
audit = write_classes(parcels, classed, find_taxonomy("field-crops"))
print(read.tally.kept, audit.n_mapped, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def write_squares(path: Path, n: int) -> None:
    """`n` square fields of one hectare in the schema of the RPG, written chunk by chunk."""
    column = {"encoding": "WKB", "geometry_types": ["Polygon"], "crs": CRS.from_epsg(3035).to_json_dict()}
    geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": column}}
    fields = [("ID_PARCEL", pa.string()), ("CODE_CULTU", pa.string()), ("geometry", pa.binary())]
    schema = pa.schema(fields, metadata={"geo": json.dumps(geo)})
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, n, CHUNK):
            rows = np.arange(first, min(first + CHUNK, n))
            ids, codes = pa.array(rows).cast(pa.string()), pa.array(CODES[rows % len(CODES)])
            writer.write_table(pa.table([ids, codes, squares_wkb(rows)], schema=schema))


def squares_wkb(rows: np.ndarray) -> pa.Array:
    """Little-endian WKB of one square a row: byte order, type, one ring, five points."""
    wkb = np.zeros(len(rows), [("order", "u1"), ("type", "<u4"), ("rings", "<u4"), ("n", "<u4"), ("xy", "<f8", (5, 2))])
    wkb["order"], wkb["type"], wkb["rings"], wkb["n"] = 1, 3, 1, 5
    corners = np.array([(0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE), (0, 0)])
    wkb["xy"] = np.stack([X + STEP * (rows % PER_ROW), Y + STEP * (rows // PER_ROW)], axis=1)[:, None] + corners
    ends = pa.py_buffer((np.arange(len(rows) + 1) * wkb.itemsize).astype(np.int32))
    return pa.Array.from_buffers(pa.binary(), len(rows), [None, ends, pa.py_buffer(wkb.tobytes())])


@pytest.mark.slow
def test_two_million_parcels_take_hardly_more_memory_than_two_hundred_thousand(tmp_path: Path) -> None:
    """From file to classes. What grows is 20 bytes of keys a parcel, and the room to sort them: under 100 bytes."""
    peaks_mib = {}
    for n in (200_000, 2_000_000):
        paths = [tmp_path / f"{name}.parquet" for name in ("fields", "parcels", "classed")]
        write_squares(paths[0], n)
        done = subprocess.run([sys.executable, "-c", RUN, *map(str, paths)], capture_output=True, text=True, check=True)
        n_kept, n_mapped, peak = done.stdout.split()
        assert (int(n_kept), int(n_mapped)) == (n, n)
        peaks_mib[n] = float(peak)
    per_parcel = (peaks_mib[2_000_000] - peaks_mib[200_000]) * 2**20 / 1_800_000
    assert per_parcel < 100, peaks_mib
    of_the_rpg_mib = peaks_mib[2_000_000] + 7_800_000 * per_parcel / 2**20
    assert of_the_rpg_mib < 3000, "9.8 million parcels"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 squares in blocks of one year each, in every format."""
    folder = tmp_path_factory.mktemp("grid")
    i = np.arange(20_000)
    x, y = X + STEP * (i % 200), Y + STEP * (i // 200)
    shapes = gpd.GeoSeries([box(a, b, a + SIDE, b + SIDE) for a, b in zip(x, y, strict=True)], crs=3035)
    frame = gpd.GeoDataFrame({"crop": ["x"] * len(i), "year": 2015 + i // 2000}, geometry=shapes)
    frame.to_parquet(folder / "g.parquet", row_group_size=2000, write_covering_bbox=True, schema_version="1.1.0")
    frame.to_parquet(folder / "without-boxes.parquet", row_group_size=2000)
    for suffix in (".gpkg", ".fgb", ".shp"):
        frame.to_file(folder / f"g{suffix}")
    return folder


@pytest.mark.parametrize("name", ["g.parquet", "without-boxes.parquet", "g.gpkg", "g.fgb", "g.shp"])
def test_rows_outside_a_box_or_a_year_do_not_come_through(grid: Path, name: str) -> None:
    """The file leaves them out; only without boxes in a GeoParquet file is their shape looked at."""
    (layer,) = find_layers(grid / name)
    corner = (X + 1, Y + 1, X + 10 * STEP - 30, Y + 10 * STEP - 30)  # ten by ten squares of the first half of 2015
    n_in_box = sum(len(b.geometries) for b in read_rows(layer, ["crop"], area=corner))
    n_of_year = sum(len(b.geometries) for b in read_rows(layer, ["crop", "year"], keep={"year": [2017]}))
    both = read_rows(layer, ["crop", "year"], area=corner, keep={"year": [2016]})
    assert (n_in_box, n_of_year, sum(len(b.geometries) for b in both)) == (100, 2000, 0)

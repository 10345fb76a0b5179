"""A killed map goes on where it was and ends the same; memory does not grow with the area; large tiles fit."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import box

from bocage.core.grid import Window, full_window, grid_to_json, make_grid
from bocage.cubes.quality import UNCLEAR
from bocage.cubes.store import CubeWriter, open_cube
from bocage.mapping.map_area import map_area
from bocage.mapping.options import MappingOptions
from bocage.mapping.parcels import ParcelVotes
from bocage.mapping.store import RowStore

COLORS = ("#000000", "#ffcc00", "#00aa55")
OPTIONS = MappingOptions(window_px=64, overlap_px=16, probabilities=True)

# maps the cube given as first argument into the folder given as second, and prints the process's largest memory
PROGRAM = """
import resource, sys
from pathlib import Path
import geopandas as gpd, numpy as np
from bocage.cubes.store import open_cube
from bocage.mapping.map_area import map_area
from bocage.mapping.options import MappingOptions
import time

class Level:
    bands, class_names, n_dates = ("B08",), ("background", "wheat", "maize"), 1
    def predict_proba(self, image, valid, days):
        time.sleep(float(sys.argv[4]))
        near = 1 / (0.01 + np.abs(image[:, 0] - np.array([0.1, 0.3, 0.5], np.float32)[None, :, None, None]))
        return (near / near.sum(1, keepdims=True)).astype(np.float32)

cube, folder, window = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
parcels = Path(sys.argv[5]) if len(sys.argv) > 5 else None
options = MappingOptions(window_px=window, overlap_px=window // 8, probabilities=parcels is not None)
frame = gpd.read_parquet(parcels) if parcels else None
made = map_area(Level(), open_cube(cube), frame, folder, options, colors=("#000000", "#ffcc00", "#00aa55"),
                model={"weights": "level"})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, made["mpx_per_s"])
"""


def write_cube(folder: Path, shape: tuple[int, int]) -> Path:
    """A finished cube of one date and one band, written directly: slanted stripes, a few pixels missing."""
    grid = make_grid("EPSG:32631", 500_000, 5_000_000, 10, shape)
    writer, x = CubeWriter(folder, (1, 1, *shape), "test"), np.arange(shape[1])
    for row in range(0, shape[0], 1024):
        y = np.arange(row, min(row + 1024, shape[0]))[:, None]
        stored = ((x * 37 + y * 11) % 6000).astype(np.int16)
        writer.put_reflectance(0, Window(row, 0, *stored.shape), stored[None])
    quality = np.zeros(shape, np.uint8)
    quality[shape[0] // 3 : shape[0] // 3 + 5, : shape[1] // 2] = UNCLEAR
    writer.put_quality(0, full_window(grid), quality)
    writer.keep("s", {})
    record = {"grid": grid_to_json(grid), "bands": ["B08"], "days": [17700], "scenes": ["s"]}
    writer.finish({**record, "tile": "31TEJ", "level": "L2A"})
    return folder


def command(cube: Path, out: Path, *, window: int, pause_s: float = 0.0, parcels: Path | None = None) -> list[str]:
    return [
        sys.executable,
        "-c",
        PROGRAM,
        str(cube),
        str(out),
        str(window),
        str(pause_s),
        *([str(parcels)] if parcels else []),
    ]


def measure(cube: Path, out: Path, *, window: int) -> tuple[float, float]:
    """Largest memory in MB, and speed in Mpx/s."""
    done = subprocess.run(command(cube, out, window=window), capture_output=True, text=True, check=True, timeout=300)
    memory, speed = map(float, done.stdout.split())
    return memory, speed


def write_fields(path: Path) -> Path:
    shapes = [
        box(500_000 + 10 * x, 5_000_000 - 10 * (y + 45), 500_000 + 10 * (x + 70), 5_000_000 - 10 * y)
        for y in range(0, 300, 50)
        for x in range(0, 240, 80)
    ]
    frame = gpd.GeoDataFrame({"id": [f"p{i}" for i in range(len(shapes))]}, geometry=shapes, crs="EPSG:32631")
    frame.to_parquet(path)
    return path


def assert_same_map(one: Path, other: Path) -> None:
    for name in ("class_map.tif", "confidence.tif", "probabilities.tif"):
        with rasterio.open(one / name) as a, rasterio.open(other / name) as b:
            assert np.array_equal(a.read(), b.read()), name
    assert gpd.read_parquet(one / "parcels.parquet").equals(gpd.read_parquet(other / "parcels.parquet"))
    assert (one / "areas.csv").read_text() == (other / "areas.csv").read_text()
    assert (
        json.loads((one / "map.json").read_text())["digest"] == json.loads((other / "map.json").read_text())["digest"]
    )


class Level:
    bands, class_names, n_dates = ("B08",), ("background", "wheat", "maize"), 1
    calls, most = 0, 10**9

    def predict_proba(self, image, valid, days):
        self.calls += 1
        if self.calls > self.most:
            raise KeyboardInterrupt
        near = 1 / (0.01 + np.abs(image[:, 0] - np.array([0.1, 0.3, 0.5], np.float32)[None, :, None, None]))
        return (near / near.sum(1, keepdims=True)).astype(np.float32)


def test_an_interrupted_map_goes_on_and_a_finished_one_is_kept(tmp_path: Path):
    cube, frame = open_cube(write_cube(tmp_path / "cube", (200, 150))), gpd.read_parquet(write_fields(tmp_path / "p"))
    model = {"weights": "sha"}
    whole, half = Level(), Level()
    map_area(whole, cube, frame, tmp_path / "whole", OPTIONS, colors=COLORS, model=model)
    half.most = whole.calls // 2
    with pytest.raises(KeyboardInterrupt):
        map_area(half, cube, frame, tmp_path / "half", OPTIONS, colors=COLORS, model=model)
    assert not (tmp_path / "half" / "map.json").exists()
    rest = Level()
    map_area(rest, cube, frame, tmp_path / "half", OPTIONS, colors=COLORS, model=model)
    assert 0 < rest.calls < whole.calls
    assert_same_map(tmp_path / "whole", tmp_path / "half")
    assert not (tmp_path / "half" / ".map").exists()
    again = Level()
    map_area(again, cube, frame, tmp_path / "half", OPTIONS, colors=COLORS, model=model)
    assert again.calls == 0
    map_area(again, cube, frame, tmp_path / "half", OPTIONS, colors=COLORS, model={"weights": "other"})
    assert again.calls == whole.calls


@pytest.mark.slow
def test_a_map_killed_twice_ends_as_if_nothing_had_happened(tmp_path: Path):
    cube, parcels = write_cube(tmp_path / "cube", (400, 300)), write_fields(tmp_path / "parcels.parquet")
    subprocess.run(command(cube, tmp_path / "whole", window=64, parcels=parcels), check=True, capture_output=True)
    slow = command(cube, tmp_path / "killed", window=64, pause_s=0.05, parcels=parcels)
    state, seen = tmp_path / "killed" / ".map" / "state.npz", 0
    for _ in range(2):
        process = subprocess.Popen(slow)
        until = time.monotonic() + 60
        while (not state.exists() or state.stat().st_mtime_ns == seen) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        seen = state.stat().st_mtime_ns
    assert not (tmp_path / "killed" / "map.json").exists()
    subprocess.run(command(cube, tmp_path / "killed", window=64, parcels=parcels), check=True, capture_output=True)
    assert_same_map(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_memory_is_flat_over_four_times_the_area(tmp_path: Path):
    """Rows of pixels are held, areas are not: four times the area is twice the row."""
    small, _ = measure(write_cube(tmp_path / "small", (1500, 1500)), tmp_path / "a", window=256)
    large, _ = measure(write_cube(tmp_path / "large", (3000, 3000)), tmp_path / "b", window=256)
    assert large < 1.2 * small


@pytest.mark.slow
def test_a_quarter_of_a_tile_is_mapped_in_little_memory(tmp_path: Path):
    """`BOCAGE_FULL_TILE=1` maps all 10,980 x 10,980 pixels."""
    side = 10_980 if os.environ.get("BOCAGE_FULL_TILE") else 5490
    memory, _ = measure(write_cube(tmp_path / "cube", (side, side)), tmp_path / "map", window=512)
    assert memory < 6000
    with rasterio.open(tmp_path / "map" / "class_map.tif") as raster:
        assert raster.shape == (side, side)
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


@pytest.mark.parametrize("kept", [0, 10, 200])
def test_a_damaged_state_starts_over(tmp_path: Path, kept: int):
    def opened() -> RowStore:
        return RowStore(tmp_path / "half", "digest", {"classes": 1}, (4, 4))

    opened().commit({"n_done": 1})
    assert opened().state["n_done"] == 1
    state = tmp_path / "half" / "state.npz"
    state.write_bytes(state.read_bytes()[:kept])
    assert opened().state == {}


def test_what_is_kept_of_a_half_made_map_does_not_grow_with_parcels_elsewhere():
    grid = make_grid("EPSG:32631", 300_000, 4_900_000, 10, (8, 8))
    here = box(300_000, 4_899_960, 300_040, 4_900_000)
    fields = gpd.GeoDataFrame(
        {"id": [str(i) for i in range(50)]}, geometry=[box(0, 0, 1, 1)] * 49 + [here], crs="EPSG:32631"
    )
    votes = ParcelVotes(fields, grid, 2)
    classes = np.ones((8, 8), np.uint8)
    votes.add(0, classes, np.stack([1 - classes, classes]).astype(np.float32), np.ones((8, 8), bool))
    assert votes.state["vote_counts"].tolist() == [[0, 16]]
    table, tally = votes.result(("background", "wheat"))
    assert table[["id", "predicted_class", "n_px"]].to_numpy().tolist() == [["49", "wheat", 16]]
    assert tally.to_json() == {"kept": 1, "dropped": {"outside the map": 49}}

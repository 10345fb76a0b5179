"""Memory of a composite does not follow the area: measured in a process of its own, at two areas."""

import subprocess
import sys

import numpy as np
import pytest
import rasterio
from affine import Affine

BUILD = """
import sys
from datetime import date
from pathlib import Path
from bocage.cubes.build import build_cube
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import plan_periods
from bocage.cubes.plan import plan_cubes
from bocage.cubes.read import read_scene_grid
from bocage.regions.plan import Region
from bocage.scenes.options import SceneOptions
from bocage.scenes.search import search_scenes

source, out, memory_gb = sys.argv[1:]
options = CubeOptions(
    bands=("B02", "B08"), composite="monthly_median", fill="neighbours", memory_gb=float(memory_gb), dilate_m=30
)
scenes, _ = search_scenes(SceneOptions(path=source))
periods = plan_periods(options, (date(2018, 4, 1), date(2018, 5, 31)), [s.day for s in scenes])
grids = {s.id: read_scene_grid(s) for s in scenes}
(plan,) = plan_cubes(scenes, grids, Region("scenes", None), options, periods)
build_cube(plan, Path(out), options, threads=1)
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def write_flat_product(safe, folder, time, value, size_px):
    """Two bands and scene classes as GeoTIFF, which is quick to write and read."""
    product = safe.write_safe(folder, {"B02": np.zeros((8, 8), np.uint16)}, time=time)
    (example,) = product.rglob("*B02_10m.jp2")
    for band, metres, dn in (("B02", 10, value), ("B08", 10, 3 * value), ("SCL", 20, 4)):
        path = example.parents[1] / f"R{metres}m" / example.name.replace("B02_10m.jp2", f"{band}_{metres}m.tif")
        path.parent.mkdir(exist_ok=True)
        n = size_px * 10 // metres
        profile = {"width": n, "height": n, "count": 1, "dtype": "uint16", "crs": "EPSG:32631"}
        profile |= {"transform": Affine(metres, 0, 500_000, 0, -metres, 4_800_000)}
        layout = {"driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "zstd"}
        with rasterio.open(path, "w", **profile, **layout) as target:
            target.write(np.full((n, n), dn, np.uint16), 1)
    example.unlink()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_four_times_the_area_takes_no_more_than_the_stated_memory(safe, tmp_path):
    peak_gb = {}
    for size_px in (4096, 8192):
        for month, value in ((4, 500), (5, 600)):
            write_flat_product(safe, tmp_path / f"s2-{size_px}", f"20180{month}10T104021", value, size_px)
        arguments = [str(tmp_path / f"s2-{size_px}"), str(tmp_path / f"cube-{size_px}"), "1"]
        ran = subprocess.run([sys.executable, "-c", BUILD, *arguments], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        peak_gb[size_px] = int(ran.stdout.split()[-1]) * 1024 / 1e9
    assert max(peak_gb.values()) < 0.75
    assert peak_gb[8192] < 1.15 * peak_gb[4096]

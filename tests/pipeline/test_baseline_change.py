"""A season whose products come from before and after processing baseline 04.00 is one series without a step."""

import numpy as np
import pytest

from bocage.cubes.build import build_cube
from bocage.cubes.options import CubeOptions
from bocage.cubes.plan import Region, plan_cubes
from bocage.cubes.read import read_scene_grid
from bocage.cubes.store import open_cube
from bocage.scenes.options import SceneOptions
from bocage.scenes.search import search_scenes
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country

BEFORE, AFTER = "03.01", "04.00"
DAYS = ("05-01", "05-16", "06-15", "06-30")


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    """The same country and season, all of it from before the change, and half of it from after."""
    opened = {}
    for baselines in ((BEFORE,), (BEFORE, AFTER)):
        folder = tmp_path_factory.mktemp("world")
        options = SyntheticOptions(
            seed=5, size_px=96, dates=DAYS, years=(2022,), baselines=baselines, cloud_fraction=0, swath_edge_fraction=0
        )
        country = write_country(folder / "FR", options)
        scenes, _ = search_scenes(SceneOptions(path=str(country.safe_folder)))
        assert {s.offset_of("B04") for s in scenes} == {0 if b == BEFORE else -1000 for b in baselines}
        grids = {s.id: read_scene_grid(s) for s in scenes}
        (plan,) = plan_cubes(scenes, grids, Region("scenes", None), CubeOptions())
        build_cube(plan, folder / "cube", CubeOptions())
        opened[baselines] = open_cube(folder / "cube").read()
    return opened[BEFORE,], opened[BEFORE, AFTER]


def test_every_pixel_has_the_reflectance_it_had_without_the_change(cubes):
    without, across = cubes
    both = without.valid & across.valid
    assert both.mean() > 0.95 * without.valid.mean() > 0.5
    for t in range(len(DAYS)):
        seen = both[t] & (without.reflectance[t] > 0.0002).all(axis=0)  # old numbers are cut at 1, new ones are not
        assert seen.mean() > 0.3
        np.testing.assert_array_equal(across.reflectance[t][:, seen], without.reflectance[t][:, seen])


def test_an_offset_left_in_would_be_seen(cubes):
    without, across = cubes
    step = np.abs(across.reflectance - without.reflectance)[:, 0][without.valid & across.valid]
    assert step.max() < 0.05  # the offset is 0.1

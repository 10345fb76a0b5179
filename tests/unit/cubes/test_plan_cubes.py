"""Which grid, which scenes: pure planning."""

from dataclasses import replace

import pytest
from shapely.geometry import Point, box

from bocage.core.errors import GridMismatch, NothingLeft
from bocage.core.grid import footprint, grid_bounds, grid_to_json, make_grid, project, same_lattice
from bocage.cubes.options import CubeOptions
from bocage.cubes.plan import crop_grid, plan_cubes
from bocage.regions.plan import Region
from bocage.scenes.read import open_scene

EVERYWHERE = Region("scenes", None)
B02 = CubeOptions(bands=("B02",))


@pytest.fixture
def scenes(safe, tmp_path):
    return [open_scene(safe.write_safe(tmp_path, {}, time=f"2018{m:02d}01T104021")) for m in (6, 4)]


def grid(left=500_000, top=4_800_000, shape=(8, 6), size=10, crs="EPSG:32631"):
    return make_grid(crs, left, top, size, shape)


def test_scenes_come_in_time_order_on_their_common_grid(scenes):
    grids = {scenes[0].id: grid(), scenes[1].id: grid(left=500_020)}
    (plan,) = plan_cubes(scenes, grids, EVERYWHERE, B02)
    assert (plan.name, plan.tile) == ("scenes-31TEJ", "31TEJ")
    assert [s.datetime.month for s in plan.scenes] == [4, 6]
    assert plan.days.tolist() == [17622, 17683]
    assert grid_to_json(plan.grid) == grid_to_json(grid(shape=(8, 8)))  # covers both


def test_a_region_cuts_whole_pixels_of_the_lattice(scenes):
    grids = {s.id: grid(shape=(100, 100)) for s in scenes}
    inside = footprint(make_grid("EPSG:32631", 500_203, 4_799_897, 1, (104, 14)))
    (plan,) = plan_cubes(scenes, grids, Region("field", inside), B02)
    assert plan.name == "field-31TEJ"
    assert same_lattice(plan.grid, grid())
    assert grid_to_json(plan.grid) == grid_to_json(grid(left=500_200, top=4_799_900, shape=(11, 2)))


def test_a_wide_box_is_followed_along_its_parallels():
    tile = make_grid("EPSG:32631", 399_960, 5_400_000, 10, (10_980, 10_980))
    part = crop_grid(tile, Region("box", box(1.7, 48.0, 4.3, 48.5)))
    south = project(Point(3.0, 48.0), "EPSG:4326", "EPSG:32631").y  # on the central meridian the parallel dips by 800 m
    assert 0 <= south - grid_bounds(part)[1] < 10


@pytest.mark.parametrize("wide", [(-180, -90, 180, 90), (-100, -80, 100, 80), (-20, 30, 40, 70)])
def test_a_region_far_larger_than_a_tile_takes_all_of_it(wide):
    tile = make_grid("EPSG:32631", 399_960, 4_900_020, 10, (10_980, 10_980))
    assert crop_grid(tile, Region("box", box(*wide))) == tile


def test_a_region_beside_the_antimeridian_cuts_its_part_of_a_tile():
    tile = make_grid("EPSG:32701", 99_960, 8_200_000, 10, (10_980, 10_980))  # of zone 1: from 179.2° E to 179.7° W
    boxes = [box(179.5, -17.0, 180, -16.8), box(-180, -17.0, -179.9, -16.8)]
    west, east = (grid_bounds(crop_grid(tile, Region("box", part))) for part in boxes)
    assert (west[2] - west[0], east[2] - east[0]) == pytest.approx((53_400, 10_800), abs=500)
    assert 0 <= west[2] - east[0] < 500  # they meet, along a meridian that leans


def test_one_plan_for_each_tile_that_the_region_touches(scenes):
    other = replace(scenes[1], tile="31TDJ", id="other")
    grids = {scenes[0].id: grid(), "other": grid(left=400_000)}
    assert [p.name for p in plan_cubes([scenes[0], other], grids, EVERYWHERE, B02)] == ["scenes-31TDJ", "scenes-31TEJ"]
    (plan,) = plan_cubes([scenes[0], other], grids, Region("box", footprint(grid())), B02)
    assert plan.tile == "31TEJ"


def test_a_region_elsewhere_is_refused(scenes):
    with pytest.raises(NothingLeft, match=r"touches none of the images \(lon 3\.000…3\.001"):
        plan_cubes(scenes, {s.id: grid() for s in scenes}, Region("box", box(10, 50, 11, 51)), B02)


def test_scenes_of_one_tile_whose_pixels_do_not_coincide_are_refused(scenes):
    grids = {scenes[0].id: grid(), scenes[1].id: grid(left=500_005)}
    with pytest.raises(GridMismatch, match="their pixels do not coincide"):
        plan_cubes(scenes, grids, EVERYWHERE, B02)


def test_another_resolution_than_the_products_have_is_refused(scenes):
    with pytest.raises(GridMismatch, match=r"pixels of 120 m. Set cubes\.resolution_m"):
        plan_cubes(scenes, {s.id: grid(size=120) for s in scenes}, EVERYWHERE, B02)

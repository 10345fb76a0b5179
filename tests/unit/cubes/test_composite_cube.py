"""Tiny products -> monthly composites, filled, on disk and back."""

from datetime import date

import numpy as np
import pytest
import xarray as xr
import zarr

from bocage.core.digest import digest_tree
from bocage.core.errors import CorruptFile, MissingFile
from bocage.core.grid import Window
from bocage.cubes import build
from bocage.cubes.build import build_cube
from bocage.cubes.grow import grow_cube
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import plan_periods
from bocage.cubes.plan import plan_cubes
from bocage.cubes.quality import BRIGHT, FILLED, NODATA, UNCLEAR
from bocage.cubes.read import read_scene_grid
from bocage.cubes.store import open_cube, plan_blocks, plan_strips
from bocage.regions.plan import Region
from bocage.scenes.options import SceneOptions
from bocage.scenes.search import search_scenes

SPRING = date(2018, 4, 1), date(2018, 7, 31)
MONTHLY = CubeOptions(composite="monthly_median")


def plan_folder(folder, options, season=SPRING):
    scenes, _ = search_scenes(SceneOptions(path=str(folder)))
    periods = plan_periods(options, season, [s.day for s in scenes])
    grids = {s.id: read_scene_grid(s) for s in scenes}
    return plan_cubes(scenes, grids, Region("scenes", None), options, periods)[0]


def build_folder(folder, out, options, season=SPRING):
    tally = build_cube(plan_folder(folder, options, season), out, options)
    return open_cube(out), tally


@pytest.fixture
def spring(safe, tmp_path):
    """April: 0.1, 0.2 and 0.4; May: 0.3, cloudy in the upper left; June: nothing; July: 0.5."""
    for day, value in (("0402", 1000), ("0412", 4000), ("0422", 2000), ("0702", 5000)):
        safe.write_safe(tmp_path / "s2", safe.flat_numbers(value), time=f"2018{day}T104021")
    may = safe.flat_numbers(3000)
    may["SCL"][0, 0] = 9
    safe.write_safe(tmp_path / "s2", may, time="20180502T104021")
    return tmp_path / "s2"


def test_a_month_is_the_median_of_its_dates_and_an_empty_month_stays(spring, tmp_path):
    store, tally = build_folder(spring, tmp_path / "cube", MONTHLY)
    cube = store.read()
    assert tally.to_json() == {"kept": 5, "dropped": {}}
    assert store.shape == cube.reflectance.shape == (4, 10, 8, 6)
    assert store.scenes[0] == "2018-04-01/2018-04-30"
    assert store.days.astype("datetime64[D]").astype(str).tolist() == [
        *("2018-04-15", "2018-05-16", "2018-06-15", "2018-07-16")
    ]
    assert cube.reflectance[:, 0, 7, 5].tolist() == pytest.approx([0.2, 0.3, 0.0, 0.5])
    assert cube.quality[:, 7, 5].tolist() == [0, 0, NODATA, BRIGHT]
    assert cube.quality[:, 0, 0].tolist() == [0, UNCLEAR, NODATA, BRIGHT]
    assert store.read_observations()[:, 0, 0].tolist() == [3, 0, 0, 1]
    assert store.read_observations(Window(7, 5, 1, 1)).ravel().tolist() == [3, 1, 0, 1]
    assert [len(p["scenes"]) for p in store.record["periods"]] == [3, 1, 0, 1]
    assert store.record["periods"][1]["observations_mean"] == pytest.approx(44 / 48, abs=1e-5)
    assert [(p["observations_least"], p["observations_most"]) for p in store.record["periods"]] == [
        *((3, 3), (0, 1), (0, 0), (1, 1))
    ]
    assert store.record["nodata_fraction"] == [0, 0, 1, 0]
    assert not (tmp_path / "cube" / "period").exists()


def test_gaps_are_filled_and_say_so(spring, tmp_path):
    options = CubeOptions(composite="monthly_median", fill="neighbours")
    store, _ = build_folder(spring, tmp_path / "cube", options)
    cube = store.read()
    assert cube.valid.all()
    assert cube.reflectance[:, 3, 7, 5].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.5])
    assert cube.reflectance[:, 3, 0, 0].tolist() == pytest.approx([0.2, 0.35, 0.35, 0.5])
    assert cube.quality[:, 0, 0].tolist() == [0, FILLED, FILLED, BRIGHT]
    assert store.record["valid_fraction"] == [1, 1, 1, 1]
    assert store.record["filled_fraction"] == pytest.approx([0, 4 / 48, 1, 0], abs=1e-5)


def test_single_dates_can_be_filled_too(spring, tmp_path):
    store, _ = build_folder(spring, tmp_path / "cube", CubeOptions(fill="linear"))
    cube = store.read()
    assert store.shape[0] == 5
    between = 2000 + (5000 - 2000) * 10 / 71  # 22 April, 2 May, 2 July
    assert cube.reflectance[3, 0, 0, 0] == pytest.approx(round(between) / 1e4)
    with pytest.raises(MissingFile, match="single dates"):
        store.read_observations()


def test_given_periods_take_only_their_dates(spring, tmp_path):
    periods = (("2018-04-10", "2018-05-02"), ("2018-05-03", "2018-06-30"))
    options = CubeOptions(composite="period_median", periods=periods)
    store, tally = build_folder(spring, tmp_path / "cube", options)
    assert tally.to_json() == {"kept": 3, "dropped": {"in no period": 2}}
    assert store.read().reflectance[:, 0, 7, 5].tolist() == pytest.approx([0.3, 0.0])


@pytest.mark.parametrize("dies_at", [2, 4])
def test_a_killed_build_goes_on_and_gives_the_same_bytes(spring, tmp_path, monkeypatch, dies_at):
    options = CubeOptions(composite="monthly_median", fill="neighbours")
    plan = plan_folder(spring, options)
    build_cube(plan, tmp_path / "whole", options)
    real, read = build.read_date, []

    def dying(scene, *args, **kwargs):
        read.append(scene.id)
        if len(read) == dies_at:
            raise KeyboardInterrupt
        return real(scene, *args, **kwargs)

    monkeypatch.setattr(build, "read_date", dying)
    with pytest.raises(KeyboardInterrupt):
        build_cube(plan, tmp_path / "killed", options)
    build_cube(plan, tmp_path / "killed", options)
    assert len(read) == 6  # only the date that was being read is read again
    assert digest_tree(tmp_path / "killed") == digest_tree(tmp_path / "whole")


def test_a_kill_while_filling_does_not_matter(spring, tmp_path, monkeypatch):
    options = CubeOptions(composite="monthly_median", fill="neighbours")
    plan = plan_folder(spring, options)
    build_cube(plan, tmp_path / "whole", options)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(build, "_record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        build_cube(plan, tmp_path / "killed", options)  # everything is filled, but the record is not written
    build_cube(plan, tmp_path / "killed", options)
    assert digest_tree(tmp_path / "killed") == digest_tree(tmp_path / "whole")


def test_composites_show_no_step_where_the_offset_came_in(safe, tmp_path):
    """The same ground, before and after baseline 04.00: 1000 in the old numbers, 2000 in the new ones."""
    for month, baseline, number, offset in (
        ("0110", "03.01", 1000, None),
        ("0120", "04.00", 2000, -1000),
        ("0210", "04.00", 2000, -1000),
    ):
        extra = {} if offset is None else {"offset": offset}
        safe.write_safe(
            tmp_path / "s2", safe.flat_numbers(number), time=f"2022{month}T104021", baseline=baseline, **extra
        )
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube", MONTHLY, (date(2022, 1, 1), date(2022, 2, 28)))
    assert np.unique(store.read().reflectance) == pytest.approx([0.1])


def test_xarray_opens_the_array_store_by_itself(spring, tmp_path):
    store, _ = build_folder(spring, tmp_path / "cube", MONTHLY)
    with xr.open_zarr(store.arrays, consolidated=False) as opened:
        assert opened.reflectance.dims == ("time", "band", "y", "x")
        assert opened.time.values.astype("datetime64[D]").astype(str)[1] == "2018-05-16"
        assert opened.band.values.tolist() == list(store.bands)
        assert float(opened.x[0]) == store.grid.affine.c + 5
        assert float(opened.y[0]) == store.grid.affine.f - 5
        assert "32631" in opened.spatial_ref.attrs["crs_wkt"]
        april = opened.reflectance.sel(time="2018-04-15", band="B08").squeeze()
        assert april.values == pytest.approx(0.2)
        assert np.isnan(opened.reflectance.sel(time="2018-06-15")).all()
        assert opened.observations.values[:, 0, 0].tolist() == [3, 0, 0, 1]


def test_strips_of_a_whole_tile_fit_the_memory():
    shape = (1, 10, 10_980, 10_980)
    for memory_gb, threads in ((8.0, 64), (4.0, 2), (1.0, 2), (1.0, 16)):
        strips = plan_strips(shape, memory_gb, threads=threads)
        seen = np.zeros((43, 43), int)  # by chunk
        for window in (w for strip in strips for w in strip):
            assert window.row % 256 == window.col % 256 == 0
            rows, cols = window.slices
            seen[rows.start // 256 : -(-rows.stop // 256), cols.start // 256 : -(-cols.stop // 256)] += 1
            px_bytes = 2 * 10 + 4 * min(10, threads + 1)
            assert window.height * window.width * px_bytes + 0.6e9 < memory_gb * 1e9
        assert (seen == 1).all()
        assert all(len({(w.row, w.height) for w in strip}) == 1 for strip in strips)
    windows = [w for strip in plan_strips(shape, 8.0, threads=2) for w in strip]
    assert {w.row % 2048 for w in windows} | {w.col % 2048 for w in windows} == {0}  # no block is decoded twice


def test_blocks_cover_a_whole_tile_in_bounded_memory():
    shape = (12, 10, 10_980, 10_980)
    blocks = plan_blocks(shape, 8.0)
    assert sum(b.height * b.width for b in blocks) == 10_980**2
    assert max(2 * 12 * 10 * b.height * b.width for b in blocks) <= 512 << 20
    assert all(b.row % 256 == 0 and b.col % 256 == 0 for b in blocks)


@pytest.mark.parametrize(
    ("composite", "method"),
    [("none", None), ("monthly_median", "time: median"), ("monthly_mean", "time: mean"), ("monthly_first", None)],
)
def test_the_arrays_say_what_became_of_time(spring, tmp_path, composite, method):
    store, _ = build_folder(spring, tmp_path / "cube", CubeOptions(composite=composite))
    assert zarr.open_group(store.arrays, mode="r")["reflectance"].attrs.get("cell_methods") == method


@pytest.mark.parametrize("record", ["null", "{", '{"name": "x"}'])
def test_a_damaged_cube_in_the_store_does_not_stop_the_next(spring, tmp_path, record):
    options = CubeOptions()
    plan = plan_folder(spring, options)
    earlier = tmp_path / "store" / "cube" / "damaged"
    earlier.mkdir(parents=True)
    (earlier / "artifact.json").write_text(record.replace("x", plan.name))
    (earlier / "cube.json").write_text("{")
    assert grow_cube(tmp_path / "store" / "cube" / ".k.part", plan, options, {}) == 0


@pytest.mark.parametrize("record", ["null", "[]", "{}"])
def test_a_cube_whose_record_is_none_is_named(spring, tmp_path, record):
    build_folder(spring, tmp_path / "cube", CubeOptions())
    (tmp_path / "cube" / "cube.json").write_text(record)
    with pytest.raises(CorruptFile, match="cannot be opened"):
        open_cube(tmp_path / "cube")

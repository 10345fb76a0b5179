"""Tiny products -> a cube on disk and back."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from bocage.core.digest import digest_tree
from bocage.core.errors import CorruptFile, GridMismatch, MissingBand, MissingFile, NothingLeft, RadiometryContradiction
from bocage.core.grid import Window, grid_to_json, grid_window
from bocage.cubes import build
from bocage.cubes.build import build_cube, check_scenes
from bocage.cubes.options import CubeOptions
from bocage.cubes.plan import plan_cubes
from bocage.cubes.quality import BRIGHT, NODATA, SATURATED, UNCLEAR, find_valid
from bocage.cubes.read import read_bands, read_scene_grid
from bocage.cubes.store import open_cube
from bocage.regions.plan import Region
from bocage.scenes.options import SceneOptions
from bocage.scenes.search import search_scenes

EVERYWHERE = Region("scenes", None)


def plan_folder(folder, options=None, *, region=EVERYWHERE, **search):
    scenes, _ = search_scenes(SceneOptions(path=str(folder), **search))
    (plan,) = plan_cubes(scenes, {s.id: read_scene_grid(s) for s in scenes}, region, options or CubeOptions())
    return plan


def build_folder(folder, out, options=None, **search):
    tally = build_cube(plan_folder(folder, options, **search), out, options or CubeOptions())
    return open_cube(out), tally


def test_numbers_become_reflectance_on_one_grid(safe, tmp_path):
    numbers = safe.flat_numbers(1000)
    numbers["B02"] = np.arange(2000, 2048, dtype=np.uint16).reshape(8, 6)
    numbers["B05"] = np.arange(3000, 3012, dtype=np.uint16).reshape(4, 3)
    safe.write_safe(tmp_path / "s2", numbers)
    store, tally = build_folder(tmp_path / "s2", tmp_path / "cube")
    cube = store.read()
    assert tally.to_json() == {"kept": 1, "dropped": {}}
    assert store.shape == cube.reflectance.shape == (1, 10, 8, 6)
    assert cube.valid.all()
    assert cube.days.tolist() == [17652]
    assert np.allclose(cube.reflectance[0, 0], numbers["B02"] / 1e4, atol=1e-7)
    repeated = numbers["B05"].repeat(2, 0).repeat(2, 1)
    assert np.allclose(cube.reflectance[0, cube.bands.index("B05")], repeated / 1e4, atol=1e-7)


def test_the_offset_leaves_no_step_between_old_and_new_products(safe, tmp_path):
    safe.write_safe(tmp_path / "s2", safe.flat_numbers(1000), time="20220101T104021", baseline="03.01")
    later = {"time": "20220201T104021", "baseline": "04.00", "offset": -1000}
    safe.write_safe(tmp_path / "s2", safe.flat_numbers(2000), **later)
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube")
    assert np.unique(store.read().reflectance) == pytest.approx([0.1])


def test_real_metadata_of_both_kinds_and_levels_give_one_reflectance(safe, samples, tmp_path):
    """ESA's own metadata, before and since baseline 04.00: 0.1 on the ground is 1000 in the old numbers, 2000 in the
    new."""
    found = {}
    for real in sorted((samples / "safe-metadata").glob("*.SAFE")):
        level, time, baseline, _, tile = real.stem.split("_")[1:6]
        product = tmp_path / "s2" / real.name
        metadata = f"MTD_{level}.xml"
        product.mkdir(parents=True)
        (product / metadata).write_bytes((real / metadata).read_bytes())
        (granule,) = (real / "GRANULE").iterdir()
        images = product / "GRANULE" / granule.name / "IMG_DATA"
        for band, array in safe.flat_numbers(2000 if baseline >= "N0400" else 1000).items():
            size = safe.RESOLUTION_M.get(band, 20)
            name = f"{tile}_{time}_{band}"
            path = images / f"{name}.jp2" if level == "MSIL1C" else images / f"R{size}m" / f"{name}_{size}m.jp2"
            if not (level == "MSIL1C" and band == "SCL"):
                safe.write_jpeg2000(path, array, size)
        store, _ = build_folder(
            tmp_path / "s2", tmp_path / real.stem, level=level.removeprefix("MSI"), tiles=(tile[1:],)
        )
        found[baseline] = store.read().reflectance
    assert sorted(found) == ["N0212", "N0301", "N0400"]
    for reflectance in found.values():
        assert np.unique(reflectance) == pytest.approx([0.1])


def test_what_is_wrong_with_a_pixel(safe, tmp_path):
    numbers = safe.flat_numbers(1000)
    numbers["B03"][0, 0] = 0  # no-data in one band
    numbers["B11"][0, 1] = 65535  # saturated: 2 × 2 pixels
    numbers["SCL"][1, 0] = 9  # cloud: 2 × 2 pixels
    for band in ("B02", "B03", "B04"):
        numbers[band][7, 5] = 6000  # bright, but valid
    safe.write_safe(tmp_path / "s2", numbers)
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube")
    cube = store.read()
    expected = np.zeros((8, 6), np.uint8)
    expected[0, 0], expected[0:2, 2:4], expected[2:4, 0:2], expected[7, 5] = NODATA, SATURATED, UNCLEAR, BRIGHT
    assert cube.quality[0].tolist() == expected.tolist()
    assert (~cube.valid).sum() == 1 + 4 + 4
    assert (cube.reflectance[0, :, 0, 0] == 0).all()  # no band keeps a number where one has none


def test_dates_without_data_are_dropped_with_a_reason(safe, tmp_path):
    safe.write_safe(tmp_path / "s2", safe.flat_numbers(1000), time="20180401T104021")
    safe.write_safe(tmp_path / "s2", safe.flat_numbers(0), time="20180501T104021")
    safe.write_safe(tmp_path / "s2", safe.flat_numbers(3000), time="20180601T104021")
    store, tally = build_folder(tmp_path / "s2", tmp_path / "cube")
    assert tally.to_json() == {"kept": 2, "dropped": {"no data": 1}}
    assert [s[11:17] for s in store.scenes] == ["201804", "201806"]
    assert [s[11:17] for s in store.record["dropped"]] == ["201805"]
    assert store.read().reflectance[:, 0, 0, 0] == pytest.approx([0.1, 0.3])


def test_a_cube_of_nothing_is_refused_and_never_opens(safe, tmp_path):
    safe.write_safe(tmp_path / "s2", safe.flat_numbers(0))
    with pytest.raises(NothingLeft, match="none of the 1 dates has data"):
        build_folder(tmp_path / "s2", tmp_path / "cube")
    with pytest.raises(MissingFile, match="no finished cube"):
        open_cube(tmp_path / "cube")


def test_a_killed_build_goes_on_where_it_stopped_and_gives_the_same_bytes(safe, tmp_path, monkeypatch):
    for month in (4, 5, 6):
        noise = safe.flat_numbers(1000 * month)
        safe.write_safe(tmp_path / "s2", noise, time=f"20180{month}01T104021")
    plan, options = plan_folder(tmp_path / "s2"), CubeOptions()
    build_cube(plan, tmp_path / "whole", options)
    real, read = build.read_date, []

    def dying(scene, *args, **kwargs):
        read.append(scene.datetime.month)
        if len(read) == 2:
            raise KeyboardInterrupt
        return real(scene, *args, **kwargs)

    monkeypatch.setattr(build, "read_date", dying)
    with pytest.raises(KeyboardInterrupt):
        build_cube(plan, tmp_path / "killed", options)
    with pytest.raises(MissingFile):
        open_cube(tmp_path / "killed")
    build_cube(plan, tmp_path / "killed", options)
    assert read == [4, 5, 5, 6]  # April is not read again
    assert digest_tree(tmp_path / "killed") == digest_tree(tmp_path / "whole")


def test_the_half_of_another_build_is_not_continued(safe, tmp_path, monkeypatch):
    for month in (4, 5):
        safe.write_safe(tmp_path / "s2", safe.flat_numbers(1000 * month), time=f"20180{month}01T104021")
    half = CubeOptions(bright_reflectance=0.5)
    real = build.read_date

    def dying(scene, *args, **kwargs):
        if scene.datetime.month == 5:
            raise KeyboardInterrupt
        return real(scene, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(build, "read_date", dying)
        build_cube(plan_folder(tmp_path / "s2", half), tmp_path / "cube", half)
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube")
    build_folder(tmp_path / "s2", tmp_path / "fresh")
    assert store.record["options"]["bright_reflectance"] == 0.35
    assert digest_tree(tmp_path / "cube") == digest_tree(tmp_path / "fresh")


def test_damage_and_missing_bands_are_found_before_anything_is_read(safe, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "read_date", None)  # reading would fail
    for month in (4, 5):
        product = safe.write_safe(tmp_path / "s2", safe.flat_numbers(), time=f"20180{month}01T104021")
        band = next(product.rglob("*B0[38]_10m.jp2"))
        band.write_bytes(band.read_bytes()[:300])
    plan = plan_folder(tmp_path / "s2")
    with pytest.raises(CorruptFile, match="2 damaged files"):
        build_cube(plan, tmp_path / "cube", CubeOptions())
    assert not (tmp_path / "cube").exists()
    options = CubeOptions(bands=("B02", "B01"))
    with pytest.raises(MissingBand, match=r"2 of 2 products.*has no B01 \(it has B02, B03"):
        check_scenes(plan.scenes, options)


def test_pixels_that_contradict_the_offset_are_refused_or_only_reported(safe, tmp_path):
    """The metadata say −1000, but vegetation is already as dark as without it."""
    numbers = safe.flat_numbers(400, rows=40, cols=40)
    safe.write_safe(tmp_path / "s2", numbers, baseline="05.00", offset=-1000)
    with pytest.raises(RadiometryContradiction, match=r"offset -1000 \(BOA_ADD_OFFSET.*removed already"):
        build_folder(tmp_path / "s2", tmp_path / "cube")
    with pytest.warns(UserWarning, match="removed already"):
        store, _ = build_folder(tmp_path / "s2", tmp_path / "cube", CubeOptions(dark_check="warn"))
    assert len(store.record["warnings"]) == 1
    assert build_folder(tmp_path / "s2", tmp_path / "off", CubeOptions(dark_check="off"))[0].record["warnings"] == []


def test_an_l1c_product_has_no_scene_classes_and_all_its_pixels_are_clear(safe, tmp_path):
    numbers = {b: a for b, a in safe.flat_numbers(1000).items() if b != "SCL"}
    safe.write_safe(tmp_path / "s2", numbers, level="L1C")
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube", level="L1C")
    assert (store.level, store.record["clouds_from"]) == ("L1C", None)
    assert store.read().valid.all()


def test_windows_and_dates_of_a_cube(safe, tmp_path):
    for month in (4, 5, 6):
        numbers = safe.flat_numbers(1000 * month, rows=20, cols=20)
        numbers["B02"] += np.arange(400, dtype=np.uint16).reshape(20, 20)
        safe.write_safe(tmp_path / "s2", numbers, time=f"20180{month}01T104021")
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube")
    whole, window = store.read(), Window(3, 5, 7, 4)
    part = store.read(window, [2, 0])
    assert np.array_equal(part.reflectance, whole.reflectance[[2, 0], :, 3:10, 5:9])
    assert np.array_equal(part.quality, store.read_quality(window, [2, 0]))
    assert part.days.tolist() == whole.days[[2, 0]].tolist()
    assert part.grid == grid_window(store.grid, window)
    with pytest.raises(GridMismatch, match="reaches outside the cube of 20 × 20"):
        store.read(Window(15, 0, 6, 1))


def test_a_cube_whose_files_contradict_each_other_does_not_open(safe, tmp_path):
    safe.write_safe(tmp_path / "s2", safe.flat_numbers())
    build_folder(tmp_path / "s2", tmp_path / "cube")
    record = json.loads((tmp_path / "cube" / "cube.json").read_text())
    (tmp_path / "cube" / "cube.json").write_text(json.dumps(record | {"bands": ["B02"]}))
    with pytest.raises(CorruptFile, match="its record says"):
        open_cube(tmp_path / "cube")


def test_the_real_series_to_the_pixel(samples, tmp_path):
    folder = samples / "beziers-2018" / "s2"
    store, tally = build_folder(folder, tmp_path / "cube")
    assert tally.to_json() == {"kept": 9, "dropped": {"no data": 1}}
    assert [s[11:19] for s in store.record["dropped"]] == ["20180212"]
    cube = store.read()
    assert cube.reflectance.shape == (9, 10, 353, 232)
    product = next(p for p in folder.iterdir() if "20180418" in p.name)
    with rasterio.open(next(product.rglob("*B02_10m.jp2"))) as source:
        blue, transform = source.read(1), source.transform
    with rasterio.open(next(product.rglob("*B8A_20m.jp2"))) as source:
        near_infrared = source.read(1).repeat(2, 0).repeat(2, 1)[:353, :232]
    assert grid_to_json(cube.grid)["transform"] == list(transform)[:6]  # B02's lattice
    t, data = 2, (cube.quality[2] & NODATA) == 0
    assert np.allclose(cube.reflectance[t, 0][data], blue[data] / 1e4, atol=1e-7)
    assert np.allclose(cube.reflectance[t, cube.bands.index("B8A")][data], near_infrared[data] / 1e4, atol=1e-7)
    valid = find_valid(cube.quality)
    assert not valid[:, [0, -1], :].any()  # the zero frame
    assert not valid[:, :, [0, -1]].any()
    assert valid[2:-1, 2:-2, 2:-2].mean() > 0.98
    again = tmp_path / "again"
    build_folder(folder, again)
    assert digest_tree(again) == digest_tree(tmp_path / "cube")


def test_the_real_static_catalogue_whose_files_do_not_say_where_they_lie(samples, tmp_path):
    """The item's proj:transform is that of the original 10 m file; the files here have 120 m."""
    options = CubeOptions(bands=("B02", "B03", "B04", "B08"), resolution_m=120)
    store, _ = build_folder(samples / "earthsearch-33twm", tmp_path / "cube", options, catalog="stac_static")
    assert grid_to_json(store.grid) == {
        "crs": "EPSG:32633",
        "transform": [120.0, 0.0, 499980.0, 0.0, -120.0, 5200020.0],
        "shape": [915, 915],
    }
    assert store.record["nodata_fraction"] == pytest.approx([0.112, 0.109, 0.112], abs=1e-3)


def test_geotiff_bands_are_read_with_a_thread_a_band(safe, tmp_path):
    """The same pixels as GeoTIFF and as JPEG 2000."""
    numbers = safe.flat_numbers(1000)
    numbers["B02"] = np.arange(2000, 2048, dtype=np.uint16).reshape(8, 6)
    safe.write_safe(tmp_path / "jp2", numbers)
    plan = plan_folder(tmp_path / "jp2")
    for path in list((safe.write_safe(tmp_path / "tif", numbers)).rglob("*.jp2")):
        with rasterio.open(path) as source:
            profile, array = source.profile | {"driver": "GTiff"}, source.read()
        with rasterio.open(path.with_suffix(".tif"), "w", **profile) as target:
            target.write(array)
        path.unlink()
    tiff = plan_folder(tmp_path / "tif")
    assert Path(tiff.scenes[0].assets["B02"].href).suffix == ".tif"
    bands = CubeOptions().bands
    for (name, ours), (_, theirs) in zip(
        read_bands(tiff.scenes[0], bands, tiff.grid), read_bands(plan.scenes[0], bands, plan.grid), strict=True
    ):
        assert np.array_equal(ours, theirs), name


def test_a_date_read_in_strips_is_the_date_read_at_once(safe, tmp_path, monkeypatch):
    """Flags that grow reach over the edges of the strips; dark pixels are counted once."""
    rng = np.random.default_rng(0)
    numbers = {
        b: rng.integers(200, 3000, a.shape).astype(a.dtype) for b, a in safe.flat_numbers(1, rows=40, cols=30).items()
    }
    numbers["SCL"] = rng.choice([4, 4, 4, 6, 9], numbers["SCL"].shape).astype(numbers["SCL"].dtype)
    numbers["B02"][9:12, 4], numbers["B02"][10, 5], numbers["B03"][25] = 0, 3, 65535
    safe.write_safe(tmp_path / "s2", numbers)
    options = CubeOptions(dilate_m=30, resampling="bilinear", dark_check="warn")
    store, _ = build_folder(tmp_path / "s2", tmp_path / "whole", options)
    assert store.record["saturated_px"] == 30
    cuts = [
        [Window(0, 0, 10, 30)],
        [Window(10, 0, 1, 7), Window(10, 7, 1, 23)],
        [Window(11, 0, 29, 5), Window(11, 5, 29, 25)],
    ]
    monkeypatch.setattr(build, "_FLAGGED_ROWS", 7)
    monkeypatch.setattr(build, "plan_strips", lambda *_, **__: cuts)
    build_folder(tmp_path / "s2", tmp_path / "strips", options)
    assert digest_tree(tmp_path / "strips") == digest_tree(tmp_path / "whole")


def write_cloud_mask(product, layers):
    """MSK_CLASSI_B00.jp2 as in L1C products since baseline 04.00: opaque clouds, cirrus, snow at 60 m."""
    path = next(product.rglob("IMG_DATA")).parent / "QI_DATA" / "MSK_CLASSI_B00.jp2"
    path.parent.mkdir()
    profile = {"driver": "JP2OpenJPEG", "height": 3, "width": 2, "count": 3, "dtype": "uint8", "crs": "EPSG:32631"}
    transform = Affine(60, 0, 500_000, 0, -60, 4_800_000)
    with rasterio.open(path, "w", **profile, transform=transform, QUALITY="100", REVERSIBLE="YES") as target:
        target.write(np.asarray(layers, np.uint8))


def test_an_l1c_product_s_own_cloud_mask_counts(safe, tmp_path):
    numbers = {b: a for b, a in safe.flat_numbers(1000, rows=18, cols=12).items() if b != "SCL"}
    layers = np.zeros((3, 3, 2))
    layers[0, 0, 0] = layers[1, 1, 1] = layers[2, 2, 0] = 1
    write_cloud_mask(safe.write_safe(tmp_path / "s2", numbers, level="L1C"), layers)
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube", level="L1C")
    assert store.record["clouds_from"] == "MSK_CLASSI_B00 of 1 of 1 products"
    blocks = store.read().quality[0].reshape(3, 6, 2, 6)
    assert blocks.min(axis=(1, 3)).tolist() == blocks.max(axis=(1, 3)).tolist()
    assert blocks[:, 0, :, 0].tolist() == [[UNCLEAR, 0], [0, UNCLEAR], [UNCLEAR, 0]]


def test_pixels_near_a_cloud_are_unclear_where_that_is_asked(safe, tmp_path):
    numbers = safe.flat_numbers(1000)
    numbers["SCL"][0, 0] = 9  # 2 × 2 pixels
    safe.write_safe(tmp_path / "s2", numbers)
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube", CubeOptions(dilate_m=10))
    unclear = store.read().quality[0] == UNCLEAR
    assert unclear[:3, :3].tolist() == [[True, True, True], [True, True, True], [True, True, False]]
    assert unclear.sum() == 8


def test_what_int16_cannot_hold_is_saturated(safe, tmp_path):
    numbers = safe.flat_numbers(1000)
    numbers["B12"][0, 0] = 40_000
    safe.write_safe(tmp_path / "s2", numbers)
    store, _ = build_folder(tmp_path / "s2", tmp_path / "cube")
    assert (store.read().quality[0] == SATURATED).sum() == 4

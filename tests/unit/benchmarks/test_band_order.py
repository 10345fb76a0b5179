"""A product of the same day tells which layer is which band, and whether the offset is still in the numbers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

from bocage.benchmarks.band_order import BandOrder, compare_order, find_band_order
from bocage.benchmarks.read_dacia5 import BAND_ORDER
from bocage.cli.main import main
from bocage.core.bands import BANDS
from bocage.core.grid import make_grid
from bocage.cubes.read import read_bands, read_scene_grid
from bocage.scenes.read import open_scene
from bocage.synthetic.clouds import Sky, Sun
from bocage.synthetic.optics import shrink
from bocage.synthetic.scene import Scene
from bocage.synthetic.write_safe import make_product, write_safe

SHAPE = (804, 456)  # whole 60 m pixels over the 800 × 450 of a scene
NAMES = ("B02", "B03", "B04")


def order_of(layers: list[int], *, offset: int = 0, noise: float = 0.0, names: tuple[str, ...] = NAMES) -> BandOrder:
    """Layer i holds band `layers[i]` of three on a 40 × 40 ground; `names` is what the setting says."""
    rng = np.random.default_rng(0)
    ground = rng.random((40, 40))
    bands = {b: (0.05 + 0.03 * k + (0.1 + 0.05 * k) * ground).astype(np.float32) for k, b in enumerate(NAMES)}
    numbers = [1e4 * bands[NAMES[k]] - offset + 1e4 * noise * rng.standard_normal((40, 40)) for k in layers]
    return find_band_order(np.rint(numbers).astype(np.uint16), bands, np.ones((40, 40), bool), names)


def test_the_order_and_the_offset_are_found() -> None:
    order = order_of([2, 0, 1], offset=-1000, noise=0.002)
    assert order.found == ("B04", "B02", "B03")
    assert (order.offset, order.n_pixels) == (-1000, 1600)
    assert all(f.correlation > 0.98 and abs(f.slope - 1) < 0.03 and abs(f.intercept) < 0.01 for f in order.fits)
    problems = compare_order(order, offset=0)
    assert "layer 1 is B04, not B02, layer 2 is B02, not B03, layer 3 is B03, not B04" in problems[0]
    assert problems[0].endswith("Set bands=[B04,B02,B03]")
    assert problems[1].startswith("the numbers need -1000 DN added, the setting says 0")
    assert compare_order(order_of([2, 0, 1], names=("B04", "B02", "B03")), offset=0) == []


def test_another_scene_settles_nothing() -> None:
    rng = np.random.default_rng(1)
    bands = {b: rng.random((40, 40)).astype(np.float32) for b in NAMES}
    layers = (1e4 * rng.random((3, 40, 40))).astype(np.uint16)
    (problem,) = compare_order(find_band_order(layers, bands, np.ones((40, 40), bool), NAMES), offset=0)
    assert problem.startswith("the product does not settle the order: 3 layers")


def test_a_layer_without_its_band_in_the_product_keeps_its_name() -> None:
    rng = np.random.default_rng(0)
    bands = {b: (0.1 * k + 0.1 * rng.random((9, 9))).astype(np.float32) for k, b in enumerate(("B02", "B04"), 1)}
    layers = np.stack([1e4 * bands["B04"], np.full((9, 9), 6000), 1e4 * bands["B02"]]).astype(np.uint16)
    order = find_band_order(layers, bands, np.ones((9, 9), bool), ("B04", "B03", "B02"))
    assert order.found == ("B04", "B03", "B02")
    assert order.fits[1].found is None
    assert compare_order(order, offset=0) == []


def test_real_products_tell_their_bands_apart_when_resampled_by_another_rule(samples: Path) -> None:
    names = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
    n_settled = 0
    for folder in sorted((samples / "beziers-2018" / "s2").glob("*.SAFE")):
        scene = open_scene(folder)
        grid = read_scene_grid(scene)
        nearest = dict(read_bands(scene, names, grid))
        cubic = dict(read_bands(scene, names, grid, resampling="cubic"))
        seen = np.all([dn > 0 for dn in nearest.values()], axis=0)
        if seen.any():  # one product is empty
            layers = np.stack([cubic[band] for band in reversed(names)])
            reference = {band: (dn / 1e4).astype(np.float32) for band, dn in nearest.items()}
            order = find_band_order(layers, reference, seen, names)
            assert order.found == names[::-1], folder.name
            assert order.offset == 0
            assert all(fit.is_sure for fit in order.fits), folder.name
            n_settled += 1
    assert n_settled == 9


def write_reference(folder: Path, scene: Path, day: datetime, order: tuple[str, ...], baseline: str) -> Path:
    """The SAFE product that a scene of the miniature was cut from: its layers in their true `order`, wider ground."""
    with rasterio.open(scene) as raster:
        layers, left, top = raster.read(), raster.transform.c, raster.transform.f
    rows, cols = (np.minimum(np.arange(n), m - 1) for n, m in zip(SHAPE, layers.shape[1:], strict=True))
    full = (layers[:, rows][:, :, cols] / 1e4).astype(np.float32)
    reflectance = {b: full[order.index(b)] if b in order else np.full(SHAPE, 0.01, np.float32) for b in BANDS}
    native = {b: shrink(image, BANDS[b].resolution_m // 10) for b, image in reflectance.items()}
    clear = np.zeros(SHAPE, np.float32)
    sky = Sky(opacity=clear, shade=clear, haze=clear, swath=np.ones(SHAPE, bool))
    scl = np.full((SHAPE[0] // 2, SHAPE[1] // 2), 4, np.uint8)
    product = make_product("35TLM", day, 0, baseline, "L2A")
    whole = Scene(native, None, scl, sky, Sun(40.0, 150.0))
    return write_safe(folder, product, whole, make_grid("EPSG:32635", left, top, 10, SHAPE))


@pytest.mark.slow
def test_reference_safe_names_the_order_of_dacia5(
    damaged: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = damaged("dacia5")
    scene = copy / "Dataset/Images_Sentinel2_GeoTIFF/Sentinel2_2020/Sentinel2_L2A_20200519.tif"
    product = write_reference(tmp_path / "safe", scene, datetime(2020, 5, 19, tzinfo=UTC), BAND_ORDER, "05.00")
    command = ["benchmarks", "check", "dacia5", str(copy), "--reference-safe", str(product), "--json"]
    assert main(command) == 0
    right = json.loads(capsys.readouterr().out)
    assert (right["problems"], right["reference"]["bands"]) == ([], list(BAND_ORDER))

    true_order = ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12", "B01", "B09")
    with rasterio.open(scene, "r+") as raster:
        layers = raster.read()
        raster.write(np.stack([layers[BAND_ORDER.index(b)] for b in true_order]))
    assert main(command) == 3
    wrong = json.loads(capsys.readouterr().out)
    assert wrong["reference"]["bands"] == list(true_order)
    assert "layer 1 is B02, not B01" in wrong["problems"][0]
    assert main([*command, "--set", f"bands=[{','.join(true_order)}]"]) == 0
    capsys.readouterr()
    assert main(["benchmarks", "check", "pastis", "--demo", "--reference-safe", str(product)]) == 2
    assert "verifies nothing of 'pastis'" in capsys.readouterr().err

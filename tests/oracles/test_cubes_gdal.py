"""Alignment against GDAL's warper and scipy's interpolation."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from scipy.ndimage import distance_transform_edt, map_coordinates

from bocage.core.grid import make_grid
from bocage.cubes.align import interpolate_onto, plan_alignment
from bocage.cubes.quality import dilate
from bocage.cubes.read import read_asset
from bocage.scenes.record import Asset

UTM = "EPSG:32631"


@pytest.fixture
def coarse(tmp_path):
    """A 20 m band of noise as GeoTIFF: path, and its pixels."""
    dn = np.random.default_rng(0).integers(1, 4000, (31, 23)).astype(np.uint16)
    profile = {"driver": "GTiff", "height": 31, "width": 23, "count": 1, "dtype": "uint16", "crs": UTM}
    with rasterio.open(tmp_path / "B05.tif", "w", **profile, transform=Affine(20, 0, 500_000, 0, -20, 4_800_000)) as t:
        t.write(dn, 1)
    return tmp_path / "B05.tif", dn


@pytest.mark.parametrize(
    ("left", "top", "shape"),
    [
        (500_000, 4_800_000, (62, 46)),  # the same extent
        (500_030, 4_799_910, (11, 7)),  # begins inside a pixel
        (499_950, 4_800_040, (80, 60)),  # larger on all sides
    ],
)
def test_repeated_pixels_are_those_of_gdals_nearest_warp(coarse, left, top, shape):
    path, _ = coarse
    ours = read_asset(Asset(str(path), 20), make_grid(UTM, left, top, 10, shape), resampling="nearest", threads=1)
    options = {"transform": Affine(10, 0, left, 0, -10, top), "height": shape[0], "width": shape[1], "crs": UTM}
    with rasterio.open(path) as source, WarpedVRT(source, resampling=Resampling.nearest, nodata=0, **options) as warped:
        assert np.array_equal(ours, warped.read(1))


def test_bilinear_is_that_of_scipy(coarse):
    _, dn = coarse
    native, grid = make_grid(UTM, 0, 620, 20, dn.shape), make_grid(UTM, 0, 620, 10, (62, 46))
    ours = np.zeros((62, 46), np.uint16)
    interpolate_onto(dn, plan_alignment(native, grid, margin_px=1), ours)
    rows, cols = ((np.arange(n) + 0.5) / 2 - 0.5 for n in ours.shape)
    where = np.meshgrid(rows, cols, indexing="ij")
    theirs = map_coordinates(dn.astype(float), where, order=1, mode="nearest")
    assert np.array_equal(ours, np.floor(theirs + 0.5).astype(np.uint16))


def test_cubic_is_the_polynomial_that_keys_means(coarse):
    """Between pixel centres a quadratic surface comes back exactly (third-order accuracy), away from the border."""
    rows, cols = np.mgrid[0:31, 0:23]
    surface = 500 + 16 * rows + 32 * cols + 16 * rows**2 + 48 * rows * cols
    native, grid = make_grid(UTM, 0, 620, 20, surface.shape), make_grid(UTM, 0, 620, 10, (62, 46))
    ours = np.zeros((62, 46), np.uint16)
    interpolate_onto(surface.astype(np.uint16), plan_alignment(native, grid, margin_px=2), ours, method="cubic")
    v, u = np.meshgrid(*((np.arange(n) + 0.5) / 2 - 0.5 for n in ours.shape), indexing="ij")
    exact = 500 + 16 * v + 32 * u + 16 * v**2 + 48 * v * u
    inner = (slice(4, -4), slice(4, -4))
    assert np.array_equal(ours[inner], np.floor(exact[inner] + 0.5).astype(np.uint16))


@pytest.mark.parametrize("radius_px", [1.0, 1.5, 3.0, 6.2])
def test_dilation_is_everything_within_the_distance(radius_px):
    unclear = np.random.default_rng(1).random((40, 50)) < 0.01
    unclear[5:15, 10:30] = True
    near = distance_transform_edt(~unclear) <= radius_px
    assert np.array_equal(dilate(unclear, radius_px), near)

"""Mixing, point spread, sky: what the sensor sees of a few pixels."""

import numpy as np
import pytest

from bocage.synthetic.clouds import Sky, Sun, classify_scene, draw_sky, shadow_step_px, sun_on, through_sky
from bocage.synthetic.optics import MTF_AT_NYQUIST, add_noise, mix, observe, shrink, top_of_atmosphere
from bocage.synthetic.write_safe import to_dn


def flat(value: float, shape: tuple[int, int] = (2, 2)) -> np.ndarray:
    return np.full(shape, value, dtype=np.float32)


def test_mix_weighs_canopy_dry_flower_and_ground_by_their_shares() -> None:
    units = np.array([[0, 1]], dtype=np.uint16)
    shares = [np.array(v, dtype=np.float32) for v in ([0.5, 0.2], [0.2, 0.3], [0.0, 0.4])]
    spectra = np.array([[0.4, 0.2, 0.0, 0.1], [0.4, 0.2, 0.3, 0.1]], dtype=np.float32)
    still = np.zeros((1, 2), dtype=np.float32)
    seen = mix(units, still, still, still, *shares, np.zeros((2, 3), dtype=np.float32), spectra)
    np.testing.assert_allclose(seen, [[0.2 + 0.04 + 0.03, 0.08 + 0.06 + 0.12 + 0.01]], atol=1e-6)


def test_more_vigour_means_more_canopy_and_less_ground() -> None:
    units = np.zeros((1, 2), dtype=np.uint16)
    vigour = np.array([[-1, 1]], dtype=np.float32)
    still = np.zeros((1, 2), dtype=np.float32)
    shares = [np.array([v], dtype=np.float32) for v in (0.5, 0.0, 0.0)]
    amplitudes = np.array([[0.2, 0, 0]], dtype=np.float32)
    seen = mix(units, vigour, still, still, *shares, amplitudes, np.array([[0.4, 0.2, 0.0, 0.1]], dtype=np.float32))
    # 0.5 · (1 ± 0.2 · 0.8) = 0.42 and 0.58 of canopy at 0.4, the rest ground at 0.1
    np.testing.assert_allclose(seen, [[0.226, 0.274]], atol=1e-5)


def test_shrink_means_blocks() -> None:
    image = np.arange(16, dtype=np.float32).reshape(4, 4)
    np.testing.assert_array_equal(shrink(image, 2), [[2.5, 4.5], [10.5, 12.5]])


@pytest.mark.parametrize(("band", "cell_m"), [("B04", 5), ("B11", 10), ("B09", 10)])
def test_the_point_spread_has_the_stated_transfer_at_nyquist(band: str, cell_m: int) -> None:
    resolution = {"B04": 10, "B11": 20, "B09": 60}[band]
    cells = resolution // cell_m
    x = (np.arange(64 * cells) + 0.5) * cell_m
    wave = 0.3 + 0.1 * np.cos(np.pi * (x / resolution - 0.5))  # two pixels a wave, crests on pixel centres
    surface = np.repeat(wave[None].astype(np.float32), 8 * cells, axis=0)
    seen = observe(surface, cell_m, band, (0.0, 0.0))[4, 20:-20]
    # Cells are coarse samples of the wave: their own averaging costs the share that a box of one cell passes.
    assert np.ptp(seen) / 0.2 == pytest.approx(MTF_AT_NYQUIST[resolution], rel=0.12)


def test_a_shift_moves_the_image_by_a_fraction_of_a_pixel() -> None:
    ramp = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None], 16, axis=0)
    still, moved = (observe(ramp, 5, "B04", (0.0, dx)) for dx in (0.0, 2.5))
    slope_per_m = 1 / 63 / 5
    np.testing.assert_allclose((still - moved)[:, 8:-8], 2.5 * slope_per_m, atol=1e-5)


def test_noise_grows_with_the_signal_and_can_be_switched_off() -> None:
    dark, bright = flat(0.02, (200, 200)), flat(0.5, (200, 200))
    assert (add_noise(np.random.default_rng(0), dark, "B04", 0.0) == dark).all()
    spread = [add_noise(np.random.default_rng(0), image, "B04", 1.0).std() for image in (dark, bright)]
    assert spread[0] == pytest.approx(0.0012 + 0.02 / 142, rel=0.02)
    assert spread[1] == pytest.approx(0.0012 + 0.5 / 142, rel=0.02)


def test_digital_numbers_keep_zero_for_no_data_and_carry_the_offset() -> None:
    seen = np.array([[True, True], [True, False]])
    reflectance = np.array([[0.1234, -0.02], [0.0, 0.5]], dtype=np.float32)
    np.testing.assert_array_equal(to_dn(reflectance, seen, 0), [[1234, 1], [1, 0]])
    np.testing.assert_array_equal(to_dn(reflectance, seen, -1000), [[2234, 800], [1000, 0]])


def test_the_sun_stands_south_east_and_higher_in_summer() -> None:
    june, december = sun_on(172, 45.0), sun_on(355, 45.0)
    assert 22 < june.zenith_deg < 30
    assert 68 < december.zenith_deg < 73
    assert 110 < june.azimuth_deg < 165
    assert 150 < december.azimuth_deg < 175


def test_shadows_fall_to_the_north_west_of_clouds() -> None:
    down, right = shadow_step_px(Sun(zenith_deg=45, azimuth_deg=150), 1000)  # 1 km high: the shadow is 100 pixels away
    assert (down, right) == pytest.approx((-86.6, -50), abs=0.1)


def test_clouds_cover_the_asked_share_and_shadows_lie_beside_them() -> None:
    sky = draw_sky(np.random.default_rng(2), (240, 240), Sun(45, 150), cloud_fraction=0.1, hazy=False, swath_edge=False)
    assert sky.cloud_cover_fraction == pytest.approx(0.1, abs=0.03)
    assert sky.shade.max() > 0.9
    assert (sky.shade * sky.opacity).max() <= 0.25
    assert not sky.haze.any()
    assert sky.swath.all()


def test_thick_cloud_hides_the_ground_and_shade_darkens_it() -> None:
    sky = Sky(*(np.array([v], dtype=np.float32) for v in ([1, 0, 0], [0, 1, 0], [0, 0, 0])), np.ones((1, 3), bool))
    seen = through_sky(flat(0.3, (1, 3)), "B04", sky)
    assert seen[0, 0] > 0.6
    assert seen[0, 1] == pytest.approx(0.3 * 0.43, abs=1e-4)
    assert seen[0, 2] == pytest.approx(0.3)


def test_scene_classes_of_plain_cases() -> None:
    """Six 20 m pixels: meadow, bare soil, water, cloud, shadow, no data."""
    wide = np.ones((2, 2), dtype=np.float32)

    def spread(values: list[float]) -> np.ndarray:
        return np.kron(np.array([values], dtype=np.float32), wide)

    sky = Sky(
        spread([0, 0, 0, 1, 0, 0]),
        spread([0, 0, 0, 0, 1, 0]),
        spread([0] * 6),
        spread([1, 1, 1, 1, 1, 0]) == 1,
    )
    red, infrared, blue, water = (
        np.array([v], dtype=np.float32)
        for v in (
            [0.03, 0.2, 0.05, 0.7, 0.02, 0.1],
            [0.4, 0.24, 0.03, 0.7, 0.15, 0.1],
            [0.03, 0.1, 0.05, 0.7, 0.02, 0.1],
            [0, 0, 1, 0, 0, 0],
        )
    )
    scl = classify_scene(np.random.default_rng(0), sky, red, infrared, blue, water)
    np.testing.assert_array_equal(scl, [[4, 5, 6, 9, 3, 0]])


def test_above_the_atmosphere_blue_is_brighter_and_water_vapour_dark() -> None:
    ground = flat(0.05)
    assert top_of_atmosphere(ground, "B02")[0, 0] > 0.09
    assert top_of_atmosphere(flat(0.4), "B09")[0, 0] < 0.2

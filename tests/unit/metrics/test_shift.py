"""Planted faults are named; the same land twice gives no finding."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bocage.core.bands import BANDS, DEFAULT_BANDS
from bocage.core.errors import MissingBand
from bocage.core.grid import make_grid
from bocage.core.sample import Origin, Sample
from bocage.metrics.shift import Summary, find_shifts, summarise

CLASSES = ("background", "wheat", "maize")
SPECTRUM = np.array([0.04, 0.07, 0.06, 0.34, 0.11, 0.25, 0.30, 0.36, 0.20, 0.11])  # crops in June, by DEFAULT_BANDS


def fields(seed: int, days: tuple[int, ...] = (17_700, 17_760), shares: tuple[float, ...] = (0.5, 0.3, 0.2)) -> Sample:
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, (32, 32), p=shares).astype(np.uint8)
    vigour = rng.normal(1, 0.25, (len(days), 1, 32, 32))
    image = (SPECTRUM[:, None, None] * vigour + rng.normal(0, 0.005, (len(days), 10, 32, 32))).astype(np.float32)
    valid = np.ones((len(days), 32, 32), bool)
    grid = make_grid("EPSG:32631", 500_000 + 320 * seed, 5_000_000, 10, (32, 32))
    origin = Origin(f"s{seed}", "FR", 2018, "31TEJ", ("scene",) * len(days), grid)
    return Sample(image, valid, labels, np.zeros((32, 32), np.uint32), np.array(days, np.int32), DEFAULT_BANDS, origin)


def summary_of(*samples: Sample) -> Summary:
    return summarise(samples, 3, np.random.default_rng(0))


@pytest.fixture(scope="module")
def training() -> Summary:
    return summary_of(*(fields(i) for i in range(4)))


def cause_of(sample: Sample, training: Summary) -> str | None:
    findings = find_shifts(summary_of(sample), training, CLASSES)
    assert [f["kind"] for f in findings] == ["radiometry"]
    return findings[0]["cause"]  # type: ignore[no-any-return]


def test_the_same_land_gives_no_finding(training: Summary) -> None:
    assert find_shifts(summary_of(fields(9)), training, CLASSES) == []


def test_planted_faults_are_named(training: Summary) -> None:
    sound = fields(9)
    image = sound.image
    nm = np.array([BANDS[b].centre_nm for b in DEFAULT_BANDS])
    air = (0.1 * (nm / 490) ** -4)[:, None, None].astype(np.float32)
    planted = {
        "the radiometric offset of 0.1 was left in": image + np.float32(0.1),
        "the radiometric offset of 0.1 was taken off twice": image - np.float32(0.1),
        "numbers were not divided by 10,000": image * np.float32(1e4),
        "bands in another order": image[:, [3, 1, 2, 0, *range(4, 10)]],
        "level 1C instead of 2A": image + air,
    }
    for fault, changed in planted.items():
        cause = cause_of(replace(sound, image=changed), training)
        assert cause is not None, fault
        assert cause.startswith(fault)


def test_a_change_that_no_mistake_explains_is_not_given_a_cause(training: Summary) -> None:
    sound = fields(9)
    image = np.broadcast_to(sound.image.mean(1, keepdims=True) * 3, sound.image.shape).astype(np.float32)
    assert cause_of(replace(sound, image=image), training) is None


def test_other_crops_and_another_season(training: Summary) -> None:
    found = summary_of(fields(9, days=(17_700, 17_790), shares=(0.1, 0.1, 0.8)))
    labels, season = find_shifts(found, training, CLASSES)
    assert labels["kind"] == "labels"
    assert labels["size"] == pytest.approx(0.6, abs=0.05)
    assert "maize (+" in labels["message"]
    assert (season["kind"], season["size"]) == ("season", 30)
    assert find_shifts(summary_of(fields(9, days=(17_700, 17_765))), training, CLASSES) == []  # five days are chance


def test_a_missing_band_is_refused(training: Summary) -> None:
    sound = fields(9)
    fewer = replace(sound, image=sound.image[:, :9], bands=DEFAULT_BANDS[:9])
    with pytest.raises(MissingBand, match="B12"):
        find_shifts(summary_of(fewer), training, CLASSES)


def test_a_summary_survives_json(training: Summary) -> None:
    again = Summary.from_json(json.loads(json.dumps(training.to_json())))
    assert find_shifts(again, training, CLASSES) == []
    assert again.bands == training.bands
    assert again.px_by_class.tolist() == training.px_by_class.tolist()


def test_statistics_of_parcels_are_compared_but_no_mistake_of_pixels_is_looked_for(training: Summary) -> None:
    names = tuple(f"{band}_mean" for band in training.bands)
    parcels = replace(training, bands=names)
    assert find_shifts(parcels, parcels, CLASSES) == []
    (found,) = find_shifts(replace(parcels, quantiles=parcels.quantiles + 0.1), parcels, CLASSES)
    assert (found["kind"], found["cause"]) == ("radiometry", None)

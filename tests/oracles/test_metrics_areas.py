"""The worked example of Olofsson et al. (2014), section 5: forest change in the Brazilian Amazon."""

import numpy as np
import pytest

from bocage.core.errors import DataError
from bocage.metrics.areas import estimate_areas

NAMES = ("deforestation", "forest gain", "stable forest", "stable non-forest")
# Table 8: rows = map, columns = reference
SAMPLE = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
MAPPED_PX = np.array([200_000, 150_000, 3_200_000, 6_450_000])  # Landsat pixels of 30 m
HA_A_PX = 0.09


def test_worked_example() -> None:
    result = estimate_areas(SAMPLE.T, MAPPED_PX * HA_A_PX, NAMES)
    overall = result["overall_accuracy"]
    assert overall["value"] == pytest.approx(0.95, abs=0.005)
    assert overall["high"] - overall["value"] == pytest.approx(0.02, abs=0.005)
    users = [(0.88, 0.07), (0.73, 0.10), (0.93, 0.04), (0.96, 0.02)]
    producers = [0.75, 0.85, 0.93, 0.96]
    for name, (value, margin), of_producers in zip(NAMES, users, producers, strict=True):
        found = result["per_class"][name]
        assert found["users_accuracy"]["value"] == pytest.approx(value, abs=0.006)
        assert found["users_accuracy"]["high"] - value == pytest.approx(margin, abs=0.012)
        assert found["producers_accuracy"]["value"] == pytest.approx(of_producers, abs=0.006)
    lost = result["per_class"]["deforestation"]["producers_accuracy"]
    assert lost["high"] - lost["value"] == pytest.approx(0.21, abs=0.006)
    area = result["per_class"]["deforestation"]["area_ha"]
    assert area["value"] == pytest.approx(21_158, abs=1)  # ± 6,158 ha
    assert area["high"] - area["value"] == pytest.approx(6_158, abs=15)


def test_areas_add_up_and_a_perfect_map_is_what_it_says() -> None:
    result = estimate_areas(SAMPLE.T, MAPPED_PX, NAMES)
    assert sum(c["area_ha"]["value"] for c in result["per_class"].values()) == pytest.approx(MAPPED_PX.sum())
    perfect = estimate_areas(np.diag([5, 5]), np.array([30.0, 70.0]), ("a", "b"))
    assert perfect["overall_accuracy"] == {"value": 1, "low": 1, "high": 1}
    assert perfect["per_class"]["a"]["area_ha"]["value"] == 30


def test_a_stratum_without_sample_is_refused() -> None:
    with pytest.raises(DataError, match="mapped class b"):
        estimate_areas(np.array([[5, 1], [0, 0]]), np.array([30.0, 70.0]), ("a", "b"))

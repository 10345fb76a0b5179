import numpy as np
import pytest

from bocage.core.arrays import MISSING_INT16, from_stored, to_stored
from bocage.core.bands import check_bands
from bocage.core.digest import digest_tree, digest_value
from bocage.core.errors import GridMismatch, UnknownName
from bocage.core.registry import Registry
from bocage.core.sample import Origin, Sample
from bocage.core.seeds import generator, sub_seed

ORIGIN = Origin("s", "FR", 2018, "31TEJ", ("scene",), None)


def sample(**changes):
    fields = {
        "image": np.zeros((1, 2, 3, 4), np.float32),
        "valid": np.ones((1, 3, 4), bool),
        "labels": np.zeros((3, 4), np.uint8),
        "parcel_ids": np.zeros((3, 4), np.uint32),
        "days": np.array([17_000], np.int32),
        "bands": ("B02", "B03"),
        "origin": ORIGIN,
    }
    return Sample(**(fields | changes))


def test_a_sample_that_exists_is_consistent():
    assert sample().bands == ("B02", "B03")
    with pytest.raises(GridMismatch, match="image"):
        sample(labels=np.zeros((4, 3), np.uint8))
    with pytest.raises(GridMismatch, match="dtypes"):
        sample(image=np.zeros((1, 2, 3, 4)))


def test_reflectance_survives_storage_within_half_a_step():
    reflectance = np.array([-0.02, 0.0, 0.12345, 1.7], np.float32)
    stored = to_stored(reflectance, np.array([True, True, True, False]))
    assert stored.tolist() == [-200, 0, 1234, MISSING_INT16]
    assert np.abs(from_stored(stored)[:3] - reflectance[:3]).max() <= 5.1e-5
    assert from_stored(stored)[3] == 0


def test_bands_are_checked_by_name():
    check_bands(("B02", "B8A"))
    with pytest.raises(UnknownName, match="B8"):
        check_bands(("B02", "B8"))
    with pytest.raises(UnknownName, match="twice"):
        check_bands(("B02", "B02"))


def test_a_registry_names_the_nearest():
    registry = Registry[int]("fruit")
    registry.register("apple")(1)
    registry.register("pear")(2)
    assert registry["pear"] == 2
    assert list(registry) == ["apple", "pear"]
    with pytest.raises(UnknownName, match="Did you mean 'apple'"):
        registry["appel"]
    with pytest.raises(ValueError, match="twice"):
        registry.register("pear")(3)


def test_seeds_depend_on_the_name_only():
    assert sub_seed(1, "a") == sub_seed(1, "a") != sub_seed(1, "b")
    assert generator(1, "a").random() == generator(1, "a").random() != generator(2, "a").random()


def test_digests_see_values_and_trees_not_their_order(tmp_path):
    assert digest_value({"a": 1, "b": [1, 2]}) == digest_value({"b": [1, 2], "a": 1})
    assert digest_value({"a": 1}) != digest_value({"a": "1"})
    (tmp_path / "x").write_text("1")
    before = digest_tree(tmp_path)
    (tmp_path / "y").write_text("2")
    assert digest_tree(tmp_path) != before == digest_tree(tmp_path, skip=["y"])

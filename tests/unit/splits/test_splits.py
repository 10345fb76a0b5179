"""Splits on a few patches: who goes where, what is dropped, what is hidden, what the audit says."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bocage.core.errors import CorruptFile, DataError, LeakageRefused, MissingFile, NothingLeft
from bocage.splits.audit import audit_split
from bocage.splits.balance import assign_blocks
from bocage.splits.ground import block_ids, find_places, least_distance_m, overlapping, shared_ground_px
from bocage.splits.make import make_split
from bocage.splits.options import SplitOptions
from bocage.splits.record import PARTS, Split
from bocage.splits.separate import drop_shared_ground, find_shared_parcels
from bocage.splits.store import read_given, read_split, write_split

NO_PARCELS = pd.DataFrame({"sample_id": [], "number": [], "class_id": [], "n_px": []})


def patches(
    corners: list[tuple[float, float]], *, crs: str = "EPSG:32631", size_px: int = 10, **columns: object
) -> pd.DataFrame:
    """10 m patches with the given (left, top) corners; the ground is x from 500 000, y up to 5 000 000."""
    left, top = np.array(corners, float).T
    return pd.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(len(corners))],
            "crs": crs,
            "left": 500_000 + left,
            "top": 5_000_000 + top,
            "height": size_px,
            "width": size_px,
            "resolution_m": 10.0,
            "n_px_0": size_px**2,
            "n_px_255": 0,
            **columns,
        }
    )


def parcel_table(rows: list[tuple[str, int, int, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["sample_id", "number", "class_id", "n_px"])


def parts_of(*names: str) -> np.ndarray:
    return np.array(names, object)


# ── the ground ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_patch_belongs_to_the_block_of_its_centre() -> None:
    # 100 m patches, 200 m blocks: centres at x = 50, 149.9 and 250, y = −50
    manifest = patches([(0, 0), (99.9, 0), (200, 0), (0, 0)], crs="EPSG:32631")
    manifest.loc[3, "crs"] = "EPSG:32632"
    first = f"{500_000 // 200}/{4_999_950 // 200}"
    second = f"{500_250 // 200}/{4_999_950 // 200}"
    expected = [f"EPSG:32631/{first}", f"EPSG:32631/{first}", f"EPSG:32631/{second}", f"EPSG:32632/{first}"]
    assert block_ids(manifest, 200.0).tolist() == expected


def test_overlap_counts_ground_once_and_touching_is_no_overlap() -> None:
    # s0 and s1 touch; s2 covers the right half of s0 and the left half of s1; s3 is s0 on another date
    places = find_places(patches([(0, 0), (100, 0), (50, 0), (0, 0)]))
    assert places.of_sample.tolist() == [0, 1, 2, 0]
    i, j, _ = overlapping(places)
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == [(0, 2), (1, 2)]
    assert shared_ground_px(places, parts_of("train", "test", "train", "train")) == 50
    assert shared_ground_px(places, parts_of("train", "train", "test", "train")) == 100
    assert shared_ground_px(places, parts_of("train", "train", "train", "val")) == 100  # two dates of s0, and s2 on it
    assert shared_ground_px(places, parts_of("train", "test", None, "train")) == 0


def test_patches_of_two_utm_zones_on_the_same_ground_are_found() -> None:
    # the border between the zones 31 and 32 is 6° E: x = 735 km in zone 31, 265 km in zone 32, at 45° N
    manifest = patches([(0, 0), (0, 0), (0, 0)])
    manifest["left"], manifest["top"] = [736_000.0, 263_550.0, 300_000.0], [4_987_500.0, 4_987_500.0, 4_987_500.0]
    manifest["crs"] = ["EPSG:32631", "EPSG:32632", "EPSG:32632"]
    manifest["height"] = manifest["width"] = 200
    places = find_places(manifest)
    i, j, shared = overlapping(places)
    assert (i.tolist(), j.tolist()) == ([0], [1])
    assert 0.5 < shared[0].area / 2000**2 < 1
    first, second, third = np.eye(3, dtype=bool)
    assert least_distance_m(places, first, second) == 0
    far = least_distance_m(places, first, third)
    assert far == pytest.approx(300_000 - 263_550 - 2000, rel=0.03)


def test_distance_is_between_the_nearest_edges() -> None:
    places = find_places(patches([(0, 0), (400, 0), (0, -1100)]))
    first, second, third = np.eye(3, dtype=bool)
    assert least_distance_m(places, first, second) == 300
    assert least_distance_m(places, first, second | third) == 300
    assert least_distance_m(places, first, third) == 1000
    assert least_distance_m(places, first, np.zeros(3, bool)) is None


# ── who goes where ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_rare_classes_are_shared_out() -> None:
    # 20 blocks of background; six of them also hold all there is of class 1
    pixels = np.zeros((20, 2), np.int64)
    pixels[:, 0], pixels[:6, 1] = 100, 10
    part = assign_blocks(pixels, (0.5, 0.25, 0.25), np.random.default_rng(0))
    assert np.bincount(part).tolist() == [10, 5, 5]
    assert sorted(np.bincount(part[:6]).tolist()) in ([1, 2, 3], [2, 2, 2])
    assert np.bincount(part[:6])[0] in (2, 3)


def test_no_part_is_empty_even_if_its_share_is_tiny() -> None:
    part = assign_blocks(np.full((3, 1), 10), (0.98, 0.01, 0.01), np.random.default_rng(0))
    assert sorted(part) == [0, 1, 2]


def test_too_few_blocks_say_how_many_there_are() -> None:
    manifest = patches([(100 * i, 0) for i in range(4)])
    with pytest.raises(DataError, match=r"4 samples lie in 1 block of 1e\+06 m, but 3 parts"):
        make_split(manifest, SplitOptions(block_m=1e6), seed=0, parcels=NO_PARCELS)
    with pytest.raises(NothingLeft):
        make_split(manifest.iloc[:0], SplitOptions(), seed=0, parcels=NO_PARCELS)


def test_windows_on_shared_ground_leave_the_part_with_less_priority() -> None:
    # a chain in which each window covers half of the next: train, val, test, train, train
    places = find_places(patches([(0, 0), (50, 0), (100, 0), (150, 0), (200, 0)]))
    parts, reasons = drop_shared_ground(places, parts_of("train", "val", "test", "train", "train"))
    # val leaves for test; the first train window then shares ground with nobody
    assert parts.tolist() == ["train", "dropped", "test", "dropped", "train"]
    assert reasons.tolist() == ["", "shares ground with test", "", "shares ground with test", ""]


def test_shared_parcels_stay_in_one_part_only() -> None:
    table = pd.DataFrame({"sample_id": ["a", "b", "c", "d"], "part": ["train", "val", "test", "dropped"]})
    rows = [
        ("a", 1, 3, 9), ("b", 1, 3, 9), ("c", 1, 3, 9),  # in all three: test keeps it
        ("a", 2, 3, 9), ("b", 2, 3, 9),  # val keeps it
        ("a", 3, 3, 9), ("d", 3, 3, 9),  # the other patch was dropped
        ("a", 4, 3, 9), ("c", 4, 255, 9),  # ignored in test anyway
    ]  # fmt: skip
    hidden = find_shared_parcels(parcel_table(rows), table)
    assert {part: numbers.tolist() for part, numbers in hidden.items()} == {"train": [1, 2], "val": [1], "test": []}
    assert hidden["train"].dtype == np.uint32


# ── the audit ────────────────────────────────────────────────────────────────────────────────────────────────────────


def planted() -> tuple[pd.DataFrame, pd.DataFrame, Split]:
    """Two classes; s0 train, s1 val, s2 test; s2 covers half of s1; parcel 7 in all three, hidden in train only."""
    manifest = patches([(0, 0), (300, 0), (350, 0)], n_px_0=[90, 40, 100], n_px_1=[10, 60, 0])
    parcels = parcel_table([("s0", 7, 1, 10), ("s1", 7, 1, 20), ("s2", 7, 0, 5), ("s2", 8, 0, 95)])
    table = pd.DataFrame({"sample_id": ["s0", "s1", "s2"], "part": PARTS, "block_id": ["x", "y", "z"], "reason": ""})
    none = np.empty(0, np.uint32)
    return manifest, parcels, Split(table, {"train": np.array([7], np.uint32), "val": none, "test": none})


def test_the_audit_finds_what_was_planted() -> None:
    manifest, parcels, split = planted()
    found = audit_split(manifest, split, parcels, class_names=("background", "wheat"))
    assert found["shared_px"] == 50
    assert found["shared_parcels"] == 1
    assert found["min_distance_m"] == 0
    assert found["min_distance_m_by_pair"] == {"train-val": 200, "train-test": 250, "val-test": 0}
    assert found["parts"]["train"] == {
        "n_samples": 1, "n_blocks": 1, "labelled_px": 90, "hidden_px": 10, "hidden_parcels": 1,
    }  # fmt: skip
    assert found["class_share"] == {
        "train": {"background": 1.0, "wheat": 0.0},
        "val": {"background": 0.4, "wheat": 0.6},
        "test": {"background": 1.0, "wheat": 0.0},
    }
    assert found["leaky"]
    assert found["verdict"].startswith("LEAKY: parts share 50 pixels of ground and 1 parcels")
    assert found["warnings"] == ["train has no pixel of: wheat.", "test has no pixel of: wheat."]


def test_the_audit_refuses_a_split_of_other_samples() -> None:
    manifest, parcels, split = planted()
    with pytest.raises(DataError, match="has 3 samples, the split 3; 1 of the data set are not in the split"):
        audit_split(manifest.assign(sample_id=["s0", "s1", "other"]), split, parcels)


def test_random_patches_are_refused_unless_asked_for_and_called_leaky() -> None:
    manifest = patches([(100 * (i // 2), 0) for i in range(40)])  # twenty windows on two dates
    with pytest.raises(LeakageRefused, match=r"share .* pixels of ground and 0 parcels"):
        make_split(manifest, SplitOptions(strategy="random_patches"), seed=0, parcels=NO_PARCELS)
    options = SplitOptions(strategy="random_patches", refuse_leakage=False, fractions=(0.8, 0.1, 0.1))
    split = make_split(manifest, options, seed=0, parcels=NO_PARCELS)
    assert [len(split.sample_ids(part)) for part in PARTS] == [32, 4, 4]
    found = audit_split(manifest, split, NO_PARCELS)
    assert found["leaky"]
    assert "LEAKY" in found["verdict"]
    assert "flatter" in found["warnings"][0]


def test_blocks_that_allow_shared_parcels_are_refused_too() -> None:
    manifest = patches([(2000 * i, 0) for i in range(6)])
    parcels = parcel_table([(f"s{i}", 1, 0, 50) for i in range(6)])
    with pytest.raises(LeakageRefused, match="share 0 pixels of ground and 1 parcels"):
        make_split(manifest, SplitOptions(shared_parcels="allow"), seed=0, parcels=parcels)
    split = make_split(manifest, SplitOptions(), seed=0, parcels=parcels)
    found = audit_split(manifest, split, parcels)
    assert (found["shared_px"], found["shared_parcels"]) == (0, 0)
    assert sum(part.get("hidden_px", 0) for part in found["parts"].values()) == 50 * (6 - len(split.sample_ids("test")))


def test_windows_that_all_overlap_leave_nothing_for_train() -> None:
    manifest = patches([(10 * i, 0) for i in range(9)])
    with pytest.raises(DataError, match=r"No sample is left in .*patches\.stride_px"):
        make_split(manifest, SplitOptions(block_m=30), seed=0, parcels=NO_PARCELS)


def test_samples_without_a_place_cannot_be_split_by_ground() -> None:
    with pytest.raises(DataError, match=r"1 samples have no georeference, e\.g\. 's1'"):
        block_ids(patches([(0, 0), (np.nan, 0)]), 100.0)


@pytest.mark.parametrize("fractions", [(0.5, 0.5, 0.5), (1.0, 0.0, 0.0)])
def test_fractions_are_shares(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="three positive shares that sum to 1"):
        SplitOptions(fractions=fractions)


# ── whole groups ─────────────────────────────────────────────────────────────────────────────────────────────────────


def country_years() -> pd.DataFrame:
    """Three country-years of twelve windows, 10 km apart; ES-2020 lies on the ground of ES-2019."""
    corners = [(10_000 * (i % 12), -1e6 * (i // 24)) for i in range(36)]
    return patches(
        corners,
        country=["ES"] * 24 + ["FR"] * 12,
        year=[2019] * 12 + [2020] * 12 + [2019] * 12,
        tile=["31TCF"] * 24 + ["31TDK"] * 12,
        cube=[f"z_{i % 3}-31TCF" for i in range(24)] + [f"q_{i % 3}-31TDK" for i in range(12)],
    )


def split_by(strategy: str, **more: object) -> pd.DataFrame:
    manifest = country_years()
    options = SplitOptions.model_validate({"strategy": strategy, **more})
    split = make_split(manifest, options, seed=0, parcels=NO_PARCELS)
    return manifest.merge(split.table, on="sample_id")


def test_of_two_countries_the_smaller_is_test_and_blocks_of_the_other_are_val() -> None:
    table = split_by("countries")
    assert set(table.loc[table["country"] == "FR", "part"]) == {"test"}
    assert set(table.loc[table["country"] == "ES", "part"]) == {"train", "val"}
    assert (table.groupby(["left", "top"])["part"].nunique() == 1).all()


def test_years_on_the_same_ground_are_kept_apart_by_blocks() -> None:
    table = split_by("years")
    kept = table[table["part"] != "dropped"]
    assert set(kept.loc[kept["part"] == "test", "year"]) == {2020}
    assert (kept.groupby(["left", "top"])["part"].nunique() == 1).all()
    assert table["reason"].str.startswith("shares a block with").any()


def test_a_scenario_takes_the_country_years_that_it_names() -> None:
    table = split_by("scenario", scenario={"train": ["ES-2019"], "test": ["FR-2019"]})
    assert table.loc[table["year"] == 2020, "reason"].unique().tolist() == ["in no part"]
    assert set(table.loc[table["country"] == "FR", "part"]) == {"test"}
    with pytest.raises(DataError, match="the data set has ES-2019, ES-2020, FR-2019"):
        split_by("scenario", scenario={"train": ["AT"], "test": ["FR"]})
    with pytest.raises(ValueError, match="names train and test"):
        SplitOptions(strategy="scenario", scenario={"train": ("FR",)})


def test_every_unit_is_test_in_one_fold() -> None:
    tables = [split_by("kfold", n_folds=4, fold=k) for k in range(4)]
    tested = sum(((t["part"] == "test").astype(int) for t in tables), start=0)
    assert (tested == 1).all()
    validated = [set(t.loc[t["part"] == "val", "sample_id"]) for t in tables]
    assert validated[0] == set(tables[1].loc[tables[1]["part"] == "test", "sample_id"])


def test_one_zone_of_each_region_is_test() -> None:
    table = split_by("zones")
    zones = table.groupby("part")["cube"].agg(lambda c: sorted(set(c)))
    assert {part: len(z) for part, z in zones.items()} == {"test": 2, "train": 2, "val": 2}


def test_folds_over_zones_leave_the_test_zones_alone() -> None:
    """The RPG project: one zone of each region is held out, the others are cross-validated."""
    tables = [split_by("kfold", over="zones", n_folds=2, fold=k) for k in range(2)]
    held = [set(t.loc[t["part"] == "test", "cube"]) for t in tables]
    assert held[0] == held[1]
    assert {zone.split("_")[0] for zone in held[0]} == {"z", "q"}
    validated = [set(t.loc[t["part"] == "val", "cube"]) for t in tables]
    assert not validated[0] & validated[1]
    assert validated[0] | validated[1] == set(tables[0]["cube"]) - held[0]
    with pytest.raises(ValueError, match="need three folds"):
        SplitOptions(strategy="kfold", n_folds=2)


def test_patches_are_stratified_by_the_classes_that_they_hold() -> None:
    rng = np.random.default_rng(0)
    holds = rng.random((400, 6)) < [0.9, 0.5, 0.3, 0.1, 0.03, 0.01]
    manifest = patches([(100 * i, 0) for i in range(400)], **{f"n_px_{c}": holds[:, c] * 7 for c in range(6)})
    options = SplitOptions(strategy="random_patches", balance="labels", fractions=(0.6, 0.2, 0.2), refuse_leakage=False)
    parts = make_split(manifest, options, seed=0, parcels=NO_PARCELS).table["part"].to_numpy()
    for part, share in zip(PARTS, options.fractions, strict=True):
        np.testing.assert_allclose(holds[parts == part].sum(axis=0), share * holds.sum(axis=0), atol=2)


def test_blocks_are_balanced_by_pixels_or_by_the_patches_that_hold_a_class() -> None:
    """Of twelve blocks one has most pixels of class 1; by pixels it is a part of its own, by labels one of many."""
    manifest = patches([(1000 * i, 0) for i in range(12)], n_px_1=[600, *[20] * 11])

    def parts_with(balance: str) -> Counter[str]:
        options = SplitOptions.model_validate(
            {"block_m": 1000, "balance": balance, "fractions": (1 / 3, 1 / 3, 1 / 3), "strategy": "blocks"}
        )
        return Counter(make_split(manifest, options, seed=0, parcels=NO_PARCELS).table["part"])

    assert set(parts_with("labels").values()) == {4}
    assert min(parts_with("pixels").values()) < 4


def test_parcels_are_balanced_by_their_number() -> None:
    """A parcel is a sample of one pixel, whatever its size, so its class counts it once."""
    classes = np.repeat([1, 2], [80, 16])
    manifest = patches([(100 * i, 0) for i in range(96)], **{f"n_px_{c}": (classes == c) * 1 for c in (0, 1, 2)})
    options = SplitOptions(block_m=200, fractions=(0.5, 0.25, 0.25))
    parts = make_split(manifest, options, seed=0, parcels=NO_PARCELS).table["part"].to_numpy()
    for c, n in ((1, 80), (2, 16)):
        held = [int(((classes == c) & (parts == part)).sum()) for part in PARTS]
        np.testing.assert_allclose(held, [n / 2, n / 4, n / 4], atol=2)


def test_the_buffer_keeps_parts_apart() -> None:
    manifest = patches([(100 * i, 0) for i in range(60)])
    options = SplitOptions(block_m=1500, buffer_m=150, fractions=(0.4, 0.3, 0.3))
    split = make_split(manifest, options, seed=0, parcels=NO_PARCELS)
    found = audit_split(manifest, split, NO_PARCELS)
    assert found["min_distance_m"] >= 150
    assert set(split.table["reason"]) - {""} <= {"too near to test", "too near to val"}
    assert 0 < (split.table["part"] == "dropped").sum() < 12


def test_a_given_split_is_taken_as_it_is(tmp_path: Path) -> None:
    manifest = patches([(1000 * i, 0) for i in range(3)])
    path = tmp_path / "split.csv"
    pd.DataFrame({"sample_id": ["s0", "s1", "s2"], "part": PARTS}).to_csv(path, index=False)
    options = SplitOptions(strategy="given", path=str(path))
    split = make_split(manifest, options, seed=0, parcels=NO_PARCELS, given=read_given(path))
    assert split.table["part"].tolist() == list(PARTS)
    with pytest.raises(DataError, match="gives 0 of the 3 samples a part"):
        make_split(manifest, options, seed=0, parcels=NO_PARCELS, given={})
    (tmp_path / "bad.csv").write_text("id,part")
    with pytest.raises(CorruptFile, match="sample_id and part"):
        read_given(tmp_path / "bad.csv")


# ── on disk ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_split_comes_back_from_its_file(tmp_path: Path) -> None:
    _, _, split = planted()
    write_split(split, tmp_path / "split.parquet")
    back = read_split(tmp_path / "split.parquet")
    pd.testing.assert_frame_equal(back.table, split.table, check_dtype=False)
    assert {p: n.tolist() for p, n in back.hidden.items()} == {"train": [7], "val": [], "test": []}
    assert back.hidden["train"].dtype == np.uint32
    assert back.tally.to_json() == {"kept": 3, "dropped": {}}
    assert [p.name for p in tmp_path.iterdir()] == ["split.parquet"]


def test_a_file_that_is_no_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no split at"):
        read_split(tmp_path / "split.parquet")
    patches([(0, 0)]).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(CorruptFile, match="not a split of bocage"):
        read_split(tmp_path / "other.parquet")
    _, _, split = planted()
    write_split(split, tmp_path / "split.parquet")
    (tmp_path / "split.parquet").write_bytes((tmp_path / "split.parquet").read_bytes()[:-20])
    with pytest.raises(CorruptFile, match="damaged"):
        read_split(tmp_path / "split.parquet")

"""Whatever the patches, a split by blocks leaks nothing, splits no window, and is the same each time."""

from itertools import combinations

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bocage.core.errors import DataError, LeakageRefused
from bocage.splits.audit import audit_split
from bocage.splits.balance import assign_blocks
from bocage.splits.make import make_split
from bocage.splits.options import SplitOptions
from bocage.splits.record import DROPPED, PARTS, Split

SIZE_PX = 6


@st.composite
def landscapes(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Overlapping windows on a 60 × 60 grid of 10 m pixels, some on two dates, with parcels in stripes of any width."""
    corners = draw(st.lists(st.tuples(st.integers(0, 54), st.integers(0, 54)), min_size=8, max_size=25))
    widths = draw(st.lists(st.integers(1, 15), min_size=60, max_size=60))
    parcel_of_column = np.repeat(np.arange(60), widths)[:60]
    rows, parcels = [], []
    for n, (row, col) in enumerate(corners):
        numbers, counts = np.unique(parcel_of_column[col : col + SIZE_PX], return_counts=True)
        counts = {int(k): int(v) * SIZE_PX for k, v in zip(numbers, counts, strict=True)}
        parcels += [(f"s{n}", number, number % 3, n_px) for number, n_px in counts.items() if number]
        pixels = [sum(v for k, v in counts.items() if k % 3 == c) for c in range(3)]
        rows.append([f"s{n}", "EPSG:32631", 10.0 * col, -10.0 * row, SIZE_PX, SIZE_PX, 10.0, *pixels, 0])
    columns = ["sample_id", "crs", "left", "top", "height", "width", "resolution_m", "n_px_0", "n_px_1", "n_px_2"]
    manifest = pd.DataFrame(rows, columns=[*columns, "n_px_255"])
    return manifest, pd.DataFrame(parcels, columns=["sample_id", "number", "class_id", "n_px"]), parcel_of_column


def split_of(manifest: pd.DataFrame, parcels: pd.DataFrame, seed: int) -> Split:
    options = SplitOptions(block_m=150.0, fractions=(0.5, 0.25, 0.25), refuse_leakage=False)
    try:
        return make_split(manifest, options, seed=seed, parcels=parcels)
    except DataError:
        assume(False)
        raise


@settings(max_examples=25, deadline=None)
@given(landscapes(), st.integers(0, 5))
def test_parts_share_no_pixel_no_parcel_and_no_window(
    landscape: tuple[pd.DataFrame, pd.DataFrame, np.ndarray], seed: int
) -> None:
    manifest, parcels, parcel_of_column = landscape
    split = split_of(manifest, parcels, seed)
    assert split.table["sample_id"].tolist() == manifest["sample_id"].tolist()
    assert all(split.sample_ids(part) for part in PARTS)

    # drawn on the raster: which part sees a pixel, which part is trained or scored on it
    ground = {part: np.zeros((60, 60), bool) for part in PARTS}
    used = {part: set[int]() for part in PARTS}
    for (_, row), part in zip(manifest.iterrows(), split.table["part"], strict=True):
        if part != DROPPED:
            y, x = int(-row["top"] / 10), int(row["left"] / 10)
            ground[part][y : y + SIZE_PX, x : x + SIZE_PX] = True
            used[part] |= set(parcel_of_column[x : x + SIZE_PX].tolist()) - {0} - set(split.hidden[part].tolist())
    for a, b in combinations(PARTS, 2):
        assert not (ground[a] & ground[b]).any()
        assert not used[a] & used[b]
    audit = audit_split(manifest, split, parcels)
    assert (audit["shared_px"], audit["shared_parcels"], audit["leaky"]) == (0, 0, False)

    together = manifest.merge(split.table, on="sample_id").groupby(["left", "top"])["part"].nunique()
    assert (together == 1).all()
    again = split_of(manifest, parcels, seed)
    pd.testing.assert_frame_equal(split.table, again.table)


@settings(max_examples=25, deadline=None)
@given(landscapes(), st.integers(0, 5), st.lists(st.sampled_from([*PARTS, DROPPED]), min_size=25, max_size=25))
def test_the_audit_counts_shared_ground_as_a_raster_does(
    landscape: tuple[pd.DataFrame, pd.DataFrame, np.ndarray], seed: int, parts: list[str]
) -> None:
    manifest, parcels, parcel_of_column = landscape
    table = manifest[["sample_id"]].assign(part=parts[: len(manifest)], block_id="", reason="")
    split = Split(table, {part: np.empty(0, np.uint32) for part in PARTS})
    seen = np.zeros((3, 60, 60), bool)
    used: list[set[int]] = [set(), set(), set()]
    for (_, row), part in zip(manifest.iterrows(), table["part"], strict=True):
        if part != DROPPED:
            y, x = int(-row["top"] / 10), int(row["left"] / 10)
            seen[PARTS.index(part), y : y + SIZE_PX, x : x + SIZE_PX] = True
            used[PARTS.index(part)] |= set(parcel_of_column[x : x + SIZE_PX].tolist()) - {0}
    audit = audit_split(manifest, split, parcels)
    assert audit["shared_px"] == (seen.sum(axis=0) > 1).sum()
    assert audit["shared_parcels"] == len((used[0] & used[1]) | (used[0] & used[2]) | (used[1] & used[2]))


@settings(max_examples=12, deadline=None)
@given(landscapes(), st.integers(0, 5), st.data())
def test_every_leak_that_is_planted_in_a_clean_split_is_found(
    landscape: tuple[pd.DataFrame, pd.DataFrame, np.ndarray], seed: int, data: st.DataObject
) -> None:
    """A window of one part once more in another one: all of its pixels; a parcel that is hidden no longer: one more."""
    manifest, parcels, _ = landscape
    clean = split_of(manifest, parcels, seed)
    row = clean.table[clean.table["part"] != DROPPED].iloc[data.draw(st.integers(0, 2))]
    other = data.draw(st.sampled_from([part for part in PARTS if part != row["part"]]))
    twin = manifest[manifest["sample_id"] == row["sample_id"]].assign(sample_id="twin")
    planted = pd.concat([clean.table, pd.DataFrame([{**row, "sample_id": "twin", "part": other}])], ignore_index=True)
    found = audit_split(pd.concat([manifest, twin], ignore_index=True), Split(planted, clean.hidden), parcels)
    assert (found["shared_px"], found["leaky"]) == (SIZE_PX**2, True)

    for part, numbers in clean.hidden.items():
        for number in numbers:
            shown = {p: n[n != number] if p == part else n for p, n in clean.hidden.items()}
            found = audit_split(manifest, Split(clean.table, shown), parcels)
            assert (found["shared_parcels"], found["leaky"]) == (1, True)


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 40), st.integers(1, 6), st.integers(0, 2**32))
def test_blocks_fill_every_part_and_beat_a_random_deal(n: int, n_classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = np.floor(rng.pareto(1.0, (n, n_classes)) * 10).astype(np.int64)
    wanted = np.array([0.6, 0.2, 0.2])
    part = assign_blocks(pixels, tuple(wanted), np.random.default_rng(seed))
    assert set(part) == {0, 1, 2}
    np.testing.assert_array_equal(part, assign_blocks(pixels, tuple(wanted), np.random.default_rng(seed)))

    def distance_from_wanted(dealt: np.ndarray) -> float:
        present = pixels[:, pixels.sum(axis=0) > 0] / np.maximum(pixels.sum(axis=0), 1)[pixels.sum(axis=0) > 0]
        have = np.stack([present[dealt == p].sum(axis=0) for p in range(3)])
        return float((((have - wanted[:, None]) ** 2) / wanted[:, None]).sum())

    deals = [rng.permutation(np.concatenate([[0, 1, 2], rng.choice(3, n - 3, p=wanted)])) for _ in range(20)]
    assert distance_from_wanted(part) <= np.median([distance_from_wanted(d) for d in deals]) + 1e-9


@settings(max_examples=40, deadline=None)
@given(
    landscapes(),
    st.integers(0, 5),
    st.sampled_from(["tiles", "zones", "regions", "countries", "years", "kfold", "scenario", "given"]),
    st.sampled_from([0.0, 25.0]),
    st.lists(st.integers(0, 2), min_size=25, max_size=25),
)
def test_no_strategy_leaks(
    landscape: tuple[pd.DataFrame, pd.DataFrame, np.ndarray], seed: int, strategy: str, buffer_m: float, keys: list[int]
) -> None:
    """Whatever the strategy, even if the same ground is there in several tiles, years or countries."""
    manifest, parcels, _ = landscape
    keys = keys[: len(manifest)]
    manifest = manifest.assign(
        tile=[f"31TE{'ABC'[k]}" for k in keys],
        cube=[f"r_{k}-31TE{'ABC'[k]}" for k in keys],
        country=[["FR", "ES", "AT"][k] for k in keys],
        year=[2018 + k for k in keys],
    )
    more = {
        "scenario": {"scenario": {"train": ("FR", "ES-2019"), "test": ("2020",)}},
        "given": {"path": "split.csv"},
        "kfold": [{"over": "blocks", "fold": seed % 3}, {"over": "years"}, {"over": "zones", "n_folds": 2}][seed % 3],
    }.get(strategy, {})
    options = SplitOptions.model_validate(
        {"strategy": strategy, "block_m": 150.0, "fractions": (0.5, 0.25, 0.25), "buffer_m": buffer_m, **more}
    )
    dealt = {s: PARTS[k] for s, k in zip(manifest["sample_id"], keys, strict=True)}
    try:
        split = make_split(manifest, options, seed=seed, parcels=parcels, given=dealt)  # refuses leakage itself
    except LeakageRefused:
        raise
    except DataError:
        assume(False)
        raise
    audit = audit_split(manifest, split, parcels)
    assert (audit["shared_px"], audit["shared_parcels"], audit["leaky"]) == (0, 0, False)
    assert audit["min_distance_m"] >= buffer_m - 0.2
    again = make_split(manifest, options, seed=seed, parcels=parcels, given=dealt)
    pd.testing.assert_frame_equal(split.table, again.table)

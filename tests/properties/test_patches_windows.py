"""Windows and limits, whatever the sizes."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.patches.candidates import count_values
from bocage.patches.options import SelectionOptions
from bocage.patches.select import select
from bocage.patches.windows import plan_windows


@given(st.data(), st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_windows_lie_inside_are_unique_and_cover(data: st.DataObject, height: int, width: int, border: bool) -> None:
    size = data.draw(st.integers(1, min(height, width)))
    stride = data.draw(st.integers(1, size))
    windows = plan_windows((height, width), size, stride, border=border)
    covered = np.zeros((height, width), bool)
    for window in windows:
        assert covered[window.slices].shape == (size, size)
        covered[window.slices] = True
    assert len(set(windows)) == len(windows)
    if border:
        assert covered.all()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_counts_are_those_of_bincount(seed: int, size: int) -> None:
    raster = np.random.default_rng(seed).integers(0, 256, (20, 15)).astype(np.uint8)
    windows = plan_windows((20, 15), size, max(1, size // 2))
    rows, cols = (np.array([getattr(w, name) for w in windows]) for name in ("row", "col"))
    expected = [np.bincount(raster[w.slices].ravel(), minlength=256) for w in windows]
    np.testing.assert_array_equal(count_values(raster, rows, cols, (size, size), 256), expected)


limit = st.none() | st.integers(1, 8)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 9), st.integers(0, 9)), max_size=20
    ),
    limit,
    limit,
    limit,
)
def test_selection_breaks_no_limit_and_wastes_none(
    rows: list[tuple[str, str, int, int]], region: int | None, scene: int | None, total: int | None
) -> None:
    table = pd.DataFrame(rows, columns=["region", "scene", "n_px_1", "n_px_2"])
    table = table.assign(
        candidate_id=[f"c{i:02d}" for i in range(len(rows))], scenes=[[s] for s in table["scene"]], verdict="kept"
    ).assign(cube="a-31TEJ", row=[64 * i for i in range(len(rows))], col=0, height=64, width=64)
    options = SelectionOptions(max_per_region=region, max_per_scene=scene, max_total=total)
    taken, tally = select(table, options)
    assert (tally.kept, tally.total) == (len(taken), len(rows))
    assert len(taken) <= (total or 99)
    assert taken["region"].value_counts().max() <= (region or 99) if len(taken) else not rows
    assert taken["scene"].value_counts().max() <= (scene or 99) if len(taken) else not rows
    shuffled, _ = select(table.sample(frac=1, random_state=0), options)
    assert sorted(shuffled["candidate_id"]) == taken["candidate_id"].tolist()


@given(st.integers(1, 60), st.integers(1, 70), st.sampled_from([None, 64, 128, 200]), st.integers(0, 3))
def test_a_draw_never_exceeds_its_number_and_takes_squares_whole(
    n: int, total: int, side: int | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"n_px_1": rng.integers(0, 3, n), "n_px_2": rng.integers(0, 2, n), "row": 64 * np.arange(n)})
    table = table.assign(
        candidate_id=[f"c{i:02d}" for i in range(n)], verdict="kept", cube="a", col=0, height=64, width=64, region="a"
    ).assign(scenes=[["s"]] * n)
    taken, tally = select(table, SelectionOptions(method="stratified", max_total=total, draw_block_px=side))
    assert tally.total == n
    assert len(taken) == min(n, total) if side in (None, 64) else len(taken) <= min(n, total)
    if side is not None:
        whole = table.groupby(table["row"] // side).size()
        assert (taken.groupby(taken["row"] // side).size() == whole.reindex(sorted(set(taken["row"] // side)))).all()

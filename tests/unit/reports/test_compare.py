"""Two runs side by side: pairs, intervals where the blocks are the same, and clear words where they are not."""

import dataclasses
import json

import numpy as np
import pytest
import yaml

from bocage.core.errors import CorruptFile, DataError, MissingFile
from bocage.core.render import to_html
from bocage.metrics.intervals import block_bootstrap
from bocage.metrics.scores import scores
from bocage.pipeline.comparison import write_comparison
from bocage.reports.compare import build_comparison, compare_runs
from bocage.reports.read import read_finished

NAMES = ("background", "wheat", "maize")
BLOCKS = [f"b{i}" for i in range(16)]


def counts_of(right: float, seed: int) -> np.ndarray:
    """(16, 3, 3): 100 reference pixels a class and block, about `right` of them predicted right."""
    rng = np.random.default_rng(seed)
    hits = rng.binomial(100, right, (16, 3))
    matrix = np.zeros((16, 3, 3), np.int64)
    for c in range(3):
        matrix[:, c, c] = hits[:, c]
        matrix[:, c, (c + 1) % 3] = 100 - hits[:, c]
    return matrix


def write_finished(folder, counts, *, blocks=BLOCKS, classes=NAMES, settings=None, baseline=None):
    """An evaluated run folder with one model, `forest`, and one baseline."""
    folder.mkdir()
    every = {"forest": counts, "majority": counts_of(0.3, 9) if baseline is None else baseline}
    rng = np.random.default_rng(0)
    records = {
        name: {
            "protocols": {
                "all_pixels": {
                    **scores(c.sum(0), classes),
                    "n_blocks": len(c),
                    "interval": block_bootstrap(c, rng=rng, n_draws=100),
                }
            }
        }
        for name, c in every.items()
    }
    evaluation = {
        "classes": list(classes),
        "models": {"forest": records["forest"]},
        "baselines": {"majority": records["majority"]},
    }
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    np.savez(folder / "blocks.npz", blocks=np.array(blocks), **{f"{k}/all_pixels": v for k, v in every.items()})
    models = [{"name": "forest", "options": {"n_trees": 5}}]
    experiment = {"name": "trial", "seed": 1, "models": models, "splits": {"block_m": 640.0}} | (settings or {})
    (folder / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    stages = [{"name": n, "digest": d} for n, d in (("datasets", "a"), ("train/forest", folder.name))]
    (folder / "manifest.json").write_text(json.dumps({"software": {"numpy": "2.0"}, "stages": stages}))
    return folder


@pytest.fixture
def folders(tmp_path):
    weak = write_finished(tmp_path / "weak", counts_of(0.6, 1))
    trees = {"models": [{"name": "forest", "options": {"n_trees": 25}}]}
    return weak, write_finished(tmp_path / "strong", counts_of(0.9, 2), settings=trees)


def test_the_better_run_is_told_apart_by_a_paired_interval_and_equal_baselines_are_not(folders):
    found = compare_runs(*map(read_finished, folders))
    by_name = {d.name: d for d in found.differences if d.score == "miou_foreground"}
    forest, majority = by_name["forest"], by_name["majority"]
    assert forest.difference == pytest.approx(forest.second - forest.first)
    assert 0 < forest.low < forest.difference < forest.high
    assert (majority.difference, majority.low, majority.high) == (0, 0, 0)
    assert found.unpaired == ""
    assert found.settings == (("models.forest.options.n_trees", "5", "25"),)


def test_turning_the_runs_round_turns_the_sign(folders):
    there, back = (compare_runs(*map(read_finished, pair)) for pair in (folders, folders[::-1]))
    assert [d.difference for d in back.differences] == pytest.approx([-d.difference for d in there.differences])


def test_page_is_whole_and_says_who_is_better(folders):
    first, second = map(read_finished, folders)
    page = build_comparison(first, second, compare_runs(first, second))
    html = to_html(page)
    assert [p.name for p in page.pictures] == ["scores", "differences"]
    for words in ("told apart for forest", "run 2 is better on these blocks", "models.forest.options.n_trees"):
        assert words.replace("_", "_<wbr>") in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_other_blocks_or_another_reference_give_no_interval_but_a_reason(folders, tmp_path):
    weak = read_finished(folders[0])
    moved = read_finished(write_finished(tmp_path / "moved", counts_of(0.9, 2), blocks=[f"c{i}" for i in range(16)]))
    found = compare_runs(weak, moved)
    assert found.unpaired == "the test blocks differ: 16 and 16, 0 of them the same"
    assert all(d.low is None for d in found.differences)
    assert "No intervals of the differences: the test blocks differ" in to_html(build_comparison(weak, moved, found))
    fuller = counts_of(0.9, 2)
    fuller[3] *= 2
    other = read_finished(write_finished(tmp_path / "fuller", fuller, baseline=counts_of(0.3, 9)))
    assert "in 1 of 16 test blocks" in compare_runs(weak, other).unpaired


def test_few_blocks_give_no_interval(folders, tmp_path):
    few = [
        read_finished(
            write_finished(tmp_path / name, counts_of(p, 1)[:4], blocks=BLOCKS[:4], baseline=counts_of(0.3, 1)[:4])
        )
        for name, p in (("one", 0.5), ("two", 0.8))
    ]
    found = compare_runs(*few)
    assert "an interval needs at least 10" in found.unpaired
    captions = [picture.caption for picture in build_comparison(*few, found).pictures]
    assert captions == ["Foreground mIoU of every model (round) and baseline (diamond)."]


def test_runs_of_different_classes_are_refused_by_name(folders, tmp_path):
    other = write_finished(tmp_path / "other", counts_of(0.9, 2), classes=("background", "wheat", "vineyard"))
    with pytest.raises(DataError, match=r"only in the first: maize; only in the second: vineyard"):
        write_comparison(folders[0], other, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_runs_without_a_common_protocol_are_refused(folders):
    first, second = map(read_finished, folders)
    models = {"forest": {"protocols": {"parcels": {}}}}
    with pytest.raises(DataError, match="no protocol in common"):
        compare_runs(first, dataclasses.replace(second, evaluation={**second.evaluation, "models": models}))


def test_what_is_no_run_or_half_a_run_is_said(folders, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    with pytest.raises(MissingFile, match=r"no run folder"):
        read_finished(tmp_path / "nowhere")
    with pytest.raises(MissingFile, match=r"no experiment\.yaml, only cat\.png"):
        read_finished(tmp_path / "photos")
    (folders[0] / "evaluation.json").unlink()
    with pytest.raises(MissingFile, match=r"not been evaluated; its last finished stage is train/forest"):
        read_finished(folders[0])
    (folders[1] / "blocks.npz").write_bytes(b"PK half")
    with pytest.raises(CorruptFile, match=r"blocks\.npz"):
        read_finished(folders[1])

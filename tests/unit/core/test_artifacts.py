import subprocess
import sys
import textwrap

import pytest

from bocage.core.artifacts import ArtifactStore, rename_once
from bocage.core.tally import Tally


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path)


def make(store, key="k", text="hello"):
    with store.write("stage", key, about={"inputs": {}}) as draft:
        (draft.path / "a.txt").write_text(text)
        draft.tally = Tally(1)
    return store.find("stage", key)


def test_an_artifact_is_found_under_its_key_with_its_tally(store):
    made = make(store)
    assert (made.path / "a.txt").read_text() == "hello"
    assert made.tally == Tally(1)
    assert store.find("stage", "other") is None


def test_the_digest_speaks_of_content_only(store):
    assert make(store, "k1").digest == make(store, "k2").digest != make(store, "k3", "bye").digest


def test_the_key_changes_with_options_version_and_inputs(store):
    keys = {
        store.key("s", 1, {"a": 1}, {"x": "1"}),
        store.key("s", 1, {"a": 2}, {"x": "1"}),
        store.key("s", 2, {"a": 1}, {"x": "1"}),
        store.key("s", 1, {"a": 1}, {"x": "2"}),
        store.key("t", 1, {"a": 1}, {"x": "1"}),
    }
    assert len(keys) == 5


def test_a_failed_stage_leaves_nothing_under_its_key(store):
    with pytest.raises(RuntimeError), store.write("stage", "k") as draft:
        (draft.path / "half.txt").write_text("half")
        raise RuntimeError
    assert store.find("stage", "k") is None
    assert not store.draft_path("stage", "k").exists()


def test_a_resumable_stage_finds_its_own_half(store):
    with pytest.raises(RuntimeError), store.write("stage", "k", resume=True) as draft:
        (draft.path / "half.txt").write_text("half")
        raise RuntimeError
    assert store.find("stage", "k") is None
    with store.write("stage", "k", resume=True) as draft:
        assert (draft.path / "half.txt").read_text() == "half"
    assert store.find("stage", "k") is not None


@pytest.mark.parametrize("harm", ["cut", "delete", "garble"])
def test_an_artifact_that_was_damaged_is_not_trusted(store, harm):
    made = make(store)
    if harm == "cut":
        (made.path / "a.txt").write_text("hel")
    elif harm == "delete":
        (made.path / "a.txt").unlink()
    else:
        (made.path / "artifact.json").write_text("{")
    assert store.find("stage", "k") is None


def test_a_killed_process_leaves_nothing_that_is_trusted(store, tmp_path):
    script = f"""
        import os, signal
        from pathlib import Path
        from bocage.core.artifacts import ArtifactStore
        with ArtifactStore(Path({str(tmp_path)!r})).write("stage", "k") as draft:
            (draft.path / "half.txt").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -9
    assert store.find("stage", "k") is None
    assert make(store).tally == Tally(1)


def test_prune_frees_the_store(store):
    make(store)
    assert store.info()[0]["stage"] == "stage"
    n, freed = store.prune()
    assert n == 1
    assert freed > 5
    assert store.info() == []


def test_prune_leaves_what_a_running_process_is_making(store):
    make(store, "other")
    with store.lock("stage", "k"), store.write("stage", "k") as draft:
        (draft.path / "a.txt").write_text("half")
        assert store.prune()[0] == 1
        (draft.path / "b.txt").write_text("whole")
    assert set(store.find("stage", "k").record["files"]) == {"a.txt", "b.txt"}
    (store.draft_path("stage", "dead")).mkdir()
    assert store.prune()[0] == 2  # a killed process holds no lock


@pytest.mark.parametrize("record", ["null", "[]", '{"files": [1]}', '{"files": {"a.txt": 5}}', "7"])
def test_a_record_that_is_none_is_not_trusted(store, record):
    (make(store).path / "artifact.json").write_text(record)
    assert store.find("stage", "k") is None
    (make(store).path / "artifact.json").write_text(record)
    assert len(store.verify()) == 1


def test_a_folder_that_another_process_has_finished_stays(tmp_path):
    for name in ("own", "others"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(name)
    rename_once(tmp_path / "own", tmp_path / "others")
    assert (tmp_path / "others" / "a").read_text() == "others"
    with pytest.raises(OSError, match="nowhere"):
        rename_once(tmp_path / "own", tmp_path / "nowhere" / "at all")

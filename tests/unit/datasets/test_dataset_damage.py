"""Damaged and half-written data sets: nothing of them is trusted."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from bocage.cli.output import settings
from bocage.core.errors import CorruptFile, MissingFile
from bocage.core.grid import Window
from bocage.datasets import store
from bocage.datasets.read import open_dataset
from bocage.datasets.record import pack, unpack


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


def test_a_flipped_byte_in_a_shard_is_found_and_the_sample_named(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert dataset.verify() == []
    victim = dataset.manifest.iloc[3]
    flip(folder / "shards" / "00000.bin", int(victim["offset"]) + int(victim["length"]) // 2)
    with pytest.raises(CorruptFile, match=rf"00000\.bin, sample '{victim['sample_id']}'.*checksum"):
        dataset.read(victim["sample_id"])
    dataset.read(dataset.sample_ids[4])  # its neighbour is whole
    problems = dataset.verify()
    assert len(problems) == 1
    assert victim["sample_id"] in problems[0]


def test_a_flipped_byte_in_an_npy_file_is_found(tmp_path: Path, world: SimpleNamespace) -> None:
    world.build(tmp_path, store="npy")
    flip(tmp_path / "labels" / "A-31TEJ_0_8_0.npy", -1)
    with pytest.raises(CorruptFile, match="sample 'A-31TEJ_0_8_0'"):
        open_dataset(tmp_path).read("A-31TEJ_0_8_0")


def test_a_short_or_missing_shard_is_found(folder: Path) -> None:
    dataset, shard = open_dataset(folder), folder / "shards" / "00000.bin"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(CorruptFile, match="the manifest says"):
        dataset.read(dataset.sample_ids[-1])
    shard.unlink()
    with pytest.raises(CorruptFile, match="is missing; it should hold sample"):
        dataset.read(dataset.sample_ids[0])


def test_changed_tables_are_found(folder: Path) -> None:
    dataset = open_dataset(folder)
    flip(folder / "parcels.parquet", 40)
    assert ["parcels.parquet is missing or is not the one" in p for p in dataset.verify()] == [True]
    flip(folder / "manifest.parquet", 40)
    with pytest.raises(CorruptFile, match=r"manifest\.parquet is missing or is not the one"):
        open_dataset(folder)


def test_a_record_that_is_no_record_is_refused() -> None:
    with pytest.raises(ValueError, match="not a packed record"):
        unpack(b"something else")


def test_records_are_spread_over_shards(
    tmp_path: Path, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SHARD_BYTES", 1000)
    world.build(tmp_path)
    dataset = open_dataset(tmp_path)
    assert dataset.manifest["shard"].nunique() > 1
    assert dataset.verify() == []
    one = dataset.read_record(dataset.sample_ids[-1])
    assert unpack(pack(one)).digest == one.digest


def test_no_data_set_and_an_unfinished_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no data set"):
        open_dataset(tmp_path)
    (tmp_path / "shards").mkdir()
    with pytest.raises(CorruptFile, match="was not finished"):
        open_dataset(tmp_path)


BUILD_UNTIL_KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from bocage.core.grid import make_grid
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.write import DatasetWriter
from bocage.datasets import write

folder, moment = Path(sys.argv[1]), sys.argv[2]
if moment == "before the record":
    write.write_json = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
info = DatasetInfo((ClassInfo(0, "background", "#000000", ""),), ("B02",), 8, 10.0, "single", "L2A")
writer = DatasetWriter(folder, info)
for i in range(5):
    if i == 3 and moment == "among samples":
        os.kill(os.getpid(), signal.SIGKILL)
    origin = Origin(f"s{i}", "", 0, "", (), make_grid("EPSG:32631", 80 * i, 0, 10, (8, 8)))
    image, labels = np.full((1, 1, 8, 8), 0.1, np.float32), np.zeros((8, 8), np.uint8)
    sample = Sample(image, image[:, 0] > 0, labels, labels.astype(np.uint32), np.array([1], np.int32), ("B02",), origin)
    writer.add(sample, {"cube": "A", "row": 0, "col": 8 * i})
writer.finish()
"""


def test_nothing_is_trusted_after_a_kill_and_the_next_build_is_like_any(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(BUILD_UNTIL_KILLED)

    def run(name: str, moment: str) -> int:
        return subprocess.run([sys.executable, script, tmp_path / name, moment], check=False, env=os.environ).returncode

    for moment in ("among samples", "before the record"):
        assert run("d", moment) == -signal.SIGKILL
        assert any((tmp_path / "d").iterdir())  # something was written
        with pytest.raises(CorruptFile, match="was not finished"):
            open_dataset(tmp_path / "d")
    assert run("d", "never") == 0
    assert run("undisturbed", "never") == 0
    assert open_dataset(tmp_path / "d").verify() == []
    assert (tmp_path / "d" / "dataset.json").read_text() == (tmp_path / "undisturbed" / "dataset.json").read_text()


def test_the_command_line_inspects_and_verifies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bocage.cli.dataset import app

    monkeypatch.setattr(settings, "json", True)
    seen = json.loads(CliRunner().invoke(app, ["inspect", str(folder)]).stdout)
    assert seen["n_patches"] == 12
    assert seen["pixels_by_class"] == {"background": 256, "ignore": 5, "vineyard": 256, "wheat": 251}
    assert (seen["by_country"], seen["rejected"], seen["store"]) == ({"FR": 12}, {"clouds": 3}, "shards")
    assert (seen["bands"], seen["patch_size_px"]) == (["B02", "B03", "B8A"], 8)
    assert seen["bytes"] == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())

    whole = CliRunner().invoke(app, ["verify", str(folder)])
    unlocked = {"ok": True, "problems": [], "inputs_compared": 0, "inputs_absent": 0}
    assert (whole.exit_code, json.loads(whole.stdout)) == (0, unlocked)
    flip(folder / "shards" / "00000.bin", 50)
    broken = CliRunner().invoke(app, ["verify", str(folder)])
    assert (broken.exit_code, json.loads(broken.stdout)["ok"]) == (3, False)


@pytest.mark.parametrize("kind", ["shards", "npy"])
@pytest.mark.parametrize("harm", ["none", "half a log line", "half a record behind", "last record lost"])
def test_a_half_built_data_set_is_continued_behind_its_last_sound_sample(
    tmp_path: Path, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, kind: str, harm: str
) -> None:
    world.build(tmp_path / "whole", store=kind)
    taken = []

    class CountingCube(type(world.cube)):  # type: ignore[misc]
        def read_stored(self, window: Window | None = None, dates: Sequence[int] | None = None) -> object:
            if len(taken) == 7:
                raise KeyboardInterrupt
            taken.append(window)
            return super().read_stored(window, dates)

    half, cube = tmp_path / "half", CountingCube()
    with pytest.raises(KeyboardInterrupt):
        world.build(half, store=kind, cube=cube, resume=True)
    if harm == "half a log line":
        with (half / "building.jsonl").open("a") as log:
            log.write('{"sample_id": "A-31')
    elif harm == "half a record behind" and kind == "shards":
        with (half / "shards" / "00000.bin").open("ab") as shard:
            shard.write(b"BCG1 and not all of it")
    elif harm == "last record lost":
        last = json.loads((half / "building.jsonl").read_text().splitlines()[-1])
        path = half / ("shards/00000.bin" if kind == "shards" else f"images/{last['sample_id']}.npy")
        os.truncate(path, path.stat().st_size - 3)
    n_kept = len((half / "building.jsonl").read_text().splitlines()) - 1
    taken.clear()
    monkeypatch.setattr(CountingCube, "read_stored", lambda self, *a: (taken.append(a), world.cube.read_stored(*a))[1])
    world.build(half, store=kind, cube=cube, resume=True)
    assert len(taken) == 12 - n_kept + (harm in ("last record lost", "half a log line"))
    files = [
        {p.relative_to(d): p.read_bytes() for p in d.rglob("*") if p.is_file()} for d in (half, tmp_path / "whole")
    ]
    assert files[0] == files[1]


@pytest.mark.parametrize("record", ["null", "[]", '"x"', "{}"])
def test_a_record_that_is_none_of_a_data_set_is_named(tmp_path: Path, record: str) -> None:
    (tmp_path / "dataset.json").write_text(record)
    with pytest.raises(CorruptFile, match="A data set of format 'None'"):
        open_dataset(tmp_path)

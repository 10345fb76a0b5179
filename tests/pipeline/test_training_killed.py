"""A training killed with SIGKILL goes on and ends with the weights of one that was not."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bocage.core.grid import make_grid
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.read import open_dataset
from bocage.datasets.write import DatasetWriter
from bocage.splits.record import Split
from bocage.splits.store import write_split

TRAIN = """
import sys
from pathlib import Path
from bocage.datasets.read import open_dataset
from bocage.models.options import ModelOptions
from bocage.splits.store import read_split
from bocage.training.options import TrainingOptions
from bocage.training.train import train_model

data, split, folder = map(Path, sys.argv[1:])
model = ModelOptions(name="unet", kind="unet4_gn", options={"base_channels": 8})
options = TrainingOptions(epochs=30, batch_size=2, threads=1, device="cpu", lr_patience=0)
train_model(open_dataset(data), read_split(split), model, options, seed=1, folder=folder)
"""


@pytest.mark.slow
def test_sigkill_in_the_middle(tmp_path: Path) -> None:
    writer = DatasetWriter(
        tmp_path / "data",
        DatasetInfo(
            tuple(ClassInfo(i, n, "#808080", n) for i, n in enumerate("ab")), ("B04",), 32, 10.0, "single", "L2A"
        ),
    )
    rng = np.random.default_rng(0)
    for i in range(12):
        labels = np.zeros((32, 32), np.uint8)
        labels[8:24, rng.integers(16) :] = 1
        image = (0.1 + 0.2 * labels + rng.normal(0, 0.1, (32, 32))).astype(np.float32)
        origin = Origin(f"s{i}", "FR", 2018, "31TEJ", ("x",), make_grid("EPSG:32631", 320.0 * i, 0, 10, (32, 32)))
        valid, ids, days = np.ones((1, 32, 32), bool), labels.astype(np.uint32), np.array([17_700], np.int32)
        writer.add(
            Sample(image[None, None], valid, labels, ids, days, ("B04",), origin), {"cube": "c", "row": 0, "col": i}
        )
    writer.finish()
    names = open_dataset(tmp_path / "data").sample_ids
    table = pd.DataFrame({"sample_id": names, "part": ["train"] * 8 + ["val"] * 4, "block_id": "b", "reason": ""})
    none = np.array([], np.uint32)
    write_split(Split(table, {"train": none, "val": none, "test": none}), tmp_path / "split.parquet")

    def command(folder: str) -> list[str]:
        return [sys.executable, "-c", TRAIN, *(str(tmp_path / p) for p in ("data", "split.parquet", folder))]

    subprocess.run(command("whole"), check=True)
    process = subprocess.Popen(command("killed"))
    while not (tmp_path / "killed" / "training-state.safetensors").exists():
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "model.json").exists()
    subprocess.run(command("killed"), check=True)
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]

"""Every network as an ONNX file gives the probabilities of its Predictor, whatever the size of the image."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bocage.cli.main import main
from bocage.core.errors import ConfigError
from bocage.models.checkpoint import load_predictor, read_record, write_record
from bocage.models.networks.bilstm import date_by_date, packed
from bocage.models.networks.initialize import initialize
from bocage.models.wrap import BandStatistics
from tests.contracts.test_predictor_contract import NETWORKS, save_small

N_DATES = 3


def save_standardized(name: str, folder: Path) -> None:
    save_small(name, N_DATES, folder)
    statistics = BandStatistics((0.1, 0.2, 0.3), (0.05, 0.1, 0.2))
    write_record(folder, replace(read_record(folder), statistics=statistics))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_gives_what_the_predictor_gives(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: the extra `onnx`")
    from bocage.models.export import run_onnx

    save_standardized(name, tmp_path)
    predictor, file = load_predictor(tmp_path), tmp_path / "new" / "model.onnx"
    dates = ("--dates", str(N_DATES)) if predictor.n_dates is None else ()
    assert main(["models", "export", str(tmp_path), "--onnx", str(file), *dates, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_dates"] == N_DATES
    rng = np.random.default_rng(0)
    for n, height, width in ((1, 32, 32), (2, 64, 48), (1, 17, 23)):
        valid = rng.random((n, N_DATES, height, width)) < 0.9
        valid[0, 1] = False
        image = np.where(valid[:, :, None], rng.random((n, N_DATES, 3, height, width)), 0).astype(np.float32)
        days = np.tile(np.array([17_700, 17_740, 17_800], np.int32), (n, 1))
        found = run_onnx(file, image=image, valid=valid, days=days)
        np.testing.assert_allclose(found, predictor.predict_proba(image, valid, days), atol=1e-3, rtol=0)


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: the extra `onnx`")
    from bocage.models.export import export_onnx

    for name, message in (("random_forest", "no network"), ("convstar", "--dates"), ("tempcnn", "3 date")):
        folder = tmp_path / name
        folder.mkdir()
        save_small(name, N_DATES, folder)
        with pytest.raises(ConfigError, match=message):
            export_onnx(folder, tmp_path / "x.onnx", n_dates=2 if name == "tempcnn" else None)


def test_the_lstm_date_by_date_is_the_packed_one() -> None:
    lstm = torch.nn.LSTM(3, 5, 2, batch_first=True, bidirectional=True)
    initialize(lstm, 0)
    generator = torch.Generator().manual_seed(0)
    x, seen = torch.randn(20, 4, 3, generator=generator), torch.rand(20, 4, generator=generator) < 0.6
    seen[0] = False
    for ours, theirs in zip(date_by_date(lstm, x, seen), packed(lstm, x, seen), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)

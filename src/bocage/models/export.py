"""A checkpoint of a network -> one ONNX file that other programs can run. IO: reads the folder, writes the file.

The file takes what a Predictor takes, under the names `image`, `valid` and `days`, for any number of samples and any
height and width, and gives `probabilities`: standardization, padding and the softmax are in it. The number of dates is
fixed when it is written, since date after date is unrolled. Its metadata hold bands and class names.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.core.arrays import Bool, Float32, Int32
from bocage.core.artifacts import replacing
from bocage.core.errors import ConfigError, DataError
from bocage.models.checkpoint import ModelRecord, load_network, read_record
from bocage.models.wrap import BandStatistics
from bocage.models.zoo import MODELS, NetworkKind

INPUTS, OUTPUT = ("image", "valid", "days"), "probabilities"
TOLERANCE = 1e-3  # largest difference of a probability to the network's own
EXAMPLE_PX, CHECK_PX = 32, (48, 37)  # the second is no multiple of anything


def export_onnx(folder: Path, path: Path, *, n_dates: int | None = None) -> dict[str, Any]:
    """Write the network of a checkpoint as ONNX, and compare the two on noise of another size.

    Args:
        folder: the checkpoint.
        path: the file to write.
        n_dates: dates that the file takes; needed for a model of variable dates, and only there.

    Returns:
        onnx, n_dates, bands, classes, bytes, largest_difference (of a probability).

    Raises:
        ConfigError: if the checkpoint holds trees, or `n_dates` is missing or not what the model takes.
        DataError: if ONNX Runtime does not give the network's probabilities; the file is not left behind.
    """
    record = read_record(folder)
    kind = MODELS[record.kind]
    if not isinstance(kind, NetworkKind):
        raise ConfigError(f"{folder} holds '{record.kind}', which is no network. Only networks become ONNX files.")
    n_dates = _check_dates(record, n_dates)
    whole = WholeModel(load_network(folder, record, kind), record.statistics, kind.size_multiple).eval()
    example = _noise(2, n_dates, len(record.bands), (EXAMPLE_PX, EXAMPLE_PX))
    program = _export(whole, example)
    program.metadata_props.add(key="bocage", value=json.dumps(_about(record)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        onnx.save(program, temporary)
        difference = _largest_difference(whole, temporary, _noise(3, n_dates, len(record.bands), CHECK_PX))
        if not difference <= TOLERANCE:  # NaN is no agreement either
            raise DataError(
                f"ONNX Runtime's probabilities of '{record.kind}' differ by {difference:.2g}; nothing is written."
            )
    return {
        "onnx": str(path),
        "n_dates": n_dates,
        "bands": record.bands,
        "classes": record.class_names,
        "bytes": path.stat().st_size,
        "largest_difference": difference,
    }


class WholeModel(nn.Module):
    """(image, valid, days) as a Predictor takes them -> probabilities (B, K, H, W) of any H and W."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, statistics: BandStatistics | None, size_multiple: int) -> None:
        super().__init__()
        self.network, self.size_multiple = network, size_multiple
        self.scaled = statistics is not None
        if statistics is not None:
            self.register_buffer("mean", torch.tensor(statistics.mean)[:, None, None])
            self.register_buffer("std", torch.tensor(statistics.std)[:, None, None])

    def forward(self, image: Tensor, valid: Tensor, days: Tensor) -> Tensor:
        if self.scaled:
            image = torch.where(valid[:, :, None], (image - self.mean) / self.std, 0.0)
        height, width = image.shape[-2:]
        edges = (0, -width % self.size_multiple, 0, -height % self.size_multiple)
        padded = F.pad(image.flatten(0, 1), edges, mode="replicate").unflatten(0, image.shape[:2])  # type: ignore[no-untyped-call]
        result: Tensor = self.network(padded, F.pad(valid, edges, value=False), days)
        return result[..., :height, :width].softmax(1)


def _check_dates(record: ModelRecord, n_dates: int | None) -> int:
    if record.n_dates is None and n_dates is None:
        raise ConfigError(f"'{record.kind}' takes any number of dates, an ONNX file one. Give the number: --dates N.")
    if None not in (record.n_dates, n_dates) and n_dates != record.n_dates:
        raise ConfigError(f"This '{record.kind}' takes {record.n_dates} date(s), not {n_dates}. Leave --dates out.")
    return n_dates or record.n_dates or 1


def _export(whole: nn.Module, example: tuple[Tensor, ...]) -> onnx.ModelProto:
    any_size = torch.export.Dim.AUTO
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of libraries that nothing here uses
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        program = torch.onnx.export(
            whole,
            example,
            dynamo=True,
            verbose=False,
            input_names=INPUTS,
            output_names=(OUTPUT,),
            dynamic_shapes=(
                {0: any_size, 3: any_size, 4: any_size},
                {0: any_size, 2: any_size, 3: any_size},
                {0: any_size},
            ),
        )
    assert program is not None  # it is None for the older exporter only
    return program.model_proto


def _about(record: ModelRecord) -> dict[str, Any]:
    return {"name": record.name, "kind": record.kind, "bands": record.bands, "classes": record.class_names}


def _noise(n: int, n_dates: int, n_bands: int, size_px: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    valid = torch.rand(n, n_dates, *size_px, generator=generator) < 0.9
    valid[-1, 1:2] = False  # one sample has a date of padding
    image = torch.rand(n, n_dates, n_bands, *size_px, generator=generator) * valid[:, :, None]
    days = 17_600 + 20 * torch.arange(n_dates, dtype=torch.int32).repeat(n, 1)
    return image, valid, days


@torch.inference_mode()
def _largest_difference(whole: nn.Module, path: Path, inputs: tuple[Tensor, ...]) -> float:
    """Of any probability, between the network and the file."""
    found = run_onnx(path, **dict(zip(INPUTS, (i.numpy() for i in inputs), strict=True)))
    return float(np.abs(found - whole(*inputs).numpy()).max())


def run_onnx(path: Path, *, image: Float32, valid: Bool, days: Int32) -> Float32:
    """Probabilities (B, K, H, W) that ONNX Runtime gives on the CPU."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given: Mapping[str, Any] = {"image": image, "valid": valid, "days": days}
    taken = {i.name for i in session.get_inputs()}  # what a network does not look at is no input of its file
    (probabilities,) = session.run([OUTPUT], {name: given[name] for name in taken})
    result: Float32 = probabilities
    return result

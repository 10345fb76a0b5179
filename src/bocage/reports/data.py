"""What a run left behind, as one record. Pure: `read.read_run` fills it, sections and figures eat it.

Whatever a run has not made yet is None or empty; the report then says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bocage.core.arrays import AnyArray, UInt8
from bocage.core.tally import Tally
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.reports.signatures import Signatures
from bocage.splits.record import Split

Json = Mapping[str, Any]


@dataclass(frozen=True)
class RunPaths:
    """Where the files of a run are; None or empty for what it has not made."""

    experiment: Path | None = None  # resolved YAML
    audit: Path | None = None  # JSON of the taxonomy audit
    taxonomy: Path | None = None  # JSON of the taxonomy
    classed: Path | None = None  # parcels.parquet with their classes
    scenes: Path | None = None  # JSON: {"scenes": [...], "tally": {...}}
    cubes: tuple[Path, ...] = ()  # folders with cube.json
    labels: tuple[Path, ...] = ()  # folders with labels.tif, each named like its cube
    dataset: Path | None = None  # folder with dataset.json and manifest.parquet
    split: Path | None = None  # split.parquet
    split_audit: Path | None = None  # JSON
    checkpoints: Mapping[str, Path] = field(default_factory=dict)  # model name -> folder with model.json, history.json
    evaluation: Path | None = None  # folder with evaluation.json and panels.npz
    benchmarks: tuple[Path, ...] = ()  # folders with evaluation.json, panels.npz, shift.json, each named like its model
    maps: tuple[Path, ...] = ()  # folders with map.json, class_map.tif, confidence.tif, parcels.parquet; one a cube


@dataclass(frozen=True)
class Stage:
    """One stage of the flow: how long its result took to make, what it kept and dropped."""

    name: str
    seconds: float
    tally: Tally | None = None


@dataclass(frozen=True)
class Raster:
    """A raster thinned for a picture: values (y, x) uint8, bounds (left, bottom, right, top) in metres of `crs`."""

    values: UInt8
    bounds: tuple[float, float, float, float]
    crs: str

    @property
    def is_tall(self) -> bool:
        """Whether it is higher than wide: such a picture stays readable on a telephone."""
        height, width = self.values.shape
        return bool(height > width)


@dataclass(frozen=True)
class Panels:
    """A few test samples: rgb (N, H, W, 3) uint8, labels (N, H, W), one prediction (N, H, W) a model."""

    sample_ids: tuple[str, ...]
    rgb: UInt8
    labels: UInt8
    predictions: Mapping[str, UInt8]


@dataclass(frozen=True)
class ForeignTest:
    """One model on one benchmark: its evaluation.json, and what differs from its training data (None if unknown)."""

    benchmark: str
    model: str
    evaluation: Json
    shift: tuple[Json, ...] | None
    panels: Panels | None


@dataclass(frozen=True)
class Checkpoint:
    """One trained model: its model.json and, where it was trained epoch by epoch, its history.json."""

    model: Json
    history: Json | None = None


@dataclass(frozen=True)
class MapProduct:
    """The map of one cube: map.json, thinned class and confidence rasters, parcels with their vote."""

    info: Json
    class_map: Raster
    confidence: Raster
    parcels: pd.DataFrame | None = None


@dataclass(frozen=True)
class FinishedRun:
    """An evaluated run folder, for comparisons.

    Attributes:
        title: name of the experiment and of the folder.
        counts: `blocks` (n_blocks,) ids, and `<model or baseline>/<protocol>` counts (n_blocks, K, K).
    """

    folder: Path
    title: str
    experiment: Json
    manifest: Json
    evaluation: Json
    counts: Mapping[str, AnyArray]


@dataclass(frozen=True)
class Scenarios:
    """One data set under the splits of several scenarios.

    Attributes:
        signatures: what a few of its samples look like.
        splits, audits: by the name of the scenario.
    """

    classes: tuple[ClassInfo, ...]
    signatures: Signatures
    splits: Mapping[str, Split]
    audits: Mapping[str, Json]


@dataclass(frozen=True)
class RunData:
    """Everything that one report says.

    Attributes:
        parcels: `tally`, `crs`, `area_ha` and, where known, `country`, `year`, `source`, `coverage`; further notes of
            the reader are shown as they are.
        taxonomy: its name, title and classes.
        crops: class_name, crop (as declared), n, area_ha; largest first.
        scenes: scene records as `bocage scenes search` prints them.
        cubes: folder name -> cube.json.
        labels: folder name -> thinned class raster.
        dataset: the info record of the data set.
        manifest: one row a sample.
        signatures: what a few of the samples look like.
        provenance: flat names -> values (version, python, commit, seed, …).
        title: heading of the page; None for the name.
        embedding: whether samples are drawn by likeness.
    """

    name: str
    experiment: str = ""
    stages: tuple[Stage, ...] = ()
    parcels: Json | None = None
    audit: Json | None = None
    taxonomy: Json | None = None
    crops: pd.DataFrame | None = None
    scenes: tuple[Json, ...] = ()
    scenes_tally: Tally | None = None
    cubes: Mapping[str, Json] = field(default_factory=dict)
    labels: Mapping[str, Raster] = field(default_factory=dict)
    dataset: DatasetInfo | None = None
    manifest: pd.DataFrame | None = None
    signatures: Signatures | None = None
    split: Split | None = None
    split_audit: Json | None = None
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    evaluation: Json | None = None
    panels: Panels | None = None
    benchmarks: tuple[ForeignTest, ...] = ()
    maps: Mapping[str, MapProduct] = field(default_factory=dict)
    provenance: Json = field(default_factory=dict)
    title: str | None = None
    embedding: bool = True

    @property
    def classes(self) -> tuple[ClassInfo, ...]:
        """The classes by id, background first; none before there is a data set."""
        return self.dataset.classes if self.dataset else ()

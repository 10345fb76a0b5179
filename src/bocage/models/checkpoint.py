"""A trained model in a folder, and back as a Predictor. IO: `model.json` beside one file of weights.

`model.json` says everything needed to use the model; the weights are safetensors (networks), skops (forests) or
XGBoost's own binary JSON (boosted trees), never a pickle. The weights stand under their name before `model.json` does,
so a folder with a `model.json` is whole.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from sklearn.ensemble import RandomForestClassifier
from skops.io import dump, get_untrusted_types, load
from torch import Tensor, nn
from xgboost import Booster
from xgboost.core import XGBoostError

from bocage.core.artifacts import read_json, replacing, write_bytes, write_json
from bocage.core.digest import digest_file
from bocage.core.errors import ConfigError, CorruptFile, MissingFile
from bocage.models.networks.predictor import NetworkPredictor, Precision
from bocage.models.predictor import Predictor
from bocage.models.trees.predictor import BoosterPredictor, ForestPredictor
from bocage.models.wrap import BandStatistics, Standardized
from bocage.models.zoo import MODELS, BoosterKind, ForestKind, NetworkKind

FORMAT, VERSION = "bocage-checkpoint", 1
RECORD, NETWORK_FILE, FOREST_FILE, BOOSTER_FILE = "model.json", "weights.safetensors", "forest.skops", "trees.ubj"
TRUSTED_TYPES = frozenset({"sklearn.tree._tree.Tree"})  # beyond what skops trusts by itself; nothing else is loaded


@dataclass(frozen=True)
class ModelRecord:
    """`model.json` without the part about the file of weights.

    Attributes:
        name: what the experiment calls the model.
        kind: its entry in the zoo.
        options: the kind's options, resolved.
        classes: one {id, name, color, title} a class, in the order of ids, background first.
        bands: names, in the order the model takes them.
        n_dates: dates it takes, None for any number.
        preprocessing: how its reflectance was made, copied from the data set.
        statistics: of the training part, if the model takes standardized bands.
        n_parameters: trainable ones; None for trees.
        training: what is worth knowing about the training (seed, best epoch, …).
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    classes: tuple[Mapping[str, Any], ...]
    bands: tuple[str, ...]
    n_dates: int | None
    preprocessing: Mapping[str, Any]
    statistics: BandStatistics | None
    n_parameters: int | None
    training: Mapping[str, Any]

    def __post_init__(self) -> None:
        ids = [c.get("id") for c in self.classes]
        if ids != list(range(len(ids))):
            raise ConfigError(f"class ids of model '{self.name}' must be 0, 1, 2, … in order, got {ids}")
        known = (*self.statistics.mean, *self.statistics.std) if self.statistics else None
        if known is not None and len(known) != 2 * len(self.bands):
            raise ConfigError(f"statistics of model '{self.name}' are not a mean and a std for each of {self.bands}")

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(str(c["name"]) for c in self.classes)


_RECORDS = TypeAdapter(ModelRecord)


def save_tensors(tensors: Mapping[str, Tensor], path: Path, *, notes: Mapping[str, str] | None = None) -> None:
    """Write named tensors as safetensors, whole or not at all."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(plain, temporary, metadata=dict(notes or {}))


def save_forest(forest: RandomForestClassifier, path: Path) -> None:
    """Write a fitted forest with skops, whole or not at all."""
    with replacing(path) as temporary:
        dump(forest, temporary, compression=zipfile.ZIP_DEFLATED, compresslevel=1)


def save_booster(booster: Booster, path: Path) -> None:
    """Write boosted trees in XGBoost's binary JSON, whole or not at all."""
    write_bytes(path, booster.save_raw("ubj"))


def weights_file(kind: NetworkKind | ForestKind | BoosterKind) -> str:
    """What the file of weights of such a model is called."""
    if isinstance(kind, NetworkKind):
        return NETWORK_FILE
    return FOREST_FILE if isinstance(kind, ForestKind) else BOOSTER_FILE


def write_record(folder: Path, record: ModelRecord) -> None:
    """Write `model.json` beside the weights that already stand in the folder; this completes a checkpoint."""
    weights = folder / weights_file(MODELS[record.kind])
    about = {
        "format": FORMAT,
        "format_version": VERSION,
        **asdict(record),
        "weights": {"file": weights.name, "bytes": weights.stat().st_size, "sha256": digest_file(weights)},
    }
    write_json(folder / RECORD, about)


def read_record(folder: Path) -> ModelRecord:
    """Read `model.json` and check the file of weights beside it.

    Raises:
        MissingFile: if the folder is not a checkpoint.
        CorruptFile: if `model.json` is unreadable, or of another format or version, or misstates something, or if the
            weights differ from what it says.
        UnknownName: if the kind of model is not in the zoo.
    """
    path = folder / RECORD
    if not path.is_file():
        raise MissingFile(f"{folder} is not a checkpoint: it has no {RECORD}. Give the folder of one trained model.")
    about = read_json(path)
    found = (about.get("format"), about.get("format_version")) if isinstance(about, dict) else (None, None)
    if found != (FORMAT, VERSION):
        raise CorruptFile(f"{path} has format {found}, this bocage reads {(FORMAT, VERSION)}. Train the model again.")
    try:
        record: ModelRecord = _RECORDS.validate_python({k: about[k] for k in ModelRecord.__dataclass_fields__})
        MODELS[record.kind].options.model_validate(record.options)
        weights = about["weights"]
        _check_weights(folder / weights["file"], weights["bytes"], weights["sha256"])
    except (KeyError, TypeError) as error:
        raise CorruptFile(f"{path} lacks or misstates {error}. Train the model again.") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise CorruptFile(
            f"{path} misstates {wrong}. It was changed, or written by another version of bocage. Train the model again."
        ) from error
    return record


def _check_weights(path: Path, n_bytes: int, sha256: str) -> None:
    if not path.is_file():
        raise MissingFile(f"{path} is missing; {RECORD} beside it names it. Copy the whole checkpoint folder.")
    found = path.stat().st_size
    if found != n_bytes or digest_file(path) != sha256:
        raise CorruptFile(
            f"{path} has {found} bytes and is not the {n_bytes} bytes that {RECORD} describes. Copy again."
        )


def load_predictor(folder: Path, *, device: str = "cpu", precision: Precision = "fp32") -> Predictor:
    """A checkpoint folder as a Predictor; `device` and `precision` concern networks only.

    Raises:
        MissingFile, CorruptFile, UnknownName: see `read_record`; CorruptFile also if the weights do not fit the kind.
    """
    record = read_record(folder)
    kind = MODELS[record.kind]
    if isinstance(kind, ForestKind):
        predictor = _forest_predictor(folder / FOREST_FILE, record, kind)
    elif isinstance(kind, BoosterKind):
        predictor = _load_booster(folder / BOOSTER_FILE, record, kind)
    else:
        predictor = _network_predictor(folder, record, kind, device=device, precision=precision)
    return Standardized(predictor, record.statistics) if record.statistics else predictor


def load_network(folder: Path, record: ModelRecord, kind: NetworkKind) -> nn.Module:
    """The network of a checkpoint with its weights, on the CPU.

    Raises:
        CorruptFile: if the weights do not fit the kind.
    """
    path = folder / NETWORK_FILE
    options = kind.options.model_validate(record.options)
    with torch.device("meta"):
        network = kind.build(options, len(record.bands), record.n_dates or 1, len(record.classes))
    try:
        network.load_state_dict(load_file(path), assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise CorruptFile(
            f"{path} does not hold the weights of a '{record.kind}' as {RECORD} describes it: {error}"
        ) from error
    return network


def _network_predictor(
    folder: Path, record: ModelRecord, kind: NetworkKind, *, device: str, precision: Precision
) -> Predictor:
    return NetworkPredictor(
        load_network(folder, record, kind),
        bands=record.bands,
        class_names=record.class_names,
        n_dates=record.n_dates,
        size_multiple=kind.size_multiple,
        reach_px=0 if kind.learns_from == "pixels" else None,
        device=device,
        precision=precision,
    )


def _forest_predictor(path: Path, record: ModelRecord, kind: ForestKind) -> Predictor:
    features = kind.features(kind.options.model_validate(record.options), record.bands)
    forest = load_forest(path)
    _check_features(path, forest.n_features_in_, features.count(record.n_dates or 1))
    _check_classes(path, int(forest.classes_.max()) + 1 <= len(record.classes), record)
    return ForestPredictor(forest, features, class_names=record.class_names, n_dates=record.n_dates)


def load_forest(path: Path) -> RandomForestClassifier:
    """What `save_forest` wrote, to run on all CPUs; nothing but a forest is loaded.

    Raises:
        CorruptFile: if the file holds anything else.
    """
    try:
        foreign = set(get_untrusted_types(file=path)) - TRUSTED_TYPES
        if foreign:
            raise CorruptFile(f"{path} holds {', '.join(sorted(foreign))}, which no forest of ours holds. Not loaded.")
        forest = load(path, trusted=sorted(TRUSTED_TYPES))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise CorruptFile(f"{path} is not a forest written by bocage: {error}") from error
    if not isinstance(forest, RandomForestClassifier):
        raise CorruptFile(f"{path} holds a {type(forest).__name__}, not a forest")
    forest.n_jobs = -1
    return forest


def _load_booster(path: Path, record: ModelRecord, kind: BoosterKind) -> Predictor:
    features = kind.features(kind.options.model_validate(record.options), record.bands)
    booster = Booster()
    try:
        booster.load_model(path)
    except XGBoostError as error:
        raise CorruptFile(f"{path} is not a file of boosted trees: {str(error).splitlines()[0]}") from error
    _check_features(path, booster.num_features(), features.count(record.n_dates or 1))
    about = json.loads(booster.save_config())["learner"]["learner_model_param"]
    _check_classes(path, int(about["num_class"]) == len(record.classes), record)
    return BoosterPredictor(booster, features, class_names=record.class_names, n_dates=record.n_dates)


def _check_features(path: Path, found: int, described: int) -> None:
    if found != described:
        raise CorruptFile(f"{path} takes {found} features, {RECORD} describes {described}")


def _check_classes(path: Path, fits: bool, record: ModelRecord) -> None:
    if not fits:
        raise CorruptFile(f"{path} tells other classes apart than the {len(record.classes)} of {RECORD}")

"""The training loop of networks. Reads samples; writes weights and resumable state into the checkpoint folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bocage.core.arrays import Float32, UInt8
from bocage.core.errors import CorruptFile, DataError
from bocage.core.progress import Bar, bar
from bocage.core.seeds import generator, sub_seed
from bocage.datasets.loader import Batch, batches
from bocage.datasets.manifest import pixel_columns
from bocage.datasets.read import Dataset
from bocage.metrics.confusion import confusion
from bocage.metrics.scores import score_arrays
from bocage.models.checkpoint import NETWORK_FILE, save_tensors
from bocage.models.networks.initialize import initialize
from bocage.models.networks.predictor import arrange, logits
from bocage.models.options import ModelOptions
from bocage.models.wrap import BandStatistics, BandStatisticsCounter, standardize
from bocage.models.zoo import NetworkKind
from bocage.training.balance import patch_shares
from bocage.training.history import Epoch, best_epoch, is_finished
from bocage.training.losses import LossSums, loss_sums
from bocage.training.options import TrainingOptions
from bocage.training.parts import Part
from bocage.training.prepare import drop_dates, only_parcels, pick_patch_pixels
from bocage.training.schedule import learning_rate
from bocage.training.state_store import STATE_FILE, read_notes, read_state, write_state

OnEpoch = Callable[[Epoch], None]


@dataclass(frozen=True)
class Task:
    """What is learnt: the samples of two parts, their targets, and how the loss weighs the classes."""

    dataset: Dataset
    train: Part
    val: Part
    relabel: Mapping[int, int] | None
    class_weights: Float32
    statistics: BandStatistics | None


def train_network(
    task: Task,
    kind: NetworkKind,
    model: ModelOptions,
    options: TrainingOptions,
    *,
    n_dates: int,
    seed: int,
    folder: Path,
    fingerprint: str,
    on_epoch: OnEpoch | None = None,
) -> tuple[nn.Module, list[Epoch]]:
    """Train until `options` say stop; the weights of the epoch with the lowest validation loss stand in `folder`.

    After each epoch everything needed to go on is saved; a state with another `fingerprint` is started over. Everything
    random comes from `seed` and the number of the epoch, so a run that was killed ends as one that was not (on CPU).

    Returns:
        The network with its last weights, and its history.
    """
    device = _device(options)
    info = task.dataset.info
    n_samples = len(task.train.sample_ids) + len(task.val.sample_ids)
    with (
        _own_randomness(device),
        _threads(options.threads),
        bar(f"Training {model.name}", options.epochs * n_samples, unit="samples") as shown,
    ):
        network = kind.build(model.options, len(info.bands), n_dates, len(info.classes))
        initialize(network, sub_seed(seed, "weights"))
        network = arrange(network, device=device, precision=options.precision)
        optimizer = _optimizer(network, options)
        history = _resume(folder / STATE_FILE, network, optimizer, fingerprint)
        shown.advance(len(history) * n_samples)
        step = _Step(task, network, options, kind, device)

        while not is_finished(history, epochs=options.epochs, patience=options.patience):
            epoch, start = len(history) + 1, time.perf_counter()
            rate = learning_rate(options, [e.val_loss for e in history])
            for parameters in optimizer.param_groups:
                parameters["lr"] = rate

            network.train()
            torch.manual_seed(sub_seed(seed, "dropout", epoch))
            train_loss = 0.0
            rng = generator(seed, "steps", epoch)
            for together in _groups(_train_batches(task, kind, options, seed, epoch), options.accumulate):
                optimizer.zero_grad(set_to_none=True)
                for batch in together:
                    loss = _loss(step(drop_dates(batch, options.drop_dates, rng), rng)[0], options)
                    (loss / len(together)).backward()  # type: ignore[no-untyped-call]
                    train_loss += float(loss.detach()) * len(batch.sample_ids) / len(task.train.sample_ids)
                    shown.advance(len(batch.sample_ids))
                if options.clip_norm is not None:
                    nn.utils.clip_grad_norm_(network.parameters(), options.clip_norm)
                optimizer.step()

            network.eval()
            val_loss, scores = _validate(task, kind, step, options, generator(seed, "val pixels"), shown)
            _check_finite(model.name, epoch, train_loss, val_loss, rate)
            seconds = time.perf_counter() - start
            history.append(
                Epoch(epoch, train_loss, val_loss, *scores, rate, round(seconds, 3), round(n_samples / seconds, 2))
            )
            if best_epoch(history) == epoch:
                save_tensors(network.state_dict(), folder / NETWORK_FILE)
            notes = {"fingerprint": fingerprint, "history": [asdict(e) for e in history]}
            write_state(folder / STATE_FILE, network, optimizer, notes)
            shown.advance(0, note=f"epoch {epoch}: val loss {val_loss:.3f}, mIoU {scores[0]:.3f}")
            if on_epoch:
                on_epoch(history[-1])
    return network, history


def _optimizer(network: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay, fused=True)


def _loss(sums: LossSums, options: TrainingOptions) -> Tensor:
    return sums.nll() if options.loss == "parcel_nll" else sums.total(options.dice_weight)


def _groups(items: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    while together := list(islice(items, size)):
        yield together


class _Step:
    """Batch -> logits -> loss sums, with the pixels, the precision and the standardization that were asked for."""

    def __init__(
        self, task: Task, network: nn.Module, options: TrainingOptions, kind: NetworkKind, device: str
    ) -> None:
        self._network, self._size_multiple, self._device = network, kind.size_multiple, device
        self._bf16, self._statistics = options.precision == "bf16", task.statistics
        self._n_pixels = options.pixels_per_patch if kind.learns_from == "pixels" else None
        self._only_parcels = options.loss == "parcel_nll"
        self._weights = torch.from_numpy(task.class_weights).to(device)

    def __call__(self, batch: Batch, rng: np.random.Generator) -> tuple[LossSums, Tensor, Tensor]:
        """The sums of one batch, its logits (B, K, H, W) float32 and its labels; B·n pixels for a network on pixels."""
        if self._only_parcels:
            batch = only_parcels(batch)
        if self._n_pixels is not None:
            batch = pick_patch_pixels(batch, self._n_pixels, rng)
        image = batch.image
        if self._statistics:
            image = torch.from_numpy(standardize(image.numpy(), batch.valid.numpy(), self._statistics))
        image, valid, days, labels = (t.to(self._device) for t in (image, batch.valid, batch.days, batch.labels))
        with torch.autocast(self._device, torch.bfloat16, enabled=self._bf16):
            output = logits(self._network, image, valid, days, size_multiple=self._size_multiple)
        output = output.float()
        return loss_sums(output, labels, self._weights), output, batch.labels


def _train_batches(task: Task, kind: NetworkKind, options: TrainingOptions, seed: int, epoch: int) -> Iterator[Batch]:
    ids = task.train.sample_ids
    if options.sampling == "class_balanced":
        counts = task.dataset.manifest.set_index("sample_id").loc[list(ids)]
        shares = patch_shares(counts[pixel_columns(len(task.dataset.info.classes))[:-1]].to_numpy(np.int64))
        ids = tuple(map(str, generator(seed, "patches", epoch).choice(ids, len(ids), p=shares)))
    return batches(
        task.dataset,
        ids,
        batch_size=options.batch_size,
        rng=generator(seed, "batches", epoch),
        shuffle=True,
        augment=options.augment,
        hidden_parcels=task.train.hidden,
        relabel=task.relabel,
        pad_dates=kind.dates == "variable",
    )


@torch.inference_mode()
def _validate(
    task: Task,
    kind: NetworkKind,
    step: _Step,
    options: TrainingOptions,
    rng: np.random.Generator,
    shown: Bar,
) -> tuple[float, tuple[float, float, float]]:
    """Loss over the whole val part (or some pixels of each patch); mIoU, foreground mIoU, pixel accuracy."""
    n_classes = len(task.dataset.info.classes)
    sums: LossSums | None = None
    matrix = np.zeros((n_classes, n_classes), np.int64)
    for batch in batches(
        task.dataset,
        task.val.sample_ids,
        batch_size=options.batch_size,
        hidden_parcels=task.val.hidden,
        relabel=task.relabel,
        pad_dates=kind.dates == "variable",
    ):
        added, output, labels = step(batch, rng)
        sums = added.detach() if sums is None else sums + added.detach()
        predicted: UInt8 = output.argmax(1).to(torch.uint8).cpu().numpy()
        matrix += confusion(labels.numpy(), predicted, n_classes)
        shown.advance(len(batch.sample_ids))
    scores = score_arrays(matrix)
    assert sums is not None  # a part is never empty
    return float(_loss(sums, options)), (
        float(scores["miou"]),
        float(scores["miou_foreground"]),
        float(scores["pixel_accuracy"]),
    )


def count_band_statistics(dataset: Dataset, part: Part) -> BandStatistics:
    """Mean and deviation of each band over the valid pixels of a part."""
    counter = BandStatisticsCounter(len(dataset.info.bands))
    for sample_id in part.sample_ids:
        sample = dataset.read(sample_id)
        counter.add(sample.image, sample.valid)
    return counter.result()


def _resume(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, fingerprint: str) -> list[Epoch]:
    """The history so far, with network and optimiser as they were after it; empty for a fresh start."""
    notes = read_notes(path)
    if notes is None or notes.get("fingerprint") != fingerprint:
        return []
    try:
        history = [Epoch(**e) for e in notes["history"]]
    except (KeyError, TypeError) as error:
        raise CorruptFile(
            f"{path} is of another version ({error}). Delete it; the training then starts over."
        ) from error
    read_state(path, network, optimizer)
    return history


def _device(options: TrainingOptions) -> str:
    if options.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return options.device


def _check_finite(name: str, epoch: int, train_loss: float, val_loss: float, rate: float) -> None:
    if not np.isfinite([train_loss, val_loss]).all():
        raise DataError(
            f"The training of '{name}' diverged in epoch {epoch}: train loss {train_loss}, val loss {val_loss}, "
            f"learning rate {rate:g}. Lower training.learning_rate."
        )


@contextmanager
def _own_randomness(device: str) -> Iterator[None]:
    """Leave torch's global generators as they were."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if device == "cuda" else []):
        yield


@contextmanager
def _threads(threads: int | None) -> Iterator[None]:
    """That many CPU threads inside, as many as before outside."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)

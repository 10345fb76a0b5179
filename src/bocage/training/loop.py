"""The training loop of networks. Reads samples; writes weights and resumable state into the checkpoint folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bocage.core.arrays import Float32, UInt8
from bocage.core.artifacts import write_text
from bocage.core.errors import CorruptFile, DataError
from bocage.core.progress import Bar, bar
from bocage.core.seeds import generator, sub_seed
from bocage.datasets.loader import Batch, batches
from bocage.datasets.read import Dataset
from bocage.metrics.confusion import confusion
from bocage.metrics.scores import score_arrays
from bocage.models.checkpoint import NETWORK_FILE, save_tensors
from bocage.models.networks.initialize import initialize
from bocage.models.networks.predictor import arrange, computing_in, logits
from bocage.models.options import ModelOptions
from bocage.models.wrap import BandStatistics, BandStatisticsCounter, standardize
from bocage.models.zoo import NetworkKind
from bocage.training.balance import balanced_shares
from bocage.training.crew import Crew, crew
from bocage.training.hierarchy import ClassTree
from bocage.training.history import Epoch, best_epoch, is_finished, to_lines
from bocage.training.losses import Levels, LossSums, loss_sums, no_sums
from bocage.training.options import TrainingOptions
from bocage.training.parts import Part
from bocage.training.prepare import drop_dates, only_parcels, pick_patch_pixels
from bocage.training.schedule import learning_rate
from bocage.training.state_store import STATE_FILE, read_notes, read_state, write_state
from bocage.training.write_board import board

LINES = "history.jsonl"  # one line an epoch, while it trains

OnEpoch = Callable[[Epoch], None]


@dataclass(frozen=True)
class Task:
    """What is learnt: the samples of two parts, their targets, and how the loss weighs the classes."""

    dataset: Dataset
    train: Part
    val: Part
    relabel: Mapping[int, int] | None
    class_weights: Float32
    tree: ClassTree | None
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
    device = pick_device(options)
    info = task.dataset.info
    n_samples = len(task.train.sample_ids) + len(task.val.sample_ids)
    with (
        _own_randomness(device),
        _threads(options.threads),
        _memory_advice(options),
        crew(device) as together,
        board(folder, writes=together.writes) as draw,
        bar(f"Training {model.name}", options.epochs * n_samples, unit="samples") as shown,
    ):
        network = kind.build(model.options, len(info.bands), n_dates, len(info.classes))
        initialize(network, sub_seed(seed, "weights"))
        network = arrange(network, device=device)
        optimizer = _optimizer(network, options)
        scaler = torch.amp.GradScaler(device, enabled=options.precision == "fp16")  # small gradients are 0 in fp16
        history = _resume(folder / STATE_FILE, network, optimizer, scaler, fingerprint)
        shown.advance(len(history) * n_samples)
        stepped = together.share(network)
        if options.compile:
            stepped.compile()
        step = _Step(task, stepped, options, kind, device, together)

        while not is_finished(history, epochs=options.epochs, patience=options.patience):
            epoch, start = len(history) + 1, time.perf_counter()
            rate = learning_rate(options, [e.val_loss for e in history])
            for parameters in optimizer.param_groups:
                parameters["lr"] = rate

            network.train()
            names = (epoch, together.rank) if together.rank else (epoch,)
            torch.manual_seed(sub_seed(seed, "dropout", *names))
            train_loss = torch.zeros((), dtype=torch.float64)
            rng = generator(seed, "steps", *names)
            loading = _Waiting(_train_batches(task, kind, options, seed, epoch, together))
            for group in _groups(loading, options.accumulate):
                optimizer.zero_grad(set_to_none=True)
                for batch in group:
                    loss = _loss(step(drop_dates(batch, options.drop_dates, rng), rng)[0], options)
                    scaler.scale(loss / len(group)).backward()  # type: ignore[no-untyped-call]
                    train_loss += float(loss.detach()) * len(batch.sample_ids) / len(task.train.sample_ids)
                    shown.advance(together.size * len(batch.sample_ids))
                if options.clip_norm is not None:
                    scaler.unscale_(optimizer)
                    nn.utils.clip_grad_norm_(network.parameters(), options.clip_norm)
                scaler.step(optimizer)
                scaler.update()

            network.eval()
            checking = _Waiting(_val_batches(task, kind, options, together))
            val_loss, scores = _validate(task, checking, step, options, generator(seed, "val pixels"), shown)
            mean_loss = float(together.total(train_loss.to(device)))
            _check_finite(model.name, epoch, mean_loss, val_loss, rate)
            seconds = time.perf_counter() - start
            waited = (loading.seconds + checking.seconds) / seconds
            clock = (round(seconds, 3), round(n_samples / seconds, 2), round(waited, 4))
            history.append(Epoch(epoch, mean_loss, val_loss, *scores, rate, *clock))
            if together.writes:
                if best_epoch(history) == epoch:
                    save_tensors(network.state_dict(), folder / NETWORK_FILE)
                notes = {
                    "fingerprint": fingerprint,
                    "history": [asdict(e) for e in history],
                    "scaler": scaler.state_dict(),
                }
                write_state(folder / STATE_FILE, network, optimizer, notes)
                write_text(folder / LINES, to_lines(history))
                draw(history[-1])
            shown.advance(0, note=f"epoch {epoch}: val loss {val_loss:.3f}, mIoU {scores[0]:.3f}, {waited:.0%} waiting")
            if on_epoch:
                on_epoch(history[-1])
    return network, history


def _optimizer(network: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay, fused=True)


def _loss(sums: LossSums, options: TrainingOptions) -> Tensor:
    return sums.nll() if options.loss == "parcel_nll" else sums.total(options.dice_weight)


def _groups(items: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group


class _Waiting:
    """Batches, and the `seconds` that were waited for them."""

    def __init__(self, items: Iterator[Batch]) -> None:
        self._items, self.seconds = items, 0.0

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        start = time.perf_counter()
        try:
            return next(self._items)
        finally:
            self.seconds += time.perf_counter() - start


class _Step:
    """Batch -> logits -> loss sums, with the pixels, the precision and the standardization that were asked for."""

    def __init__(
        self,
        task: Task,
        network: nn.Module,
        options: TrainingOptions,
        kind: NetworkKind,
        device: str,
        together: Crew,
    ) -> None:
        self._network, self._size_multiple, self.device = network, kind.size_multiple, device
        self.crew = together
        self._precision, self._statistics = options.precision, task.statistics
        self._n_pixels = options.pixels_per_patch if kind.learns_from == "pixels" else None
        self._only_parcels = options.loss == "parcel_nll"
        self._weights = torch.from_numpy(task.class_weights).to(device)
        self._levels = Levels.of(task.tree, device) if task.tree else None

    def __call__(self, batch: Batch, rng: np.random.Generator) -> tuple[LossSums, Tensor, Tensor]:
        """The sums of one batch, its logits (B, K, H, W) float32 and its labels; B·n pixels for a network on pixels."""
        if self._only_parcels:
            batch = only_parcels(batch)
        if self._n_pixels is not None:
            batch = pick_patch_pixels(batch, self._n_pixels, rng)
        image = batch.image
        if self._statistics:
            image = torch.from_numpy(standardize(image.numpy(), batch.valid.numpy(), self._statistics))
        image, valid, days, labels = (t.to(self.device) for t in (image, batch.valid, batch.days, batch.labels))
        with computing_in(self._precision, self.device):
            output = logits(self._network, image, valid, days, size_multiple=self._size_multiple)
        output = output.float()
        sums = loss_sums(output, labels, self._weights, self._levels)
        if torch.is_grad_enabled():
            sums = sums.over(self.crew.total)  # a validation sums up at its end
        return sums, output, batch.labels


def _train_batches(
    task: Task, kind: NetworkKind, options: TrainingOptions, seed: int, epoch: int, together: Crew
) -> Iterator[Batch]:
    ids = task.train.sample_ids
    if options.sampling != "all":
        patches = task.dataset.manifest.set_index("sample_id").loc[list(ids)]
        shares = balanced_shares(patches, options.sampling, len(task.dataset.info.classes))
        ids = tuple(map(str, generator(seed, "patches", epoch).choice(ids, len(ids), p=shares)))
    return batches(
        task.dataset,
        ids,
        batch_size=options.batch_size * together.size,
        share=(together.rank, together.size),
        rng=generator(seed, "batches", epoch),
        shuffle=True,
        augment=options.augment,
        hidden_parcels=task.train.hidden,
        relabel=task.relabel,
        pad_dates=kind.dates == "variable",
    )


def _val_batches(task: Task, kind: NetworkKind, options: TrainingOptions, together: Crew) -> Iterator[Batch]:
    return batches(
        task.dataset,
        task.val.sample_ids[together.rank :: together.size],
        batch_size=options.batch_size,
        hidden_parcels=task.val.hidden,
        relabel=task.relabel,
        pad_dates=kind.dates == "variable",
    )


@torch.no_grad()
def _validate(
    task: Task,
    loading: Iterable[Batch],
    step: _Step,
    options: TrainingOptions,
    rng: np.random.Generator,
    shown: Bar,
) -> tuple[float, tuple[float, float, float]]:
    """Loss over the whole val part (or some pixels of each patch); mIoU, foreground mIoU, pixel accuracy."""
    n_classes = len(task.dataset.info.classes)
    sums = no_sums(n_classes, step.device)
    matrix = np.zeros((n_classes, n_classes), np.int64)
    for batch in loading:
        added, output, labels = step(batch, rng)
        sums = sums + added.detach()
        predicted: UInt8 = output.argmax(1).to(torch.uint8).cpu().numpy()
        matrix += confusion(labels.numpy(), predicted, n_classes)
        shown.advance(step.crew.size * len(batch.sample_ids))
    sums = sums.over(step.crew.total)
    if task.tree is not None:
        matrix[~task.tree.taught[-1]] = 0  # of a pixel that is known to a group only, no class is right or wrong
    scores = score_arrays(step.crew.total(torch.from_numpy(matrix).to(step.device)).cpu().numpy())
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


def _resume(
    path: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    fingerprint: str,
) -> list[Epoch]:
    """The history so far, with network, optimiser and scaler as they were after it; empty for a fresh start."""
    notes = read_notes(path)
    if notes is None or notes.get("fingerprint") != fingerprint:
        return []
    try:
        history = [Epoch(**e) for e in notes["history"]]
        scaler.load_state_dict(notes["scaler"])
    except (KeyError, TypeError) as error:
        raise CorruptFile(
            f"{path} is of another version ({error}). Delete it; the training then starts over."
        ) from error
    read_state(path, network, optimizer)
    return history


def pick_device(options: TrainingOptions) -> str:
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
def _memory_advice(options: TrainingOptions) -> Iterator[None]:
    """Say what to do when memory does not suffice."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        precision = ", training.precision: bf16" if options.precision == "fp32" else ""
        raise DataError(
            f"Out of memory with training.batch_size {options.batch_size} ({str(error).splitlines()[0]}). Set a "
            "smaller batch_size and as much more training.accumulate (the same step with less memory), a smaller "
            f"patches.size_px{precision}, or a narrower model."
        ) from error


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

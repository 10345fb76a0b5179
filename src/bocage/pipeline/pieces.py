"""The pieces of a stage, one a region and tile: each an artifact of its own, made here or on a Dask cluster. IO.

So a stage that is killed, or that gets one region more, makes only the pieces that are not there yet. A piece is made
by one process at a time, and a worker process makes one piece at a time, so that its memory is that of one piece.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bocage.core.artifacts import Artifact, ArtifactStore, Draft
from bocage.core.errors import ConfigError, SourceError
from bocage.core.tally import Tally
from bocage.experiment.workers import DaskWorkers
from bocage.pipeline.run import Context

_ONE_AT_A_TIME = threading.Lock()  # of the pieces of one process


@dataclass(frozen=True)
class Piece:
    """One piece. It travels to other processes, so `build` is a module's function or a `partial` of one.

    Attributes:
        name: of the region and tile.
        stage, version, options, inputs: make the key, as of a stage.
        build: does the work in a folder with a number of threads.
        resume: True if a killed build's half is picked up.
    """

    name: str
    stage: str
    version: int
    options: Any
    build: Callable[[Path, int], Tally | None]
    inputs: Mapping[str, str] = field(default_factory=dict)
    resume: bool = False

    @property
    def key(self) -> str:
        return ArtifactStore.key(self.stage, self.version, self.options, self.inputs)


def run_pieces(context: Context, pieces: Sequence[Piece]) -> list[Artifact]:
    """The artifacts of all pieces, in their order; an event for each that is finished.

    Raises:
        ConfigError: if the cluster cannot be reached.
        SourceError: if workers die again and again over one piece; it is named.
    """
    workers, store = context.experiment.workers, context.store
    if isinstance(workers, DaskWorkers):
        made = _on_cluster(store.root, pieces, workers.address)
    else:
        made = ((piece, make_piece(store.root, piece, context.workers)) for piece in pieces)
    for piece, cached in made:
        context.event("piece done", stage=piece.stage, name=piece.name, cached=cached)
    found = [store.find(piece.stage, piece.key) for piece in pieces]
    lost = [piece.name for piece, artifact in zip(pieces, found, strict=True) if artifact is None]
    if lost:
        raise SourceError(
            f"{pieces[0].stage}: {', '.join(lost)}: made, but not in {store.root}. "
            "Let the workers see the same store: set BOCAGE_CACHE to a folder that all share."
        )
    return [artifact for artifact in found if artifact is not None]


def make_piece(root: Path, piece: Piece, threads: int | None) -> bool:
    """Make one piece unless it stands in the store; returns whether it did.

    Args:
        root: of the artifact store.
        threads: CPU threads to use; None for those of the Dask worker that runs this.
    """
    store = ArtifactStore(root)
    with _ONE_AT_A_TIME, store.lock(piece.stage, piece.key):
        if store.find(piece.stage, piece.key) is not None:
            return True
        about = {"name": piece.name, "version": piece.version, "inputs": dict(piece.inputs)}
        with store.write(piece.stage, piece.key, about=about, resume=piece.resume) as draft:
            draft.tally = piece.build(draft.path, threads or _threads_of_worker())
    return False


def link_pieces(draft: Draft, pieces: Sequence[Piece], made: Sequence[Artifact]) -> None:
    """Show each piece under its name in a stage's draft, and note its key; the tallies, if any, are added up."""
    for piece, artifact in zip(pieces, made, strict=True):
        draft.adopt(artifact, piece.name)
    draft.notes = {"pieces": {piece.name: piece.key for piece in pieces}}
    tallies = [a.tally for a in made if a.tally]
    draft.tally = sum(tallies, Tally()) if tallies else None


def piece_keys(stage: Artifact) -> dict[str, str]:
    """Name → key of the pieces that a stage's artifact was linked from."""
    return dict(stage.record["notes"]["pieces"])


def _on_cluster(root: Path, pieces: Sequence[Piece], address: str) -> Iterator[tuple[Piece, bool]]:
    """Pieces as they are finished. The scheduler gives the piece of a worker that died to another one."""
    try:
        from distributed import Client, KilledWorker, as_completed
    except ModuleNotFoundError:
        raise ConfigError(
            "workers.kind is dask, but distributed is not installed: pip install 'bocage[dask]'."
        ) from None
    try:
        client: Any = Client(address, timeout="10s", set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as error:
        raise ConfigError(f"workers.address: no Dask scheduler answers at {address} ({error}). Start one.") from error
    with client:
        tasks = {_submit(client, root, piece): piece for piece in pieces}
        try:
            for task in as_completed(list(tasks), loop=client.loop):  # type: ignore[no-untyped-call]
                yield tasks[task], task.result()
        except KilledWorker as error:
            lost = [f"{p.stage} {p.name}" for task, p in tasks.items() if task.key == error.task]
            raise SourceError(
                f"{', '.join(lost)}: several workers died over it, so it was given up. Mostly memory is short; "
                "see the scheduler's log. Finished pieces are kept: run the same command again."
            ) from error
        finally:
            client.cancel(list(tasks))


def _submit(client: Any, root: Path, piece: Piece) -> Any:
    return client.submit(make_piece, root, piece, None, key=f"{piece.stage}-{piece.name}-{piece.key}", pure=False)


def _threads_of_worker() -> int:
    from distributed import get_worker

    return int(get_worker().state.nthreads)

"""Scenes -> files on disk, several at once, resumed and cached by product. IO: the network, the disk.

`FOLDER/<product>/<band>.tif` and a STAC item beside the bands, `FOLDER/catalog.json` over all whole products (what
`stac_static` reads), `FOLDER/<product>.SAFE` for archives (what `local_safe` reads), and `FOLDER/fetch.json`: the state
of every product that was ever asked for, with the regions that it is wanted for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bocage.core.artifacts import alone_in, read_json, write_json
from bocage.core.errors import SourceError
from bocage.core.progress import bar
from bocage.scenes.fetch_http import Fetcher
from bocage.scenes.patience import hide_queries
from bocage.scenes.plan_fetch import FileToFetch, SceneToFetch, catalog_of, item_of
from bocage.scenes.read import find_damage
from bocage.scenes.write_unpacked import unpack_archive

STATE, CATALOG = "fetch.json", "catalog.json"


@dataclass(frozen=True)
class Estimate:
    """What a download would take: before anything is fetched.

    Attributes:
        n_bytes: of the files whose size is known.
        n_unknown: files whose size neither the catalog nor the server states.
        n_requests: at least, one a file.
    """

    n_bytes: int
    n_unknown: int
    n_requests: int


@dataclass
class Fetched:
    """What a download brought: product names, bytes over the network, and why products failed."""

    fetched: list[str] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    n_bytes: int = 0


def estimate_fetch(plans: Sequence[SceneToFetch], fetcher: Fetcher, *, workers: int = 4) -> Estimate:
    """Bytes and requests of what is not there yet; servers are asked for sizes that the catalog does not state."""
    files = [f for plan in plans if not is_fetched(plan) for f in plan.files if not f.path.exists()]
    with ThreadPoolExecutor(workers) as pool:
        sizes = list(pool.map(lambda f: _size_of(f, fetcher), files))
    known = [size for size in sizes if size is not None]
    return Estimate(sum(known), len(sizes) - len(known), len(files))


def fetch_scenes(
    plans: Sequence[SceneToFetch], folder: Path, fetcher: Fetcher, *, workers: int = 4, place: str = "anywhere"
) -> Fetched:
    """Download products, `workers` files at once. One that fails is counted with its reason; the others go on.

    One process at a time fetches into a folder; a second one waits, and then finds what the first has brought.

    Args:
        plans: of `plan_fetch`, for this folder.
        folder: where they go.
        fetcher: the session.
        workers: downloads at once.
        place: the region they are wanted for, as the folder's state names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        return _fetch_missing(plans, folder, fetcher, workers, place)


def _fetch_missing(plans: Sequence[SceneToFetch], folder: Path, fetcher: Fetcher, workers: int, place: str) -> Fetched:
    result, lock = Fetched(), threading.Lock()
    left: list[SceneToFetch] = []
    for plan in plans:
        if is_fetched(plan):
            result.cached.append(plan.scene.id)
            write_state(folder, plan, None, place)
        else:
            left.append(plan)
    with bar("Fetching", _total_mb(left), unit="MB") as progress, ThreadPoolExecutor(workers) as pool:

        def count(n: int) -> None:
            with lock:
                result.n_bytes += n
                progress.advance(n / 1e6)

        jobs = [(plan, [pool.submit(_fetch_one, f, fetcher, count) for f in plan.files]) for plan in left]
        try:
            for plan, futures in jobs:
                problems = [problem for f in futures if (problem := f.result())]
                problem = "; ".join(problems) or _finish(plan, folder)
                if problem:
                    result.failed[plan.scene.id] = problem
                else:
                    result.fetched.append(plan.scene.id)
                write_state(folder, plan, problem, place)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    _write_catalog(folder)
    return result


def is_fetched(plan: SceneToFetch) -> bool:
    """Whether a product is there whole: all its files (or the unpacked archive) with the item written last."""
    if plan.files and plan.files[0].band == "archive":
        return plan.files[0].path.with_suffix("").is_dir()
    if not plan.item_path.is_file():
        return False
    held = read_json(plan.item_path)["assets"]
    return all(f.band in held and f.path.is_file() for f in plan.files)


def write_state(folder: Path, plan: SceneToFetch, problem: str | None, place: str) -> None:
    """Enter one product and the place it is wanted for into the folder's state. Addresses in it are without a query,
    which may be a signature."""
    path = folder / STATE
    state: dict[str, Any] = read_json(path) if path.is_file() else {"products": {}}
    before = state["products"].get(plan.scene.id, {})
    state["products"][plan.scene.id] = {
        "regions": sorted({*before.get("regions", []), place}),
        "state": "failed" if problem else "fetched",
        "catalog": plan.scene.catalog,
        "files": {f.band: {"href": hide_queries(f.asset.href), "bytes": _bytes_of(f.path)} for f in plan.files},
        "problem": problem,
    }
    write_json(path, state)


def _fetch_one(file: FileToFetch, fetcher: Fetcher, count: Callable[[int], None]) -> str | None:
    """One file; what went wrong, or None. A raster that is there or came is followed to its end before it counts."""
    try:
        if not file.path.exists():
            asset = file.asset
            fetcher.fetch_file(asset.href, file.path, size=asset.size, checksum=asset.checksum, on_bytes=count)
        damage = None if file.band == "archive" else find_damage(file.path)
    except SourceError as error:
        return f"{file.band}: {error}"
    if damage:
        file.path.unlink()
        return f"{file.band}: {damage}"
    return None


def _finish(plan: SceneToFetch, folder: Path) -> str | None:
    """Write the item, or unpack the archive: from then on the product counts as there."""
    if plan.files[0].band != "archive":
        held = read_json(plan.item_path)["assets"] if plan.item_path.is_file() else {}
        item = item_of(plan)
        write_json(plan.item_path, item | {"assets": held | item["assets"]})
        return None
    archive = plan.files[0].path
    try:
        unpack_archive(archive, folder)
    except SourceError as error:
        return str(error)
    finally:
        archive.unlink()  # also one that is not to be trusted, so that the next time fetches it anew
    return None


def _write_catalog(folder: Path) -> None:
    items = [p.relative_to(folder).as_posix() for p in folder.glob("*/*.json") if p.stem == p.parent.name]
    if items:
        write_json(folder / CATALOG, catalog_of(items))


def _size_of(file: FileToFetch, fetcher: Fetcher) -> int | None:
    if file.asset.size is not None:
        return file.asset.size
    try:
        return fetcher.fetch_size(file.asset.href)
    except SourceError:
        return None


def _bytes_of(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _total_mb(plans: Sequence[SceneToFetch]) -> float | None:
    sizes = [f.asset.size for plan in plans for f in plan.files if not f.path.exists()]
    known = [s for s in sizes if s is not None]
    return sum(known) / 1e6 if len(known) == len(sizes) else None

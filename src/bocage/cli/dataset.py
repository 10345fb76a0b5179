"""`bocage dataset`: what is in a data set, and whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from bocage.cli.output import emit, table
from bocage.core.errors import CorruptFile
from bocage.core.tally import Tally

app = typer.Typer(no_args_is_help=True)


@app.command()
def inspect(folder: Path = typer.Argument(help="Folder of the data set.")) -> None:
    """What is in a data set."""
    from bocage.datasets.read import open_dataset

    dataset = open_dataset(folder)
    info, pixels, patches = dataset.info, dataset.pixels_by_class(), dataset.patches_by_class()
    rejected = sum((Tally.from_json(t) for t in info.tallies.values()), Tally()).dropped
    result: dict[str, Any] = {
        "n_patches": len(dataset),
        "pixels_by_class": pixels,
        "patches_by_class": patches,
        "by_country": {str(k): int(n) for k, n in dataset.manifest.groupby("country").size().items()},
        "rejected": rejected,
        "bands": info.bands,
        "patch_size_px": info.patch_size_px,
        "n_dates": info.n_dates,
        "resolution_m": info.resolution_m,
        "level": info.level,
        "store": info.store,
        "bytes": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()),
        "digest": info.digest,
    }
    title = (
        f"{len(dataset):,} patches of {info.patch_size_px} px, {len(info.bands)} bands, {result['bytes'] / 1e6:,.1f} MB"
    )
    rows = [(name, n, patches.get(name)) for name, n in pixels.items()]
    dropped = table(["rejected", "n"], list(rejected.items()))
    emit(result, text=[table(["class", "pixels", "patches"], rows, title=title), *([dropped] if rejected else [])])


@app.command()
def verify(folder: Path = typer.Argument(help="Folder of the data set.")) -> None:
    """Read everything and compare it with what was written. Exit code 3 if something is wrong."""
    from bocage.datasets.read import open_dataset

    try:
        problems = open_dataset(folder).verify()
    except CorruptFile as error:
        problems = [str(error)]
    emit({"ok": not problems, "problems": problems}, text=problems or "The data set is whole.")
    if problems:
        raise typer.Exit(CorruptFile.exit_code)

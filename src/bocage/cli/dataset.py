"""`bocage dataset`: what is in a data set, whether it is whole; compare, join, draw or select a part, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bocage.cli.output import emit, table
from bocage.core.errors import ConfigError, CorruptFile
from bocage.core.tally import Tally

if TYPE_CHECKING:
    from bocage.datasets.read import Dataset

app = typer.Typer(no_args_is_help=True)


@app.command()
def inspect(folder: Path = typer.Argument(help="Folder of the data set.")) -> None:
    """What is in a data set.

    bocage dataset inspect runs/my-experiment/dataset
    """
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
    """Read everything and compare it with what was written; compare the inputs that are still at hand with the lock.
    Exit code 3 if something is wrong.

    bocage dataset verify runs/my-experiment/dataset
    """
    from bocage.datasets.lock import check_lock
    from bocage.datasets.read import open_dataset

    compared = absent = 0
    try:
        problems = open_dataset(folder).verify()
        compared, absent, changed = check_lock(folder)
        problems += changed
    except CorruptFile as error:
        problems = [str(error)]
    said = f"The data set is whole. Inputs: {compared} files are those of the lock, {absent} are not at hand."
    result = {"ok": not problems, "problems": problems, "inputs_compared": compared, "inputs_absent": absent}
    emit(result, text=problems or said)
    if problems:
        raise typer.Exit(CorruptFile.exit_code)


@app.command()
def diff(
    first: Path = typer.Argument(help="Folder of a data set."),
    second: Path = typer.Argument(help="Folder of another one."),
) -> None:
    """What differs between two data sets.

    bocage dataset diff runs/a/dataset runs/b/dataset
    """
    from bocage.datasets.combine import diff_datasets
    from bocage.datasets.read import open_dataset

    found = diff_datasets(open_dataset(first), open_dataset(second))
    text: list[Any] = [f"{what}: {a} | {b}" for what, (a, b) in found["about"].items()]
    text += [f"only in the {which}: {len(found[key])}" for which, key in (("first", "only_a"), ("second", "only_b"))]
    text.append(f"changed: {len(found['changed'])}")
    problems = [] if found["same"] else [str(line) for line in text]
    emit({"ok": found["same"], "problems": problems, **found}, text=text if problems else "The content is the same.")


@app.command()
def merge(
    folders: list[Path] = typer.Argument(help="Folders of data sets of one kind."),
    out: Path = typer.Option(help="Where the joined data set goes."),
) -> None:
    """Join data sets; a window with the same dates and year is taken once.

    bocage dataset merge runs/a/dataset runs/b/dataset --out data/all
    """
    from bocage.datasets.combine import merge_datasets
    from bocage.datasets.read import open_dataset

    parents = [open_dataset(folder) for folder in folders]
    info, tally = merge_datasets(parents, out)
    _document(out, parents)
    result = {"ok": True, "problems": [], "out": str(out), "n_patches": info.n_samples, "tally": tally.to_json()}
    emit({**result, "digest": info.digest}, text=f"{out}: {info.n_samples} patches; {tally}.")


@app.command()
def sample(
    folder: Path = typer.Argument(help="Folder of the data set."),
    n: int = typer.Option(help="How many patches."),
    out: Path = typer.Option(help="Where the part goes."),
    seed: int = typer.Option(0, help="Root seed."),
) -> None:
    """Draw a part that keeps the share of patches with each class.

    bocage dataset sample data/all --n 5000 --out data/part
    """
    from bocage.datasets.combine import sample_dataset
    from bocage.datasets.read import open_dataset

    dataset = open_dataset(folder)
    info = sample_dataset(dataset, n, out, seed=seed)
    _document(out, [dataset])
    result = {"ok": True, "problems": [], "out": str(out), "n_patches": info.n_samples, "digest": info.digest}
    emit(result, text=f"{out}: {info.n_samples} patches.")


@app.command()
def select(
    folder: Path = typer.Argument(help="Folder of the data set, e.g. a merged one."),
    experiment: Path = typer.Option(help="Its patches.selection says what is taken."),
    out: Path = typer.Option(help="Where the selected part goes."),
) -> None:
    """Choose among the samples by class: several builds, merged, are selected as one.

    bocage dataset select data/all --experiment my.yaml --out data/chosen
    """
    from bocage.datasets.combine import select_samples
    from bocage.datasets.read import open_dataset
    from bocage.experiment.load import load_experiment

    dataset = open_dataset(folder)
    info, found = select_samples(dataset, load_experiment(experiment).patches.selection, out)
    _document(out, [dataset])
    result = {"ok": True, "problems": [], "out": str(out), "n_patches": info.n_samples, "digest": info.digest}
    before, after = found.about["before"], found.about["after"]
    rows = [
        (name, before[name]["pixels"], after[name]["pixels"], before[name]["patches"], after[name]["patches"])
        for name in before
    ]
    columns = ["class", "pixels before", "after", "patches before", "after"]
    title = f"{out}: {info.n_samples} of {len(dataset)} patches"
    emit({**result, "tally": found.tally.to_json(), **found.about}, text=table(columns, rows, title=title))


@app.command()
def export(
    folder: Path = typer.Argument(help="Folder of the data set."),
    to: str = typer.Option(help="npy, zarr, sen4agrinet (netCDF) or sen4agrinet_medians (monthly, sub-patches)."),
    out: Path | None = typer.Option(None, help="Where it goes; default: FOLDER-<format>."),
    split: Path | None = typer.Option(
        None, help="With sen4agrinet: a split, written as one COCO file a part; with its medians: as one folder a part."
    ),
) -> None:
    """Write a data set in another format.

    bocage dataset export runs/a/dataset --to sen4agrinet \\
      --split runs/a/split.parquet
    """
    from bocage.datasets.coco import sort_by_part, write_coco
    from bocage.datasets.export import export_dataset
    from bocage.datasets.read import open_dataset
    from bocage.splits.store import read_given

    write = {"sen4agrinet": ("coco", write_coco), "sen4agrinet_medians": ("parts", sort_by_part)}
    if split is not None and to not in write:
        raise ConfigError(f"--split belongs to --to {' and '.join(write)}; '{to}' has no split files.")
    dataset, parts = open_dataset(folder), read_given(split) if split is not None else {}
    result = export_dataset(dataset, to, out or folder.with_name(f"{folder.name}-{to}"))
    if split is not None:
        key, write_parts = write[to]
        result[key] = [str(path) for path in write_parts(dataset, parts, Path(result["out"]))]
    emit(
        {"ok": True, "problems": [], **result},
        text=f"{result['out']}: {result['n_files']} files, {result['bytes'] / 1e6:,.1f} MB.",
    )


def _document(out: Path, parents: Sequence[Dataset]) -> None:
    """Lock and card of a data set that was made of others."""
    from bocage.datasets.card import document_derived
    from bocage.pipeline.provenance import describe_software

    document_derived(out, parents, name=out.name, software=describe_software())

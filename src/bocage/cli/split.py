"""`bocage split`: divide a data set into train, val and test, and audit what leaks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bocage.cli.output import emit, settings, table
from bocage.splits.options import SplitOptions

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True)
_DEFAULT = SplitOptions()


@app.command()
def make(
    folder: Path = typer.Argument(help="Folder of the data set."),
    out: Path = typer.Option(help="Where the split goes (parquet)."),
    strategy: str = typer.Option(
        _DEFAULT.strategy,
        help="blocks, tiles, zones, regions, countries, years, kfold, scenario, given, random_patches.",
    ),
    block_m: float = typer.Option(_DEFAULT.block_m, help="Side of a block, in metres."),
    fractions: str = typer.Option("0.7,0.15,0.15", help="Wanted shares of train, val, test, 0-1."),
    buffer_m: float = typer.Option(_DEFAULT.buffer_m, help="Least distance between parts, in metres."),
    balance: str = typer.Option(_DEFAULT.balance, help="pixels or labels: what every part gets its share of."),
    over: str = typer.Option(_DEFAULT.over, help="kfold: blocks, tiles, zones, regions, countries or years."),
    n_folds: int = typer.Option(_DEFAULT.n_folds, help="kfold: number of folds."),
    fold: int = typer.Option(_DEFAULT.fold, help="kfold: which fold is test, from 0."),
    scenario: str = typer.Option("", help="scenario: 'train=ES-2019,ES-2020;test=FR-2019'."),
    given: Path | None = typer.Option(None, help="given: a split, or a csv or parquet with sample_id and part."),
    shared_parcels: str = typer.Option(
        _DEFAULT.shared_parcels, help="hide (in all parts but one) or allow parcels in several parts."
    ),
    allow_leakage: bool = typer.Option(False, help="Write the split even if its parts share ground or parcels."),
    seed: int = typer.Option(0, help="Root seed."),
) -> None:
    """Divide a data set into train, val and test, and print the audit.

    bocage split make runs/a/dataset --strategy blocks --block-m 2560 \\
      --out split.parquet
    """
    from bocage.datasets.read import open_dataset
    from bocage.splits.audit import audit_split
    from bocage.splits.make import make_split
    from bocage.splits.store import read_given, write_split

    options = SplitOptions.from_values(
        strategy=strategy,
        block_m=block_m,
        fractions=tuple(fractions.split(",")),
        buffer_m=buffer_m,
        balance=balance,
        over=over,
        n_folds=n_folds,
        fold=fold,
        scenario={p: names.split(",") for p, _, names in (i.partition("=") for i in scenario.split(";") if i)},
        path=None if given is None else str(given),
        shared_parcels=shared_parcels,
        refuse_leakage=not allow_leakage,
    )
    dataset = open_dataset(folder)
    parcels = dataset.parcels()
    dealt = read_given(given) if given else None
    split = make_split(dataset.manifest, options, seed=seed, parcels=parcels, given=dealt)
    write_split(split, out)
    audit = audit_split(dataset.manifest, split, parcels, class_names=dataset.info.class_names)
    emit({"split": str(out), **audit}, text=_text(audit))


@app.command()
def audit(
    folder: Path = typer.Argument(help="Folder of the data set."),
    split: Path = typer.Option(help="The split (parquet)."),
    optimism: bool = typer.Option(
        False, help="Train a quick forest twice: how much a random split of the same samples would flatter it."
    ),
    seed: int = typer.Option(0, help="Root seed of --optimism."),
) -> None:
    """What the parts of a split share, how far apart they are, what is in them.

    bocage split audit runs/a/dataset --split runs/a/split.parquet --optimism
    """
    from bocage.datasets.read import open_dataset
    from bocage.splits.audit import audit_split
    from bocage.splits.store import read_split

    dataset = open_dataset(folder)
    names = dataset.info.class_names
    given = read_split(split)
    result = audit_split(dataset.manifest, given, dataset.parcels(), class_names=names)
    text = _text(result)
    if optimism:
        from bocage.evaluation.optimism import measure_optimism

        result["optimism"] = measure_optimism(dataset, given, seed=seed, threads=settings.workers)
        text += _optimism_text(result["optimism"])
    emit(result, text=text)


def _text(audit: Mapping[str, Any]) -> list[str | Table]:
    columns = ["part", "samples", "blocks", "labelled px", "hidden px"]
    keys = ("n_samples", "n_blocks", "labelled_px", "hidden_px")
    sizes = table(columns, [(part, *(entry.get(k) for k in keys)) for part, entry in audit["parts"].items()])
    shares_by_part = audit["class_share"]
    names = next(iter(shares_by_part.values()))  # a row a class: their number is not bounded, that of parts is
    rows = [(name, *(share[name] for share in shares_by_part.values())) for name in names]
    shares = table(["share of class", *shares_by_part], rows)
    return [sizes, shares, audit["verdict"], *(f"! {warning}" for warning in audit["warnings"])]


def _optimism_text(found: Mapping[str, Any]) -> list[str | Table]:
    rows = []
    for score, gap in found["flattery"].items():
        between = "" if gap["low"] is None else f" ({gap['low']:+.3f} to {gap['high']:+.3f})"
        values = (f"{found[name][score]['value']:.3f}" for name in ("given", "random"))
        rows.append((score, *values, f"{gap['difference']:+.3f}{between}"))
    reasons = {gap["reason"] for gap in found["flattery"].values() if "reason" in gap}
    return [table(["quick forest", "this split", "random split", "flattered by"], rows), *sorted(reasons)]

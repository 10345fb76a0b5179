"""What classes and parts look like, as blocks: the taxonomy as a tree, NDVI, parcels by likeness, shares. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from bocage.core.page import Block, Picture, Text, listing, percent, plural
from bocage.datasets.info import ClassInfo
from bocage.reports import figures, plots
from bocage.reports.data import Json, RunData
from bocage.reports.signatures import MIN_OBJECTS, MOST_OBJECTS, Signatures
from bocage.splits.record import Split

MOST_CROPS = 4  # declared crops drawn for a class
MOST_LEAVES = 90  # lines of the tree
MOST_REGIONS = len(figures.SERIES_COLORS)


def taxonomy_tree(run: RunData) -> Iterator[Block]:
    """The classes that occur, those above them, and under each its largest crops as declared."""
    if run.taxonomy is None or run.crops is None or run.crops.empty:
        return
    tree = tree_table(run.taxonomy, run.crops)
    yield Picture(
        "taxonomy",
        plots.tree(tree, run.taxonomy["title"] or run.taxonomy["name"]),
        tree.drop(columns="color"),
        f"The taxonomy {run.taxonomy['name']}, with the area of what was declared. Under each class stand its largest "
        "crops as the declarations name them.",
        "Tree of classes: " + listing(list(tree.loc[tree["kind"] == "class", "title"])) + ".",
    )


def tree_table(taxonomy: Json, crops: pd.DataFrame) -> pd.DataFrame:
    """Lines of the tree from top to bottom: kind (class, crop, rest), level, title, area_ha, color."""
    area = crops.groupby("class_name")["area_ha"].sum()
    by_name = {c["name"]: c for c in taxonomy["classes"]}

    def below(name: str | None) -> list[str]:
        return [c["name"] for c in by_name.values() if c.get("parent") == name]

    def whole(name: str) -> float:
        return float(area.get(name, 0.0)) + sum(whole(child) for child in below(name))

    def lines(name: str, level: int, n_crops: int) -> Iterator[tuple[str, int, str, float, str]]:
        color = by_name[name]["color"]
        yield "class", level, by_name[name]["title"], whole(name), color
        own = crops[crops["class_name"] == name]
        for crop in own.head(n_crops).to_dict("records"):
            yield "crop", level + 1, str(crop["crop"]), float(crop["area_ha"]), color
        if n_crops and len(own) > n_crops:
            rest = float(own["area_ha"].iloc[n_crops:].sum())
            yield "rest", level + 1, f"{len(own) - n_crops} more", rest, color
        for child in below(name):
            if whole(child) > 0:
                yield from lines(child, level + 1, n_crops)

    for n_crops in range(MOST_CROPS, -1, -1):
        rows = [line for name in below(None) if whole(name) > 0 for line in lines(name, 1, n_crops)]
        if len(rows) <= MOST_LEAVES:
            break
    return pd.DataFrame(rows, columns=["kind", "level", "title", "area_ha", "color"])


def ndvi(run: RunData) -> Iterator[Block]:
    """Mean NDVI of every class through the season, a panel a class and a line a region."""
    if run.signatures is None or run.signatures.ndvi.empty:
        return
    table = run.signatures.ndvi
    regions = table.groupby("region")["n_px"].sum().sort_values(ascending=False)
    drawn = table[table["region"].isin(regions.index[:MOST_REGIONS])]
    names = {c.id: c.name for c in run.classes}
    data = table.assign(date=pd.to_datetime(table["day"], unit="D").dt.date, **{"class": table["class_id"].map(names)})
    left = len(regions) - MOST_REGIONS
    more = f" {plural(left, 'smaller region')} left out." if left > 0 else ""
    yield Picture(
        "ndvi",
        plots.ndvi_by_class(drawn, run.classes),
        data[["region", "class", "date", "n_px", "mean", "deviation"]],
        "Mean NDVI of the valid pixels of each class and region by date; the shade is one standard deviation between "
        f"pixels to either side.{more}",
        f"NDVI through the season of {plural(drawn['class_id'].nunique(), 'class', 'classes')} in "
        f"{listing([str(r) for r in regions.index[:MOST_REGIONS]])}.",
    )


def embedding(run: RunData) -> Iterator[Block]:
    """Parcels laid out by likeness of their reflectance, coloured by crop, by part and by region."""
    if run.signatures is not None and run.embedding:
        yield from draw_embedding(run.signatures, run.classes, {"part": run.split} if run.split else {})


def draw_embedding(
    signatures: Signatures, classes: Sequence[ClassInfo], splits: Mapping[str, Split], *, seed: int = 0
) -> Iterator[Block]:
    """Parcels laid out by likeness; `splits` has what each view by part is called -> the split that it shows."""
    if len(signatures.objects) < MIN_OBJECTS:
        return
    n = len(signatures.objects)
    chosen = np.unique(np.linspace(0, n - 1, min(n, MOST_OBJECTS)).round().astype(int))
    try:
        from bocage.evaluation.embedding import embed
    except ModuleNotFoundError:
        yield Text("Parcels laid out by likeness need scikit-learn: pip install 'bocage[train]'.", "missing")
        return
    plane = embed(signatures.features[chosen], seed=seed)
    names = {c.id: c.name for c in classes}
    table = signatures.objects.iloc[chosen].assign(x=plane[:, 0], y=plane[:, 1])
    table["class"] = table["class_id"].map(names)
    for title, split in splits.items():
        parts = split.table.drop_duplicates("sample_id").set_index("sample_id")["part"]
        table[title] = table["sample_id"].map(parts).map(figures.PART_TITLES)
    yield Picture(
        "embedding",
        plots.embedding(table, classes, list(splits)),
        table[["sample_id", "number", "class", "region", *splits, "x", "y"]],
        f"{plural(len(table), 'parcel')} of {n:,} (one in several patches counts in each), by mean reflectance "
        "in every band and month: like ones lie together (t-SNE). The axes have no meaning of their own, nor have "
        "distances between far groups. Parts that do not mix were not grown or seen alike.",
        "Parcels by likeness, coloured by crop and by " + listing([*splits, "region"]) + ".",
    )


def class_shares(audit: Json, classes: Sequence[ClassInfo], name: str, under: str = "") -> Iterator[Block]:
    """Share of each class in the labelled pixels of each part of a split, on a logarithmic axis.

    Args:
        audit: of the split.
        name: of the picture's files.
        under: which split it is, where the page has several.
    """
    shares = {figures.PART_TITLES[p]: share for p, share in audit["class_share"].items() if any(share.values())}
    if not shares or not classes:
        return
    lines = [f"{c.title} " + ", ".join(f"{p} {percent(v[c.name])}" for p, v in shares.items()) for c in classes]
    drawn = [(part, crop, value) for part, share in shares.items() for crop, value in share.items()]
    yield Picture(
        name,
        figures.class_shares(shares, classes),
        pd.DataFrame(drawn, columns=["part", "class", "share"]),
        (f"{under}: share" if under else "Share")
        + " of each class in the labelled pixels of each part, hidden ones left out.",
        "; ".join(lines) + ".",
    )

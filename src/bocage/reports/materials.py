"""What went in, as sections: tallies, parcels and classes, products, data set, split. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from bocage.core.grid import footprint, grid_from_json, grid_resolution_m
from bocage.core.page import (
    Block,
    Fact,
    Facts,
    Picture,
    Row,
    Table,
    Text,
    count,
    degrees,
    hectares,
    listing,
    percent,
    plain,
    plural,
    words,
)
from bocage.reports import figures, looks
from bocage.reports.data import Json, RunData

PARTS = ("train", "val", "test", "dropped")
COUNTED = {  # what a stage counts
    "parcels": "parcels",
    "taxonomy": "parcels",
    "scenes": "products",
    "cubes": "products",
    "labels": "parcels",
    "patches": "patches",
    "datasets": "patches",
    "splits": "patches",
    "mapping": "parcels",
}
PARCEL_FACTS = ("country", "year", "source", "coverage", "crs", "area_ha")  # shown large; the rest goes in a table
MOST_ROWS = 40  # of crops and products in one table
MOST_MAPS = 4  # split maps


def tallies(run: RunData) -> Iterator[Block]:
    """Every filter with its reasons."""
    rows = []
    for stage in run.stages:
        if (tally := stage.tally) is None:
            continue
        reasons = "; ".join(f"{n:,} {reason}" for reason, n in sorted(tally.dropped.items(), key=lambda item: -item[1]))
        share = percent(tally.n_dropped / tally.total) if tally.total else "–"
        numbers = (count(tally.total), count(tally.kept), count(tally.n_dropped), share)
        rows.append(Row((stage.name, COUNTED.get(stage.name, "items"), *numbers, reasons or "nothing dropped")))
    if not rows:
        yield Text("No stage of this run has left a tally.", "missing")
        return
    columns = ("Stage", "counts", ">looked at", ">kept", ">dropped", ">share dropped", "why")
    yield Table("Every filter of the run, with its reasons", columns, tuple(rows))


def classes(run: RunData) -> Iterator[Block]:
    """The declarations, and what the taxonomy made of them, in hectares."""
    if run.parcels:
        known = {k: v for k, v in run.parcels.items() if k != "tally" and v not in (None, "", {}, [])}
        large = [(k, known.pop(k)) for k in PARCEL_FACTS if k in known]
        yield Facts(tuple(Fact(words(k), hectares(v) if k.endswith("_ha") else plain(v)) for k, v in large))
        if known:
            found = tuple(Row((words(k), plain(v))) for k, v in known.items())
            yield Table("How the declarations were read", ("Item", "found"), found)
    if not run.audit:
        yield Text("No taxonomy has been applied yet.", "missing")
        return
    audit, look = run.audit, {c.name: c for c in run.classes}
    yield Text(
        f"Of {plural(audit['n_parcels'], 'parcel')}, {audit['n_mapped']:,} have a target class, "
        f"{audit['n_background']:,} are background, {audit['n_ambiguous']:,} are declared too coarsely to decide "
        f"(their pixels are neither trained on nor scored), and {audit['n_unmapped']:,} match no rule."
    )
    whole = sum(entry["area_ha"] for entry in audit["by_class"].values())
    rows = []
    for name, entry in audit["by_class"].items():
        crop = look.get(name)
        share = percent(entry["area_ha"] / whole) if whole else "–"
        cells = (crop.title if crop else name, count(entry["n"]), hectares(entry["area_ha"]), share)
        rows.append(Row(cells, crop.color if crop else None))
    yield from looks.taxonomy_tree(run)
    yield Table("Parcels by class", ("Class", ">parcels", ">area (ha)", ">share of area"), tuple(rows))
    for key, caption in (("unmapped", "Crops that no rule decides"), ("ambiguous", "Crops declared too coarsely")):
        if audit.get(key):
            yield _crop_table(audit[key], caption)


def _crop_table(labels: Sequence[Json], caption: str) -> Table:
    """Labels of the declarations with counts and hectares, the largest first."""
    shown = labels[:MOST_ROWS]
    rows = [
        Row((r["name"], plain(r["crop_code"]), plain(r["hcat_code"]), count(r["n"]), hectares(r["area_ha"])))
        for r in shown
    ]
    left = len(labels) - len(shown)
    note = f"{left} more, with smaller areas, are left out." if left else ""
    return Table(caption, ("Crop as declared", "code", "HCAT", ">parcels", ">area (ha)"), tuple(rows), note)


# ── products ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def dropped_scenes(run: RunData) -> dict[str, str]:
    """Product id -> why every cube left it out."""
    reasons: dict[str, str] = {}
    for cube in run.cubes.values():
        reasons |= dict(cube.get("dropped", {}))
    used = {scene for cube in run.cubes.values() for scene in cube.get("scenes", ())}
    return {name: reason for name, reason in reasons.items() if name not in used}


def warnings(run: RunData) -> list[str]:
    """What the rooms before said that a reader must know."""
    cubes = [text for cube in run.cubes.values() for text in cube.get("warnings", ())]
    years = _other_years(run.manifest) if run.manifest is not None else ()
    return [*map(str, cubes), *years, *map(str, (run.split_audit or {}).get("warnings", ()))]


def _other_years(manifest: pd.DataFrame) -> Iterator[str]:
    """Country-years without any image of their year: declarations of one year beside the imagery of another."""
    for (country, year), rows in manifest[manifest["year"] > 0].groupby(["country", "year"]):
        days = np.unique(np.concatenate(rows["days"].to_list())).astype("datetime64[D]")
        seen = sorted({str(day.year) for day in days.tolist()})
        if str(year) not in seen:
            yield (
                f"The declarations of {country} are of {year}, but every image is of {listing(seen)}: check "
                "parcels.year and scenes.season."
            )


def scenes(run: RunData) -> Iterator[Block]:
    """Every product with its cloud cover, its offset and where that came from, kept or dropped."""
    if not run.scenes:
        yield Text("No products have been searched for yet.", "missing")
        return
    dropped = dropped_scenes(run)
    rows = [_scene_row(s, dropped.get(s["id"])) for s in run.scenes[:MOST_ROWS]]
    columns = ("Sensed", "tile", "level", ">cloud cover", ">offset (DN)", "offset decided by", "verdict", "product")
    left = len(run.scenes) - len(rows)
    note = f"{left} later products are left out of this table." if left else ""
    yield Table("Products found for the place and season", columns, tuple(rows), note)
    if run.scenes_tally is not None and run.scenes_tally.n_dropped:
        yield Text(f"The search itself: {run.scenes_tally}.")
    yield from _cubes(run)


def _scene_row(scene: Json, reason: str | None) -> Row:
    sensed = datetime.fromisoformat(str(scene["datetime"]).replace("Z", "+00:00"))
    return Row(
        (
            f"{sensed:%Y-%m-%d}",
            plain(scene.get("tile")),
            plain(scene.get("level")),
            percent(scene.get("cloud_cover_fraction")),
            f"{scene['offset']:.0f}".replace("-", "−"),
            plain(scene.get("offset_source")),
            f"dropped: {reason}" if reason else "used",
            scene["id"],
        ),
        muted=reason is not None,
    )


def _cubes(run: RunData) -> Iterator[Block]:
    rows = []
    for name, cube in run.cubes.items():
        grid = grid_from_json(cube["grid"])
        height, width = grid.shape
        centre = footprint(grid).centroid
        place = f"{degrees(centre.y, 'N', 'S')}, {degrees(centre.x, 'E', 'W')}"
        shape = (count(len(cube["days"])), count(len(cube["bands"])), f"{height:,} × {width:,}")
        rows.append(Row((name, *shape, f"{grid_resolution_m(grid):g}", cube["grid"]["crs"], place)))
    if rows:
        columns = ("Cube", ">dates", ">bands", ">rows × columns (px)", ">pixel (m)", "CRS", "centre")
        yield Table("Aligned cubes", columns, tuple(rows))


# ── data set and split ───────────────────────────────────────────────────────────────────────────────────────────────


def dataset(run: RunData) -> Iterator[Block]:
    """Size, form and preprocessing of the samples."""
    if run.dataset is None or run.manifest is None:
        yield Text("No data set has been built yet.", "missing")
        return
    info = run.dataset
    size, side = info.patch_size_px, info.patch_size_px * info.resolution_m
    dates = count(info.n_dates) if info.n_dates else "varies"
    yield Facts(
        (
            Fact("Patches", count(info.n_samples)),
            Fact("Patch", f"{size} × {size} px", f"{side:,.0f} m on a side, {info.resolution_m:g} m pixels"),
            Fact("Dates a patch", dates, "one date a sample" if info.dates == "single" else "a time series"),
            Fact("Bands", count(len(info.bands)), plain(info.bands)),
            Fact("Level", info.level),
            Fact("Stored as", info.store),
            Fact("Digest", info.digest[:12], "same data, same digest"),
        )
    )
    if info.preprocessing:
        rows = [Row((words(k), plain(v))) for k, v in info.preprocessing.items()]
        yield Table("Preprocessing, as every model of this run expects it", ("Step", "setting"), tuple(rows))
    yield from looks.ndvi(run)
    yield from looks.embedding(run)


def split(run: RunData) -> Iterator[Block]:
    """How the samples were divided, what the audit found, and the parts drawn on the ground."""
    if run.split is None or run.manifest is None:
        yield Text("The data set has not been split yet.", "missing")
        return
    if run.split_audit:
        yield from _audit(run, run.split_audit)
    if run.split.about:
        about = run.split.about
        known = {k: v for k, v in about.items() if k not in ("warning", "options")} | about.get("options", {})
        yield Table("How it was made", ("Setting", "value"), tuple(Row((words(k), plain(v))) for k, v in known.items()))
    yield from _split_maps(run, run.manifest.merge(run.split.table, on="sample_id"))


def _audit(run: RunData, audit: Json) -> Iterator[Block]:
    """Leakage in words and numbers, the size of the parts, their class shares."""
    yield Text(audit["verdict"], "warning" if audit["leaky"] else "")
    near = [
        Fact(f"{_pair_title(pair)}, nearest".capitalize(), "–" if distance is None else f"{distance:,.0f} m")
        for pair, distance in audit["min_distance_m_by_pair"].items()
    ]
    yield Facts(
        (
            Fact("Ground shared by parts", f"{count(audit['shared_px'])} px"),
            Fact("Parcels labelled in two parts", count(audit["shared_parcels"])),
            *near,
        )
    )
    n_samples = sum(part["n_samples"] for part in audit["parts"].values())
    columns = ("Part", ">patches", ">share", ">blocks", ">labelled pixels", ">hidden pixels", ">hidden parcels")
    rows = []
    for name, part in audit["parts"].items():
        cells = [count(part["n_samples"]), percent(part["n_samples"] / n_samples)]
        cells += [count(part.get(key)) for key in ("n_blocks", "labelled_px", "hidden_px", "hidden_parcels")]
        rows.append(Row((figures.PART_TITLES[name], *cells), muted=name == "dropped"))
    note = "Hidden: parcels that reach into another part count there only; here their pixels are ignored."
    yield Table("Parts of the split", columns, tuple(rows), note)
    yield from looks.class_shares(audit, run.classes, "class-shares")


def _pair_title(pair: str) -> str:
    return " to ".join(figures.PART_TITLES[part] for part in pair.split("-"))


def _split_maps(run: RunData, table: pd.DataFrame) -> Iterator[Block]:
    drawn = [(name, raster) for name, raster in run.labels.items() if (table["cube"] == name).any()]
    for name, raster in drawn[:MOST_MAPS]:
        samples = table[table["cube"] == name].drop_duplicates(["row", "col", "part"])
        by_part = {p: samples[samples["part"] == p] for p in PARTS}
        boxes = {figures.PART_TITLES[p]: _boxes(chosen) for p, chosen in by_part.items() if len(chosen)}
        counts = ", ".join(f"{len(b):,} {part}" for part, b in boxes.items())
        drawn_boxes = [(part, *box, raster.crs) for part, found in boxes.items() for box in found]
        yield Picture(
            f"split-{name}",
            figures.split_map(raster, boxes, run.classes),
            pd.DataFrame(drawn_boxes, columns=["part", "left", "bottom", "right", "top", "crs"]),
            f"{name}: patches by part over the class raster. A place with several dates is one square.",
            f"Map of the split of {name}: {counts} patches.",
            narrow=raster.is_tall,
        )
    if len(drawn) > MOST_MAPS:
        yield Text(f"{len(drawn) - MOST_MAPS} more cubes are not drawn.")


def _boxes(samples: pd.DataFrame) -> list[tuple[float, float, float, float]]:
    """(left, bottom, right, top) of each sample, metres in its CRS."""
    columns = ("left", "top", "height", "width", "resolution_m")
    left, top, height, width, pixel = (samples[name].to_numpy(np.float64) for name in columns)
    sides = np.column_stack([left, top - height * pixel, left + width * pixel, top])
    return [(float(a), float(b), float(c), float(d)) for a, b, c, d in sides]

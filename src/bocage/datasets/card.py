"""A data set's card: what, where, when, from which sources under which licences, classes, tallies, pictures. IO:
reads some samples, writes `card.md`, `card.html` (self-contained) and `card.png`.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import IGNORE, Float32, Int64, UInt8
from bocage.core.artifacts import read_json, write_bytes, write_text
from bocage.core.grid import footprint as grid_footprint
from bocage.core.grid import make_grid
from bocage.core.page import Page, Picture, Row, Table
from bocage.core.page import Section as PageSection
from bocage.core.render import to_html, to_markdown
from bocage.core.tally import Tally
from bocage.datasets.lock import Source, read_lock, read_sources, write_lock
from bocage.datasets.read import Dataset, open_dataset
from bocage.datasets.write import SELECTION

CARD = MARKDOWN, HTML, PICTURE = "card.md", "card.html", "card.png"
N_SHOWN, SHOWN_PX = 8, 120  # samples in the picture, and their side


@dataclass(frozen=True)
class Section:
    """A heading with a table; the first column is text, numbers stand to the right."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    colors: Sequence[str] = ()


def write_card(dataset: Dataset, *, name: str, sources: Sequence[Source]) -> None:
    """Write the card beside the data set's files: the same files for the same data set."""
    drawn = choose_samples(dataset)
    picture = Picture(
        Path(PICTURE).stem,
        draw_samples(dataset, drawn),
        dataset.manifest.iloc[drawn],
        "Samples spread over the data set: the clearest date in true colour above, labels below.",
        "Samples: true colour above, labels below.",
    )
    page = to_page(name, list(describe(dataset, sources)), picture)
    write_bytes(dataset.folder / PICTURE, picture.png)
    write_text(dataset.folder / MARKDOWN, to_markdown(page))
    write_text(dataset.folder / HTML, to_html(page))


def document_derived(folder: Path, parents: Sequence[Dataset], *, name: str, software: Mapping[str, str]) -> None:
    """Lock and card of a data set that was made of others: the inputs and sources of all of them, each once."""
    locks = [(read_lock(parent.folder), read_sources(parent.folder)) for parent in parents]
    inputs = list(dict.fromkeys(i for own, _ in locks for i in own))
    sources = list(dict.fromkeys(s for _, own in locks for s in own))
    write_lock(folder, inputs, sources, software)
    write_card(open_dataset(folder), name=name, sources=sources)


def describe(dataset: Dataset, sources: Sequence[Source]) -> Iterator[Section]:
    """The card's sections."""
    info, manifest = dataset.info, dataset.manifest
    days = sorted({int(d) for row in manifest["days"] for d in row})
    left, bottom, right, top = _bounds(manifest)
    size_m = info.patch_size_px * info.resolution_m
    dates = f"{info.n_dates} dates" if info.n_dates else "differing numbers of dates"
    yield Section(
        "What",
        ("", ""),
        [
            ("samples", f"{len(dataset):,} patches of {info.patch_size_px} × {info.patch_size_px} px ({size_m:g} m)"),
            ("image", f"{len(info.bands)} bands, {dates}, Sentinel-2 {info.level}: {', '.join(info.bands)}"),
            ("where", f"{', '.join(sorted(set(manifest['country'])) or '–')}; tiles {_spell(manifest['tile'])}"),
            ("", f"longitude {left:.4f} to {right:.4f}, latitude {bottom:.4f} to {top:.4f}; {_spell(manifest['crs'])}"),
            ("when", f"{_day(days[0])} to {_day(days[-1])}, {len(days)} days; crop year {_spell(manifest['year'])}"),
            ("digest", info.digest),
        ],
    )
    yield Section("Sources", ("what", "name", "licence"), [(s.what, s.name, s.licence) for s in sources])
    pixels, patches = dataset.pixels_by_class(), dataset.patches_by_class()
    total = max(sum(n for c, n in pixels.items() if c != "ignore"), 1)
    pixel_ha = info.resolution_m**2 / 1e4
    yield Section(
        "Classes",
        ("class", "id", "pixels", "share", "ha", "patches"),
        [
            (c.title, c.id, pixels[c.name], f"{pixels[c.name] / total:.2%}", f"{pixels[c.name] * pixel_ha:,.1f}", n)
            for c, n in zip(info.classes, patches.values(), strict=True)
        ]
        + [("not known (ignored)", IGNORE, pixels["ignore"], "", f"{pixels['ignore'] * pixel_ha:,.1f}", "")],
        [*(c.color for c in info.classes), "#ffffff"],
    )
    if (dataset.folder / SELECTION).is_file():
        yield _compare(read_json(dataset.folder / SELECTION))
    yield Section("Kept and dropped on the way", ("step", "kept", "dropped"), list(_tallies(info.tallies)))
    steps = [(key, ", ".join(map(str, v)) if isinstance(v, (list, tuple)) else v) for key, v in _steps(info)]
    yield Section("What was done to the imagery", ("", ""), steps)


def _compare(selection: Mapping[str, Any]) -> Section:
    """Pixels and patches of each class before and after the selection."""
    before, after = selection["before"], selection["after"]
    columns = ("class", "pixels before", "share", "after", "share", "patches before", "after")
    totals = [max(sum(amounts["pixels"] for amounts in table.values()), 1) for table in (before, after)]
    rows = []
    for name, was in before.items():
        now = after[name]
        shares = [f"{amounts['pixels'] / total:.2%}" for amounts, total in zip((was, now), totals, strict=True)]
        rows.append((name, was["pixels"], shares[0], now["pixels"], shares[1], was["patches"], now["patches"]))
    return Section("Before and after the selection", columns, rows)


def to_page(name: str, sections: Sequence[Section], picture: Picture) -> Page:
    """The card: the samples, then a table a section."""
    return Page(
        f"Data set {name}",
        "data set card",
        (picture,),
        tuple(PageSection(f"part-{i}", s.title, (_to_table(s),)) for i, s in enumerate(sections, 1)),
    )


def _to_table(section: Section) -> Table:
    columns = section.columns if any(section.columns) else ("item", "value")
    numbers = [any(section.columns) and _is_number(section, i) for i in range(len(columns))]
    return Table(
        "",
        tuple(f">{name}" if number else name for name, number in zip(columns, numbers, strict=True)),
        tuple(
            Row(tuple(map(_text, cells)), section.colors[i] if section.colors else None)
            for i, cells in enumerate(section.rows)
        ),
    )


def choose_samples(dataset: Dataset) -> Int64:
    """Rows of the manifest, spread evenly."""
    return np.unique(np.linspace(0, len(dataset) - 1, min(N_SHOWN, len(dataset))).round().astype(np.int64))


def draw_samples(dataset: Dataset, chosen: Int64) -> bytes:
    """The clearest date of samples in true colour above, labels below (PNG)."""
    table = np.full((256, 3), 255, np.uint8)
    for c in dataset.info.classes:
        table[c.id] = list(bytes.fromhex(c.color.removeprefix("#")))
    columns = []
    for sample in (dataset.read(dataset.sample_ids[i]) for i in chosen):
        best = int(np.argmax(sample.valid.mean(axis=(1, 2))))
        pair = (_true_color(sample.image[best], dataset.info.bands), table[sample.labels])
        columns.append(np.concatenate([_framed(_resized(image)) for image in pair]))
    return to_png(np.concatenate(columns, axis=1))


def to_png(image: UInt8) -> bytes:
    """(H, W, 3) as a PNG file."""
    height, width, _ = image.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), image.reshape(height, -1)], axis=1)  # 0: no row filter
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _resized(image: UInt8) -> UInt8:
    """(H, W, 3) at SHOWN_PX on either side, nearest pixels."""
    rows, cols = (np.arange(SHOWN_PX) * n // SHOWN_PX for n in image.shape[:2])
    return np.asarray(image[rows][:, cols])


def _framed(image: UInt8) -> UInt8:
    return np.asarray(np.pad(image, ((4, 4), (4, 4), (0, 0)), constant_values=255))


def _true_color(image: Float32, bands: Sequence[str]) -> UInt8:
    """(C, H, W) reflectance → (H, W, 3); reflectance 0.25 is white. Grey of the first band without the visible ones."""
    names = ("B04", "B03", "B02")
    chosen = [bands.index(b) if set(names) <= set(bands) else 0 for b in names]
    return np.asarray((np.clip(np.moveaxis(image[chosen], 0, -1) / 0.25, 0, 1) * 255).astype(np.uint8))


def _bounds(manifest: pd.DataFrame) -> tuple[float, float, float, float]:
    """The box around all samples in degrees: left, bottom, right, top."""
    boxes = []
    for key, group in manifest.groupby(["crs", "resolution_m"]):
        crs, size = str(key[0]), float(group["resolution_m"].iloc[0])
        right, bottom = group["left"] + group["width"] * size, group["top"] - group["height"] * size
        left, top = float(group["left"].min()), float(group["top"].max())
        shape = (round((top - float(bottom.min())) / size), round((float(right.max()) - left) / size))
        boxes.append(grid_footprint(make_grid(crs, left, top, size, shape)).bounds)
    edges = np.array(boxes)
    return (*(float(v) for v in edges[:, :2].min(axis=0)), *(float(v) for v in edges[:, 2:].max(axis=0)))  # type: ignore[return-value]


def _tallies(tallies: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for step, record in tallies.items():
        tally = Tally.from_json(record)
        yield step, tally.kept, "; ".join(f"{n:,} {reason}" for reason, n in tally.dropped.items())


def _steps(info: Any) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in info.preprocessing.items() if v not in ([], "none", None)]


def _spell(column: Any) -> str:
    return ", ".join(map(str, sorted(set(column)))) or "–"


def _day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _is_number(section: Section, column: int) -> bool:
    """Whether a column of a table with a head holds numbers, by its first row."""
    first = _text(section.rows[0][column]) if section.rows and any(section.columns) else ""
    return column > 0 and re.fullmatch(r"[\d,.]+%?", first) is not None


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)

"""Numbers and arrays → pictures (PNG bytes). Pure; no files, no pyplot state.

Every function draws on a Figure of its own. Classes have the colours of their taxonomy; parts of the split have
colours that stay apart under the common colour-vision deficiencies; `contrast` has the rule for text and lines.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from bocage.core.arrays import BACKGROUND, IGNORE, AnyArray, Float64, Int64, UInt8
from bocage.core.page import PICTURE_DPI
from bocage.datasets.info import ClassInfo
from bocage.reports.contrast import text_on
from bocage.reports.data import Panels, Raster

WIDTH = 9.2  # inches; fills the page's column at 96 pixels an inch
NARROW = 5.6  # inches; still to be read on a telephone
INK = "#22281f"
SOFT = "#5d6658"  # text that stands back
FAINT = "#8b9186"  # lines and edges
PART_TITLES = {"train": "training", "val": "validation", "test": "test", "dropped": "dropped"}
PART_COLORS = {"training": "#0072b2", "validation": "#b87a00", "test": "#a3151c", "dropped": "#777777"}
SERIES_COLORS = ("#0072b2", "#a3151c", "#b87a00", "#777777", "#1b1b1b")
UNKNOWN_COLOR, UNKNOWN_STRIPE = "#d9dbd6", "#f4f5f2"  # ignore (255) is striped, since a class may be grey
RIGHT_COLOR, WRONG_COLOR = "#dbe5ec", "#b3123d"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # a crop's name may hold $
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#dfe2da",
    "grid.linewidth": 0.7,
    "axes.prop_cycle": cycler(color=SERIES_COLORS),
    "figure.constrained_layout.w_pad": 0.12,  # inches: ticks may gain a digit after the layout is made
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


def to_png(figure: Figure) -> bytes:
    """The figure as PNG; no software name or date inside, so that equal figures give equal bytes."""
    with mpl.rc_context(STYLE):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=PICTURE_DPI, metadata={"Software": None})
    return buffer.getvalue()


def class_shares(shares: Mapping[str, Mapping[str, float]], classes: Sequence[ClassInfo]) -> bytes:
    """Share of each class in the labelled pixels of each part, on a logarithmic axis.

    Args:
        shares: part -> class name -> share (fraction).
        classes: in taxonomy order; drawn from the most frequent down.
    """
    order = sorted(classes, key=lambda c: -sum(part[c.name] for part in shares.values()))
    smallest = min((v for part in shares.values() for v in part.values() if v > 0), default=1.0)
    thickness = 0.8 / max(len(shares), 1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.9 + 0.42 * len(order)), layout="constrained")
        axes = figure.subplots()
        rows = np.arange(len(order))
        for i, (part, share) in enumerate(shares.items()):
            offset = (i - (len(shares) - 1) / 2) * thickness
            widths = [share[c.name] for c in order]
            axes.barh(rows + offset, widths, thickness * 0.92, color=PART_COLORS[part], label=part)
        axes.set_xscale("log")
        axes.set_xlim(10 ** math.floor(math.log10(smallest) - 0.01), 1)
        axes.set_xticks([t for t in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1) if t >= axes.get_xlim()[0]])
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _: f"{100 * value:g}" if f"{value:e}"[0] in "25" else "")
        axes.set_yticks(rows, [c.title for c in order])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel("share of the labelled pixels (%, logarithmic)")
        figure.legend(loc="outside upper left", ncols=len(shares))
    return to_png(figure)


def score_plot(rows: Sequence[tuple[str, float, float | None, float | None, bool]], label: str) -> bytes:
    """Scores with their intervals, one line each: (name, score, low, high, is a baseline); None = no interval."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(NARROW, 0.75 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for y, (_, score, low, high, is_baseline) in enumerate(rows):
            color = FAINT if is_baseline else SERIES_COLORS[0]
            if low is not None and high is not None:
                axes.plot([low, high], [y, y], color=color, linewidth=2.4, alpha=0.55, solid_capstyle="butt")
            axes.plot(score, y, "D" if is_baseline else "o", color=color, markersize=6.5, clip_on=False)
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(0, max(0.05, 1.08 * max([score, high or 0][high is not None] for _, score, _, high, _ in rows)))
        axes.tick_params(axis="y", length=0, pad=8)  # a mark at 0 stands clear of its name
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
    return to_png(figure)


def difference_plot(rows: Sequence[tuple[str, float, float | None, float | None]]) -> bytes:
    """Differences of foreground mIoU with their intervals about a line at 0: (name, difference, low, high)."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.75 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for y, (_, difference, low, high) in enumerate(rows):
            if low is not None and high is not None:
                axes.plot([low, high], [y, y], color=SERIES_COLORS[0], linewidth=2.4, alpha=0.55, solid_capstyle="butt")
            axes.plot(difference, y, "o", color=SERIES_COLORS[0], markersize=6.5)
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel("difference of foreground mIoU, run 2 − run 1 (−1 to 1)")
    return to_png(figure)


def learning_curves(epochs: Sequence[Mapping[str, Any]], best_epoch: int | None, best_miou_epoch: int | None) -> bytes:
    """Loss, mIoU, pixel accuracy and learning rate by epoch; the kept epoch is marked with a line."""
    x = [int(e["epoch"]) for e in epochs]
    marker = "o" if len(x) < 25 else ""
    panels: list[tuple[str, list[tuple[str, str]]]] = [
        ("loss (unitless)", [("train_loss", "training"), ("val_loss", "validation")]),
        ("mIoU on validation (0 to 1)", [("val_miou", "all classes"), ("val_foreground_miou", "without background")]),
        ("pixel accuracy on validation (0 to 1)", [("val_pixel_accuracy", "")]),
        ("learning rate (a step, logarithmic)", [("learning_rate", "")]),
    ]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
        for axes, (title, lines) in zip(figure.subplots(2, 2, sharex=True).flat, panels, strict=True):
            for color, (key, label) in zip(SERIES_COLORS, lines, strict=False):
                y = [np.nan if e.get(key) is None else float(e[key]) for e in epochs]
                axes.plot(x, y, color=color, label=label, linewidth=1.6, marker=marker, markersize=3)
            axes.set_title(title)
            axes.grid(axis="y")
            axes.xaxis.get_major_locator().set_params(integer=True)
            if title.startswith("learning rate"):
                _learning_rate_axis(axes, [float(e["learning_rate"]) for e in epochs])
            elif not title.startswith("loss"):
                axes.set_ylim(0, 1)
            for epoch, dash in ((best_epoch, "-"), (best_miou_epoch, ":")):
                if epoch is not None:
                    axes.axvline(epoch, color=INK, linewidth=0.9, linestyle=dash)
            if len(lines) > 1:
                axes.legend()
        for axes in figure.axes[2:]:
            axes.set_xlabel("epoch (number)")
    return to_png(figure)


def _learning_rate_axis(axes: Axes, rates: Sequence[float]) -> None:
    """A logarithmic axis; few rates are written out, since halvings rarely meet a decade."""
    axes.set_yscale("log")
    values = sorted(set(rates))
    if len(values) <= 6:
        axes.set_yticks(values, [f"{v:.3g}" for v in values])
        axes.minorticks_off()
        axes.set_ylim(values[0] / 1.5, values[-1] * 1.5)


def confusion_matrix(confusion: Int64, classes: Sequence[ClassInfo], *, of: str = "reference") -> bytes:
    """Counts (K, K), rows = reference, in per cent of each reference or predicted class; only classes seen."""
    seen = [c for c in classes if confusion[c.id].sum() + confusion[:, c.id].sum() > 0]
    ids = [c.id for c in seen]
    part = confusion[np.ix_(ids, ids)].astype(np.float64)
    whole = np.broadcast_to(part.sum(axis=int(of == "reference"), keepdims=True), part.shape)
    share = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    with mpl.rc_context(STYLE):
        side = 1.9 + 0.46 * len(seen)
        figure = Figure(figsize=(side + 0.5, side), layout="constrained")
        axes = figure.subplots()
        ramp = _ramp("#ffffff", "#0b4f6c")
        axes.imshow(share, cmap=ramp, vmin=0, vmax=1)
        for row, col in np.ndindex(share.shape):
            if share[row, col] >= 0.005:
                color = text_on(ramp(share[row, col]))
                axes.text(col, row, f"{100 * share[row, col]:.0f}", ha="center", va="center", color=color, fontsize=8.5)
        for row in np.flatnonzero(part.sum(axis=1) == 0):
            axes.text(0, float(row), "no reference pixels", va="center", color=SOFT, fontsize=7.5)
        names = [c.title for c in seen]
        axes.set_xticks(range(len(seen)), names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(seen)), names)
        axes.tick_params(length=0)
        axes.set_xlabel("predicted class" + (" (column = 100 %)" if of == "predicted" else ""))
        axes.set_ylabel("reference class" + (" (row = 100 %)" if of == "reference" else ""))
        axes.spines[:].set_visible(False)
    return to_png(figure)


def sample_panels(panels: Panels, classes: Sequence[ClassInfo]) -> bytes:
    """One row a sample: true colour, labels, then for each model its prediction and where it is right or wrong."""
    columns = 2 + 2 * len(panels.predictions)
    rows = len(panels.sample_ids)
    side = min(1.75, 11.5 / columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(side * columns, side * rows + 0.85), layout="constrained")
        grid = np.asarray(figure.subplots(rows, columns, squeeze=False))
        for row in range(rows):
            images = [("true colour", panels.rgb[row]), ("labels", paint(panels.labels[row], classes))]
            for name, prediction in panels.predictions.items():
                images.append((name, paint(prediction[row], classes)))
                images.append(("errors", _paint_errors(panels.labels[row], prediction[row])))
            for axes, (title, image) in zip(grid[row], images, strict=True):
                axes.imshow(image, interpolation="nearest")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(True)
                if row == 0:
                    axes.set_title(title)
        drawn = np.concatenate([panels.labels.ravel(), *(p.ravel() for p in panels.predictions.values())])
        extra = [Patch(color=RIGHT_COLOR, label="right"), Patch(color=WRONG_COLOR, label="wrong")]
        _legend(figure, _handles(drawn, classes) + extra, columns=min(columns, 7))
    return to_png(figure)


def split_map(
    raster: Raster, rectangles: Mapping[str, Sequence[tuple[float, float, float, float]]], classes: Sequence[ClassInfo]
) -> bytes:
    """Patches coloured by part over the paled class raster.

    Args:
        raster: class ids of the labels.
        rectangles: part -> (left, bottom, right, top) of its patches, metres in the raster's CRS.
        classes: by id.
    """
    with mpl.rc_context(STYLE):
        figure, axes = _map_figure(raster)
        pale = 255 - (255 - paint(raster.values, classes).astype(np.float64)) * 0.3
        _show(axes, pale.astype(np.uint8), raster)
        handles = []
        for part, boxes in rectangles.items():
            shapes = [Rectangle((left, bottom), right - left, top - bottom) for left, bottom, right, top in boxes]
            edge = PART_COLORS[part]
            fill = (*to_rgb(edge), 0.34)
            axes.add_collection(PatchCollection(shapes, facecolor=fill, edgecolor=edge, linewidth=1.1))
            handles.append(Patch(facecolor=fill, edgecolor=edge, label=f"{part}: {len(boxes):,} patches"))
        _legend(figure, handles, columns=4)
    return to_png(figure)


def class_map(raster: Raster, classes: Sequence[ClassInfo]) -> bytes:
    """The predicted classes of the area, with a legend of those that occur."""
    with mpl.rc_context(STYLE):
        figure, axes = _map_figure(raster)
        _show(axes, paint(raster.values, classes), raster)
        _legend(figure, _handles(raster.values, classes, unknown="no prediction"), columns=4)
    return to_png(figure)


def confidence_map(raster: Raster) -> bytes:
    """The largest class probability, stored as uint8 per cent (255 = none)."""
    with mpl.rc_context(STYLE):
        figure, axes = _map_figure(raster)
        ramp = _ramp("#3b0f55", "#f7f5c8", middle="#2a8a83")
        image = (255 * ramp(np.clip(raster.values / 100.0, 0, 1))[..., :3]).astype(np.uint8)
        unknown = (raster.values == IGNORE)[..., None]
        _show(axes, np.where(unknown, _stripes(raster.values.shape), image), raster)
        scale = ScalarMappable(Normalize(0, 100), ramp)
        figure.colorbar(scale, ax=axes, location="bottom", shrink=0.6, aspect=40, label="largest class probability (%)")
    return to_png(figure)


def paint(values: UInt8, classes: Sequence[ClassInfo]) -> UInt8:
    """Class ids (H, W) as RGB (H, W, 3) in taxonomy colours; ids that no class has, 255 among them, are striped."""
    table, known = np.zeros((256, 3), np.uint8), np.zeros(256, bool)
    for c in classes:
        table[c.id], known[c.id] = _rgb(c.color), True
    return np.where(known[values][..., None], table[values], _stripes(values.shape))


def _stripes(shape: tuple[int, ...]) -> UInt8:
    """(H, W, 3) diagonal stripes, some sixty across the longer side."""
    height, width = shape
    place = np.add.outer(np.arange(height), np.arange(width)) // max(2, max(shape) // 60)
    striped: UInt8 = np.stack([_rgb(UNKNOWN_COLOR), _rgb(UNKNOWN_STRIPE)])[place % 2]
    return striped


def _paint_errors(labels: UInt8, prediction: UInt8) -> UInt8:
    image = np.where((labels == prediction)[..., None], _rgb(RIGHT_COLOR), _rgb(WRONG_COLOR))
    return np.where((labels == IGNORE)[..., None], _stripes(labels.shape), image).astype(np.uint8)


def _rgb(color: str) -> UInt8:
    return np.round(255 * np.array(to_rgb(color))).astype(np.uint8)


def _ramp(low: str, high: str, *, middle: str | None = None) -> ListedColormap:
    stops: Float64 = np.array([to_rgb(c) for c in (low, middle, high) if c])
    at = np.linspace(0, 1, len(stops))
    return ListedColormap(np.column_stack([np.interp(np.linspace(0, 1, 256), at, stops[:, i]) for i in range(3)]))


def _handles(values: AnyArray, classes: Sequence[ClassInfo], *, unknown: str = "not scored (255)") -> list[Patch]:
    present = np.bincount(values.ravel(), minlength=256)
    crops = [c for c in classes if c.id != BACKGROUND and present[c.id]]
    background = [c for c in classes if c.id == BACKGROUND and present[c.id]]
    handles = [Patch(facecolor=c.color, edgecolor=FAINT, linewidth=0.4, label=c.title) for c in crops + background]
    if present[IGNORE]:
        handles.append(
            Patch(facecolor=UNKNOWN_COLOR, edgecolor=UNKNOWN_STRIPE, hatch="////", linewidth=0.4, label=unknown)
        )
    return handles


def _legend(figure: Figure, handles: list[Patch], *, columns: int) -> None:
    n_rows = max(1, math.ceil(len(handles) / columns))
    figure.legend(handles=handles, loc="outside lower center", ncols=max(1, math.ceil(len(handles) / n_rows)))


def _map_figure(raster: Raster) -> tuple[Figure, Axes]:
    height, width = raster.values.shape
    scale = min((WIDTH - 1.0) / width, 7.0 / height)  # inches a pixel
    figure = Figure(figsize=(max(width * scale, 4.6) + 1.0, height * scale + 1.0), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(f"easting (km), {raster.crs}")
    axes.set_ylabel("northing (km)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value / 1000:g}")
        axis.set_major_locator(mpl.ticker.MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.tick_params(length=2)
    return figure, axes


def _show(axes: Axes, image: UInt8, raster: Raster) -> None:
    left, bottom, right, top = raster.bounds
    axes.imshow(image, extent=(left, right, bottom, top), interpolation="nearest")
    axes.set_aspect("equal")

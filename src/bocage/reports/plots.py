"""Tables → pictures of what classes look like (PNG bytes). Pure; the style is that of `figures`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bocage.datasets.info import ClassInfo
from bocage.reports.figures import FAINT, INK, PART_COLORS, SERIES_COLORS, STYLE, WIDTH, to_png

LINE_IN = 0.2  # inches of a line of the tree
INDENT = 0.32  # inches of a level


def tree(table: pd.DataFrame, title: str) -> bytes:
    """Lines of a tree from top to bottom, joined by elbows.

    Args:
        table: kind ("class" is printed bold with a swatch), level from 1, title, area_ha, color.
        title: of the root.
    """
    n = len(table)
    levels = [0, *table["level"]]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, LINE_IN * (n + 1) + 0.1))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(n + 0.7, -0.7)
        axes.text(0.1, 0, title, va="center", weight="bold")
        axes.text(WIDTH - 0.1, 0, "declared area (ha)", va="center", ha="right", color=INK)
        for y, row in enumerate(table.to_dict("records"), 1):
            level = int(row["level"])
            x = 0.1 + INDENT * level
            above = max(i for i in range(y) if levels[i] < level)
            axes.plot([x - 0.2, x - 0.2, x - 0.06], [above + 0.4, y, y], color=FAINT, linewidth=0.8)
            is_class = row["kind"] == "class"
            if is_class:
                axes.plot(
                    x + 0.03, y, "s", color=row["color"], markersize=7, markeredgecolor=FAINT, markeredgewidth=0.5
                )
            text = row["title"] if len(row["title"]) < 70 else row["title"][:68] + " …"
            axes.text(x + (0.14 if is_class else 0), y, text, va="center", weight="bold" if is_class else "normal")
            axes.text(WIDTH - 0.1, y, f"{row['area_ha']:,.1f}", va="center", ha="right")
    return to_png(figure)


def ndvi_by_class(table: pd.DataFrame, classes: Sequence[ClassInfo]) -> bytes:
    """A panel a class: the mean NDVI by date, one line a region, shaded by a standard deviation to either side.

    Args:
        table: region, class_id, day, mean, deviation.
    """
    shown = [c for c in classes if (table["class_id"] == c.id).any()]
    regions = list(dict.fromkeys(table["region"]))
    columns = min(4, len(shown))
    rows = math.ceil(len(shown) / columns)
    with mpl.rc_context(STYLE):
        size = (WIDTH, 1.75 * rows + 0.5 + 0.25 * math.ceil(len(regions) / 3))
        figure = Figure(figsize=size, layout="constrained")
        grid = np.asarray(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False))
        for axes, crop in zip(grid.flat, shown, strict=False):
            for color, region in zip(SERIES_COLORS, regions, strict=False):
                line = table[(table["class_id"] == crop.id) & (table["region"] == region)].sort_values("day")
                days = pd.to_datetime(line["day"], unit="D").to_numpy()
                mean, deviation = line["mean"].to_numpy(), line["deviation"].to_numpy()
                axes.errorbar(days, mean, deviation, color=color, fmt="none", elinewidth=1, alpha=0.5)
                axes.fill_between(days, mean - deviation, mean + deviation, color=color, alpha=0.18, linewidth=0)
                axes.plot(days, mean, color=color, linewidth=1.6, marker="o", markersize=3)
            axes.set_title(crop.title if len(crop.title) < 28 else crop.title[:26] + " …", fontsize=8.5)
            axes.grid(axis="y")
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        locator = AutoDateLocator(minticks=2, maxticks=4)  # type: ignore[no-untyped-call]
        formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator, show_offset=False, formats=["%Y", "%b", "%d %b", "%H h", "%H h", "%S"]
        )
        for col in range(columns):
            lowest = grid[max(r for r in range(rows) if r * columns + col < len(shown)), col]
            lowest.xaxis.set_major_locator(locator)
            lowest.xaxis.set_major_formatter(formatter)
            lowest.tick_params(axis="x", labelbottom=True)
        figure.supxlabel("date", fontsize=9)
        figure.supylabel("NDVI (−1 to 1)", fontsize=9)
        lines = [Line2D([], [], color=c, label=r) for c, r in zip(SERIES_COLORS, regions, strict=False)]
        figure.legend(handles=lines, loc="outside upper left", ncols=3)
    return to_png(figure)


def embedding(table: pd.DataFrame, classes: Sequence[ClassInfo], splits: Sequence[str]) -> bytes:
    """Points x, y, once coloured by class, then by region where there is more than one, and by part of each split.

    Args:
        table: class_id, region, x, y, and a column a split with the part of each point (a title of PART_COLORS).
        splits: names of these columns.
    """
    crops = [c for c in classes if (table["class_id"] == c.id).any()]
    views: list[tuple[str, Any, dict[Any, tuple[str, str]]]] = [
        ("by crop", table["class_id"], {c.id: (c.title, c.color) for c in crops})
    ]
    regions = list(dict.fromkeys(table["region"]))[: len(SERIES_COLORS)]
    if len(regions) > 1:
        colors = dict(zip(regions, SERIES_COLORS, strict=False))
        views.append(("by region and year", table["region"], {r: (r, c) for r, c in colors.items()}))
    for split in splits:
        parts = {p: (p, c) for p, c in PART_COLORS.items() if (table[split] == p).any()}
        views.append((f"by {split}", table[split], parts))
    with mpl.rc_context(STYLE):
        columns = min(max(2, len(views)), 3)
        rows, width = math.ceil(len(views) / columns), WIDTH / columns
        longest = max(len(names) for *_, names in views)
        height = 0.9 * width + 0.2 + 0.19 * math.ceil(longest / 2)
        figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).flat
        for axes, (title, values, names) in zip(grid, views, strict=False):
            _scatter(axes, table, values, names)
            axes.set_title(title)
            axes.set_xlabel("first axis (no unit)")
            axes.set_ylabel("second axis (no unit)")
        for axes in list(figure.axes)[len(views) :]:
            axes.set_axis_off()
    return to_png(figure)


def _scatter(axes: Axes, table: pd.DataFrame, values: Any, names: Mapping[Any, tuple[str, str]]) -> None:
    for key in sorted(names, key=lambda name: name != "dropped"):  # below the others
        chosen = table[values == key]
        axes.scatter(chosen["x"], chosen["y"], s=17, color=names[key][1], edgecolors=INK, linewidths=0.35)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", adjustable="datalim")
    handles = [Patch(facecolor=c, edgecolor=INK, linewidth=0.4, label=t) for t, c in names.values()]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.07), ncols=2, fontsize=8)

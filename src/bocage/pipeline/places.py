"""The regions of an experiment, counted and drawn over its parcels. IO."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from bocage.core.artifacts import ArtifactStore, write_bytes
from bocage.core.errors import ConfigError
from bocage.experiment.schema import Experiment
from bocage.pipeline.run import needed_stages, run_stages
from bocage.pipeline.stages import PARCELS, plan_stages
from bocage.regions.cells import metric_crs
from bocage.regions.plan import plan_regions
from bocage.regions.record import Region


def describe_regions(
    experiment: Experiment,
    *,
    picture: Path | None,
    out: Path,
    store: ArtifactStore,
    workers: int,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Where the experiment looks: name, bbox (degrees; None for wherever the scenes are), area_ha, n_parcels,
    parcels_ha, mean_ha (of a parcel) and target_ha of each region. Parcels count where their centroid lies.

    Args:
        picture: where the regions are drawn over the parcels (PNG), if wanted.
        out: run folder; parcels and classes are made there if they are not yet.

    Raises:
        ConfigError: if the name of the picture does not end in .png.
    """
    if picture is not None and picture.suffix.lower() != ".png":
        raise ConfigError(f"--picture is '{picture}', but the picture is a PNG. Let the name end in .png.")
    stages = needed_stages(plan_stages(experiment), "taxonomy")
    results = run_stages(stages, experiment, out=out, store=store, workers=workers, say=say)
    parcels = gpd.read_parquet(results[-1].artifact.path / PARCELS)
    regions = plan_regions(experiment.regions, parcels)
    if picture is not None:
        draw_regions(parcels, regions, picture)
    return count_regions(parcels, regions)


def count_regions(parcels: gpd.GeoDataFrame, regions: Sequence[Region]) -> list[dict[str, Any]]:
    """The table of `describe_regions`."""
    crs = metric_crs(parcels)
    centres = shapely.centroid(parcels.geometry.to_crs(crs).to_numpy())
    area = parcels["area"].to_numpy(float)
    is_target = parcels["class_id"].between(1, 254).to_numpy()
    rows = []
    for region in regions:
        inside, outline = np.ones(len(parcels), np.bool_), None
        if region.geometry is not None:
            outline = gpd.GeoSeries([region.geometry], crs="EPSG:4326").to_crs(crs).iloc[0]
            shapely.prepare(outline)
            inside = shapely.intersects(outline, centres)
        rows.append(
            {
                "name": region.name,
                "bbox": None if region.geometry is None else [float(v) for v in region.geometry.bounds],
                "area_ha": None if outline is None else float(outline.area / 1e4),
                "n_parcels": int(inside.sum()),
                "parcels_ha": float(area[inside].sum()),
                "mean_ha": float(area[inside].mean()) if inside.any() else None,
                "target_ha": float(area[inside & is_target].sum()),
            }
        )
    return rows


def draw_regions(parcels: gpd.GeoDataFrame, regions: Sequence[Region], path: Path) -> None:
    """Parcels of target classes in green, the others in grey, regions outlined and named; a PNG."""
    from matplotlib.figure import Figure

    crs = metric_crs(parcels)
    figure = Figure(figsize=(8, 8), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    shown = parcels.to_crs(crs)
    is_target = shown["class_id"].between(1, 254)
    for own, color in ((shown[~is_target], "#c8c8c8"), (shown[is_target], "#7fa650")):
        if len(own):
            own.plot(ax=axes, color=color, linewidth=0)
    for region in regions:
        if region.geometry is not None:
            outline = gpd.GeoSeries([region.geometry], crs="EPSG:4326").to_crs(crs)
            outline.boundary.plot(ax=axes, color="#b2182b", linewidth=1.2)
            centre = outline.iloc[0].centroid
            axes.annotate(region.name, (centre.x, centre.y), ha="center", va="center", fontsize=7)
    axes.set_aspect("equal")
    axes.ticklabel_format(style="plain", useOffset=False)
    axes.set_xlabel("x (m)")
    axes.set_ylabel("y (m)")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())

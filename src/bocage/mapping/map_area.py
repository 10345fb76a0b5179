"""A Predictor + a cube (+ parcels, regions) -> a folder with the map, its style, votes, areas and description.

Finished rows go to a scratch folder `.map` (`store`); a killed map goes on after its last finished band of rows and
ends with the same files. `map.json` is written last: a folder that has it is whole.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from bocage.core.arrays import IGNORE, Float32, UInt8
from bocage.core.artifacts import read_json, write_json, write_text
from bocage.core.digest import canonical_json, digest_value
from bocage.core.errors import ConfigError
from bocage.core.grid import Grid
from bocage.cubes.store import CubeStore
from bocage.mapping.areas import AreaCounts
from bocage.mapping.ndvi import add_ndvi
from bocage.mapping.options import MappingOptions
from bocage.mapping.parcels import ParcelVotes
from bocage.mapping.predict import MapBand, check_model, predict_bands
from bocage.mapping.read import read_regions
from bocage.mapping.stac import build_item
from bocage.mapping.store import RowStore
from bocage.mapping.style import to_legend, to_qml
from bocage.mapping.write import class_colormap, write_cog, write_geopackage, write_votes
from bocage.models.predictor import Predictor

CLASS_MAP, CONFIDENCE, PROBABILITIES = "class_map.tif", "confidence.tif", "probabilities.tif"
PARCELS, GEOPACKAGE, AREAS = "parcels.parquet", "parcels.gpkg", "areas.csv"
STYLE, LEGEND, ITEM, RECORD = "class_map.qml", "legend.csv", "item.json", "map.json"
MODEL = "model_record.json"  # of the model that made the map; its weights are named there by their digest
SCRATCH = ".map"
VERSION = 4  # of what a half-made map holds; raise it when predicting or voting changes


def map_area(
    predictor: Predictor,
    cube: CubeStore,
    parcels: gpd.GeoDataFrame | None,
    folder: Path,
    options: MappingOptions,
    *,
    colors: Sequence[str],
    model: Mapping[str, Any] | None = None,
    name: str | None = None,
    n_elsewhere: int = 0,
) -> dict[str, Any]:
    """Map one cube.

    Args:
        parcels: declared fields to vote for, in any CRS; with `class_name` the declared class stands beside the vote.
        folder: gets the files; 255 in all rasters is a pixel without a valid date.
        colors: "#rrggbb" of each of the model's classes, by id.
        model: what the model is, its weights' digest included (the content of model.json). Without it nothing says
            whether a half-made map was made by the same model, so a killed map starts again.
        name: of its STAC item; by default the folder's.
        n_elsewhere: parcels off the cube that `parcels` leaves out; they are counted.

    Returns:
        The content of map.json: names of the files `class_map`, `confidence_map`, `probabilities`, `parcels`,
        `stac_item`, … (None for what was not made), `mpx_per_s` and counts.

    Raises:
        MissingBand, DataError: if the cube does not fit the model.
        NothingLeft: if parcels or regions are given and none lies on the map.
    """
    class_names = predictor.class_names
    if len(colors) != len(class_names):
        raise ConfigError(f"{len(colors)} colours for {len(class_names)} classes ({', '.join(class_names)})")
    check_model(predictor, cube)
    votes = None if parcels is None else ParcelVotes(parcels, cube.grid, len(class_names), n_elsewhere=n_elsewhere)
    regions = read_regions(options.areas_path, options.areas_name) if options.areas_path else None
    areas = AreaCounts(cube.grid, regions)
    digest = _digest(cube, parcels, regions, options, colors, model) if model is not None else None
    if (finished := read_finished(folder, digest)) is not None:
        return finished

    layers = {"classes": 1, "confidence": 1} | ({"probabilities": len(class_names)} if options.probabilities else {})
    height, width = (int(n) for n in cube.grid.shape)
    folder.mkdir(parents=True, exist_ok=True)
    rows = RowStore(folder / SCRATCH, digest, layers, (height, width))
    try:
        seconds = _predict(predictor, cube, options, rows, areas, votes)
    except BaseException:
        if digest is None:
            rows.remove()
        raise
    start = time.perf_counter()
    files = write_rasters(
        folder,
        cube.grid,
        rows.read,
        class_names=class_names,
        colors=colors,
        probabilities=options.probabilities,
        scratch=rows.folder,
    )
    tally = None
    if votes is not None:
        table, tally = votes.result(class_names)
        files |= write_parcels(add_ndvi(table, cube), folder, scratch=rows.folder)
    files |= write_tables(folder, areas, class_names=class_names, colors=colors, model=model or {})
    item = build_item(
        name or folder.resolve().name,
        cube.grid,
        cube.days,
        files,
        class_names=class_names,
        colors=colors,
        bands=predictor.bands,
        window_px=options.window_px,
        model=model or {},
        scenes=getattr(cube, "scenes", ()),
    )
    write_json(folder / ITEM, item)
    seconds += time.perf_counter() - start
    counts = areas.summary(class_names)
    record = {
        "class_map": None,
        "confidence_map": None,
        "probabilities": None,
        "parcels": None,
        **files,
        "stac_item": ITEM,
        **counts,
        "n_dates": len(cube.days),
        "window_px": options.window_px,
        "overlap_px": options.overlap_px,
        "augment": options.augment,
        "precision": options.precision,
        "digest": digest,
        "seconds": round(seconds, 3),
        "mpx_per_s": round(counts["n_px"] / 1e6 / seconds, 4),
        **({"tally": tally.to_json()} if tally else {}),
    }
    write_json(folder / RECORD, record)
    rows.remove()
    return record


def _predict(
    predictor: Predictor,
    cube: CubeStore,
    options: MappingOptions,
    rows: RowStore,
    areas: AreaCounts,
    votes: ParcelVotes | None,
) -> float:
    """Predict what is left, band by band; returns the seconds spent, those of a killed run's bands included."""
    before, n_done, pending = 0.0, 0, None
    if state := rows.state:
        before, n_done, pending = float(state["seconds"]), int(state["n_done"]), state["pending"]
        areas.restore(state)
        if votes is not None:
            votes.restore(state)
    start = time.perf_counter()
    for band in predict_bands(predictor, cube, options, n_done=n_done, pending=pending):
        classes, confidence = to_map(band)
        rows.write("classes", band.row, classes[None])
        rows.write("confidence", band.row, confidence[None])
        if options.probabilities:
            for layer in range(len(band.probabilities)):
                rows.write_layer("probabilities", layer, band.row, to_per_cent(band.probabilities[layer], band.seen))
        areas.add(band.row, classes)
        if votes is not None:
            votes.add(band.row, classes, band.probabilities, band.seen)
        sums = areas.state | (votes.state if votes is not None else {})
        seconds = before + time.perf_counter() - start
        rows.commit({"n_done": band.n_done, "pending": band.pending, "seconds": seconds, **sums})
    return before + time.perf_counter() - start


def write_rasters(
    folder: Path,
    grid: Grid,
    read_rows: Callable[[str, int, int], UInt8],
    *,
    class_names: Sequence[str],
    colors: Sequence[str],
    probabilities: bool,
    scratch: Path,
) -> dict[str, str]:
    """The rasters of a map as COGs.

    Args:
        read_rows: ("classes", "confidence" or "probabilities", first row, number of rows) -> (layer, rows, columns).
        probabilities: whether there are any.
        scratch: an existing folder on the same disk for unfinished files.

    Returns:
        Asset key -> file name.
    """
    write_cog(
        folder / CLASS_MAP,
        grid,
        partial(read_rows, "classes"),
        scratch=scratch,
        descriptions=["class"],
        overviews="MODE",
        colormap=class_colormap(colors),
        tags={f"CLASS_{i}": name for i, name in enumerate(class_names)},
    )
    write_cog(
        folder / CONFIDENCE,
        grid,
        partial(read_rows, "confidence"),
        scratch=scratch,
        descriptions=["confidence in per cent"],
        overviews="AVERAGE",
    )
    files = {"class_map": CLASS_MAP, "confidence_map": CONFIDENCE}
    if probabilities:
        write_cog(
            folder / PROBABILITIES,
            grid,
            partial(read_rows, "probabilities"),
            scratch=scratch,
            descriptions=list(class_names),
            overviews="AVERAGE",
            scale=0.01,
        )
        files["probabilities"] = PROBABILITIES
    return files


def write_parcels(votes: gpd.GeoDataFrame, folder: Path, *, scratch: Path) -> dict[str, str]:
    """The parcels' votes of a map as GeoParquet and as GeoPackage; returns asset key -> file name."""
    write_votes(votes, folder / PARCELS, scratch=scratch)
    write_geopackage(votes, folder / GEOPACKAGE, scratch=scratch)
    return {"parcels": PARCELS, "parcels_gpkg": GEOPACKAGE}


def write_tables(
    folder: Path,
    areas: AreaCounts,
    *,
    class_names: Sequence[str],
    colors: Sequence[str],
    model: Mapping[str, Any],
) -> dict[str, str]:
    """Areas, style and legend of a map, and its model's record if there is one; returns asset key -> file name."""
    write_text(folder / AREAS, areas.result(class_names).to_csv(index=False))
    write_text(folder / STYLE, to_qml(class_names, colors))
    write_text(folder / LEGEND, to_legend(class_names, colors))
    if model:
        write_json(folder / MODEL, model)
    return {"areas": AREAS, "style": STYLE, "legend": LEGEND} | ({"model": MODEL} if model else {})


def to_map(band: MapBand) -> tuple[UInt8, UInt8]:
    """Class ids and confidence (largest probability in per cent, 0–100), both (rows, W), 255 where nothing is seen."""
    classes = np.where(band.seen, band.probabilities.argmax(0).astype(np.uint8), np.uint8(IGNORE))
    return classes, to_per_cent(band.probabilities.max(0), band.seen)


def to_per_cent(probability: Float32, seen: np.ndarray[Any, np.dtype[np.bool_]]) -> UInt8:
    """A probability (rows, W) as whole per cent, 0–100; 255 where nothing is seen."""
    per_cent = np.rint(100 * np.clip(probability, 0, 1)).astype(np.uint8)
    return np.where(seen, per_cent, np.uint8(IGNORE))


def _digest(
    cube: CubeStore,
    parcels: gpd.GeoDataFrame | None,
    regions: gpd.GeoDataFrame | None,
    options: MappingOptions,
    colors: Sequence[str],
    model: Mapping[str, Any] | None,
) -> str:
    """Of everything that decides the map."""
    return digest_value(
        {
            "version": VERSION,
            "cube": canonical_json(cube.record),
            "parcels": None if parcels is None else digest_frame(parcels),
            "regions": None if regions is None else digest_frame(regions),
            "options": options,
            "colors": list(colors),
            "model": model,
        }
    )


def digest_frame(frame: gpd.GeoDataFrame) -> str:
    """Of the shapes and the other columns of a table."""
    shapes = hashlib.sha256(b"".join(shapely.to_wkb(frame.geometry.to_numpy())))
    rest = frame.drop(columns=frame.geometry.name).to_csv(index=False)
    return digest_value([str(frame.crs), shapes.hexdigest(), hashlib.sha256(rest.encode()).hexdigest()])


def read_finished(folder: Path, digest: str | None) -> dict[str, Any] | None:
    """The record of a map that stands in the folder already, made of the same things."""
    if digest is None or not (folder / RECORD).is_file():
        return None
    record: dict[str, Any] = read_json(folder / RECORD)
    return record if record.get("digest") == digest and (folder / record["class_map"]).is_file() else None

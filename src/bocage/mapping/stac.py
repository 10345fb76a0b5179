"""A finished map -> a STAC item that describes it. Pure; returns JSON.

STAC 1.1.0 with the extensions projection 2.0.0, raster 2.0.0, classification 2.0.0 and, where the model that made the
map is known, mlm 1.4.0. Field names are those of the extensions' documents at https://stac-extensions.github.io. Of mlm
they ask for two things outside the fields themselves: an asset with the role `mlm:model` (here the model's record), and
the bands that `mlm:input` names among the item's `bands`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shapely.geometry import mapping

from bocage.core.arrays import IGNORE, Int32
from bocage.core.grid import Grid, footprint, grid_resolution_m, grid_to_json

EXTENSIONS = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("projection/v2.0.0", "raster/v2.0.0", "classification/v2.0.0", "mlm/v1.4.0")
)  # the last one only where the model is known
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
TASK = "semantic-segmentation"


def build_item(
    item_id: str,
    grid: Grid,
    days: Int32,
    files: Mapping[str, str],
    *,
    class_names: Sequence[str],
    colors: Sequence[str],
    bands: Sequence[str],
    window_px: int,
    model: Mapping[str, Any],
    scenes: Sequence[str] = (),
) -> dict[str, Any]:
    """One item for one map.

    Args:
        days: dates of the imagery, days since 1970-01-01; the item spans them.
        files: asset key (class_map, confidence_map, probabilities, parcels, …) -> name beside the item.
        bands: what the model reads.
        window_px: side of the windows that the model saw.
        model: its model.json; empty if unknown.
        scenes: names of the products, listed as they are.
    """
    place = grid_to_json(grid)
    outline = footprint(grid)
    first, last = (_instant(int(day)) for day in (days.min(), days.max()))
    classes = [
        {"value": i, "name": _slug(name), "title": name, "description": name, "color_hint": color.lstrip("#").upper()}
        for i, (name, color) in enumerate(zip(class_names, colors, strict=True))
    ]
    code = {"proj:code": place["crs"]} if place["crs"].startswith("EPSG") else {"proj:code": None}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(EXTENSIONS if model else EXTENSIONS[:-1]),
        "id": item_id,
        "geometry": mapping(outline),
        "bbox": [round(float(v), 7) for v in outline.bounds],
        "properties": {
            "title": f"Crop map {item_id}",
            "datetime": None,
            "start_datetime": first,
            "end_datetime": last,
            **code,
            **({} if code["proj:code"] else {"proj:wkt2": place["crs"]}),
            "proj:transform": place["transform"],
            "proj:shape": place["shape"],
            **(_model_fields(model, len(days), bands, window_px, classes) if model else {}),
            **({"bocage:scenes": list(scenes)} if scenes else {}),
        },
        "links": [],
        "assets": {key: _asset(key, name, grid, class_names, classes) for key, name in files.items()},
    }


def _asset(
    key: str, name: str, grid: Grid, class_names: Sequence[str], classes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    kinds = {
        "parcels": ("application/vnd.apache.parquet", "Vote of every parcel", ["data"]),
        "parcels_gpkg": ("application/geopackage+sqlite3", "Vote of every parcel", ["data"]),
        "style": ("text/xml", "QGIS style of the class map", ["style"]),
        "legend": ("text/csv", "Class ids, names and colours", ["metadata"]),
        "areas": ("text/csv", "Pixels and hectares by class and region", ["metadata"]),
    }
    if key == "model":
        return {
            "href": f"./{name}",
            "type": "application/json",
            "title": "Record of the model, with the digest of its weights",
            "roles": ["mlm:model", "metadata"],
            "mlm:artifact_type": "bocage.models.checkpoint.load_predictor",
        }
    if key in kinds:
        media, title, roles = kinds[key]
        return {"href": f"./{name}", "type": media, "title": title, "roles": roles}
    raster = {
        "href": f"./{name}",
        "type": COG,
        "roles": ["data"],
        "data_type": "uint8",
        "nodata": IGNORE,
        "raster:spatial_resolution": grid_resolution_m(grid),
        "raster:sampling": "area",
    }
    if key == "class_map":
        return {**raster, "title": "Class ids", "bands": [{"name": "class"}], "classification:classes": list(classes)}
    scaled = {"raster:scale": 0.01, "raster:offset": 0.0}  # per cent -> probability
    if key == "confidence_map":
        return {**raster, **scaled, "title": "Largest class probability", "bands": [{"name": "confidence"}]}
    return {**raster, **scaled, "title": "Probability of each class", "bands": [{"name": n} for n in class_names]}


def _model_fields(
    model: Mapping[str, Any], n_dates: int, bands: Sequence[str], window_px: int, classes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The mlm fields: what the model is, what goes in, what comes out."""
    parameters = model.get("n_parameters")
    takes = model.get("n_dates", n_dates)
    return {
        "bands": [{"name": band} for band in bands],
        "mlm:name": "bocage " + _slug(str(model.get("name", "model"))).strip("-_"),
        "mlm:architecture": str(model.get("kind", "unknown")),
        "mlm:tasks": [TASK],
        **({"mlm:total_parameters": int(parameters)} if parameters else {}),
        "mlm:input": [
            {
                "name": "surface reflectance",
                "bands": list(bands),
                "input": {
                    "shape": [-1, takes or -1, len(bands), window_px, window_px],
                    "dim_order": ["batch", "time", "bands", "height", "width"],
                    "data_type": "float32",
                },
                **({"description": str(model["preprocessing"])} if model.get("preprocessing") else {}),
            }
        ],
        "mlm:output": [
            {
                "name": "class probabilities",
                "tasks": [TASK],
                "result": {
                    "shape": [-1, len(classes), window_px, window_px],
                    "dim_order": ["batch", "classes", "height", "width"],
                    "data_type": "float32",
                },
                "classification:classes": list(classes),
            }
        ],
    }


def _slug(name: str) -> str:
    """A class name as the classification extension allows it: letters, digits, - and _."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)


def _instant(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")

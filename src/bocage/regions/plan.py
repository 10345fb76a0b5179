"""Options -> named regions. Pure, but for the files that `read` and `landscapes` open."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import geopandas
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from bocage.core.errors import ConfigError, CorruptFile, NothingLeft
from bocage.regions.cells import plan_cells, tile_patches
from bocage.regions.landscapes import Place, french_landscapes, plan_landscapes
from bocage.regions.options import RegionOptions
from bocage.regions.read import read_outline, read_shapes
from bocage.regions.record import Region as Region


def plan_regions(options: RegionOptions, parcels: geopandas.GeoDataFrame | None = None) -> list[Region]:
    """The regions that the options name, in order.

    Args:
        parcels: class_id, class_name, area and geometry of the classed parcels, for the kinds that need them.

    Raises:
        NothingLeft: if no parcel is of the wanted classes.
    """
    if options.bbox is not None:
        return [Region("box", box(*options.bbox))]
    if options.kind == "landscapes":
        return plan_landscapes(
            _read_places(options) if options.path else french_landscapes(),
            options.landcover,
            cell_m=options.cell_m,
            reach_m=options.reach_m,
            max_cells=options.max_cells,
        )
    if options.path is not None:
        path = Path(options.path).expanduser()
        if options.kind == "zones":
            return [Region(name, shape) for name, shape in _named_shapes(path, options.name_column)]
        return [Region(safe_name(path.stem) or "file", read_outline(path))]
    if options.tile is not None and options.upper_left is not None:
        return tile_patches(options.tile, options.upper_left, options.patches)
    if options.needs_parcels:
        if parcels is None:
            raise ConfigError(f"regions.kind: {options.kind} needs parcels; give a box or a vector file here.")
        return plan_cells(parcels, options)
    return [Region("scenes", None)]


def _read_places(options: RegionOptions) -> list[Place]:
    """The shapes of the options' file as places: the centroid of each."""
    shapes = _named_shapes(Path(options.path or "").expanduser(), options.name_column)
    return [(name, shape.centroid.x, shape.centroid.y) for name, shape in shapes]


def _named_shapes(path: Path, name_column: str) -> list[tuple[str, BaseGeometry]]:
    """The shapes of a file by names that fit folders: what they were built of would be mixed up under one name.

    Raises:
        CorruptFile: if two names become the same, or nothing is left of one; and as `read_shapes`.
    """
    shapes = read_shapes(path, name_column)
    names = [safe_name(name) for name, _ in shapes]
    for i, name in enumerate(names):
        if not name or name in names[:i]:
            problem = f"has the same letters and digits as '{shapes[names.index(name)][0]}'" if name else "has none"
            raise CorruptFile(
                f"{path}: folders are named by '{name_column}', by its letters a-z and digits; '{shapes[i][0]}' "
                f"{problem}. Give every shape a name of its own in such letters."
            )
    return [(name, shape) for name, (_, shape) in zip(names, shapes, strict=True)]


def safe_name(text: str) -> str:
    """A name that fits a folder name: letters without accents, digits, underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")


def region_from_text(text: str) -> RegionOptions:
    """`FILE_OR_BBOX` of the command line: four numbers L,B,R,T, or the path of a vector file.

    Raises:
        ConfigError: if four numbers were given that are no box.
    """
    try:
        numbers = [float(v) for v in text.split(",")]
    except ValueError:
        return RegionOptions(kind="file", path=text)
    try:
        left, bottom, right, top = numbers
        return RegionOptions(kind="bbox", bbox=(left, bottom, right, top))
    except ValueError:
        raise ConfigError(
            f"'{text}' is no box. A box is left,bottom,right,top in degrees of longitude and latitude."
        ) from None


def check_overlap(region: Region, images: Iterable[BaseGeometry]) -> None:
    """Refuse a region that touches none of the images (outlines in longitude/latitude).

    Raises:
        NothingLeft: with the box of the region and the box of the images.
    """
    outlines = list(images)
    if region.geometry is None or any(region.geometry.intersects(outline) for outline in outlines):
        return
    raise NothingLeft(
        f"Region '{region.name}' ({describe_box(region.geometry)}) touches none of the images "
        f"({describe_box(unary_union(outlines)) if outlines else 'there are none'}). "
        "Choose a region inside the images, or images of the region."
    )


def describe_box(geometry: BaseGeometry) -> str:
    """A geometry's box in words, for messages: `lon 3.29…3.32, lat 43.62…43.65`."""
    left, bottom, right, top = geometry.bounds
    return f"lon {left:.3f}…{right:.3f}, lat {bottom:.3f}…{top:.3f}"

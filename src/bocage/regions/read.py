"""A vector file -> its outline in longitude/latitude. IO: one file."""

from __future__ import annotations

from pathlib import Path

import geopandas
import shapely
from shapely.geometry.base import BaseGeometry

from bocage.core.errors import CorruptFile, MissingFile, NothingLeft, SourceError


def read_outline(path: Path) -> BaseGeometry:
    """The union of all shapes of a vector file (any format GDAL reads, or GeoParquet), in longitude/latitude.

    Raises:
        MissingFile: if there is no such file.
        CorruptFile: if it cannot be read as vector data.
        SourceError: if it does not say its coordinate system.
        NothingLeft: if it holds no shape.
    """
    if not path.is_file():
        raise MissingFile(f"The region file {path} is not there. Give an existing vector file or a box L,B,R,T.")
    try:
        reader = geopandas.read_parquet if path.suffix == ".parquet" else geopandas.read_file
        shapes = reader(path).geometry
    except Exception as error:
        raise CorruptFile(f"{path} cannot be read as a vector file ({error}). Check the file.") from error
    if shapes.crs is None:
        raise SourceError(f"{path} does not say its coordinate system. Write it again with one.")
    outline: BaseGeometry = shapes[shapes.notna()].to_crs("EPSG:4326").make_valid().union_all()
    if shapely.is_empty(outline):
        raise NothingLeft(f"{path} holds no shapes, so there is nowhere to look.")
    return outline

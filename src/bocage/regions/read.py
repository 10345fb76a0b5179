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
    outline: BaseGeometry = _read(path).geometry.make_valid().union_all()
    if shapely.is_empty(outline):
        raise NothingLeft(f"{path} holds no shapes, so there is nowhere to look.")
    return outline


def read_shapes(path: Path, name_column: str) -> list[tuple[str, BaseGeometry]]:
    """The shapes of a vector file by name, in order, in longitude/latitude. Errors as `read_outline`, and:

    Raises:
        CorruptFile: if there is no such column, or a name is missing or comes twice.
    """
    table = _read(path)
    if table.empty:
        raise NothingLeft(f"{path} holds no shapes, so there is nowhere to look.")
    if name_column not in table:
        raise CorruptFile(f"{path} has no column '{name_column}', but {', '.join(map(str, table.columns))}.")
    if table[name_column].isna().any() or table[name_column].astype(str).duplicated().any():
        raise CorruptFile(f"{path}: the column '{name_column}' does not name every shape by a name of its own.")
    return list(zip(table[name_column].astype(str), table.geometry.make_valid(), strict=True))


def _read(path: Path) -> geopandas.GeoDataFrame:
    """The rows of a file that have a shape, in longitude/latitude."""
    if not path.is_file():
        raise MissingFile(f"The region file {path} is not there. Give an existing vector file or a box L,B,R,T.")
    try:
        reader = geopandas.read_parquet if path.suffix == ".parquet" else geopandas.read_file
        table = reader(path)
        shapes = table.geometry
    except Exception as error:
        raise CorruptFile(f"{path} cannot be read as a vector file ({error}). Check the file.") from error
    if shapes.crs is None:
        raise SourceError(f"{path} does not say its coordinate system. Write it again with one.")
    return table[shapes.notna()].to_crs("EPSG:4326")

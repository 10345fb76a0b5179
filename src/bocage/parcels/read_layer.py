"""Vector files → rows as they stand in the file. IO, read only; no file is ever unpacked to disk.

Containers are checked before GDAL sees them, because GDAL reads what is left of a truncated file without a word.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from shapely.geometry import box

from bocage.core.errors import CorruptFile, MissingFile
from bocage.parcels.crs import Bounds
from bocage.parcels.encodings import find_encoding

VECTOR = (".shp", ".gpkg", ".geojson", ".json", ".fgb")
PARQUET = (".parquet", ".geoparquet")
_HEAD_BYTES = 100


@dataclass(frozen=True)
class Layer:
    """One table with geometries: where it is, and what its header says."""

    place: Path  # the file that the user named
    member: str | None  # path inside a zip
    name: str
    fields: tuple[str, ...]
    crs: str | None  # WKT or code; None if the file states none
    n_rows: int

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.member or self.place.name).suffix.lower()

    @property
    def stem(self) -> str:
        return PurePosixPath(self.member or self.place.name).stem

    @property
    def gdal_path(self) -> str:
        return f"/vsizip/{{{self.place.absolute()}}}/{self.member}" if self.member else str(self.place.absolute())

    def __str__(self) -> str:
        inside = "" if self.name == self.stem else f" (layer {self.name})"
        return (f"{self.place.name}/{self.member}" if self.member else str(self.place)) + inside


@dataclass(frozen=True)
class RawLayer:
    """Rows of a layer. The frame's index is the row's position in the file, starting at 0."""

    frame: gpd.GeoDataFrame
    n_rows: int  # in the file
    encoding: str
    warnings: tuple[str, ...]


def find_layers(path: Path) -> list[Layer]:
    """Every layer with a geometry in a file, or in the files inside a zip.

    Raises:
        MissingFile: if `path` is not there, is a folder, or is no kind of file that is read.
        CorruptFile: if a file is damaged.
    """
    if not path.exists():
        raise MissingFile(f"No parcel file at {path}. Check parcels.path.")
    known = (*VECTOR, *PARQUET, ".zip")
    if path.is_dir():
        inside = [p.name for p in sorted(path.iterdir()) if p.suffix.lower() in known]
        raise MissingFile(f"{path} is a folder. Name one file; it holds {', '.join(inside) or 'no parcel file'}.")
    if path.suffix.lower() not in known:
        raise MissingFile(f"{path} is no parcel file that is read: expected {' '.join(known)}. Unpack or convert it.")
    if path.stat().st_size == 0:
        raise CorruptFile(f"{path} has 0 bytes. Download or export it again.")
    members = _zip_members(path) if path.suffix.lower() == ".zip" else [None]
    return [layer for member in members for layer in _layers_of(path, member)]


def _zip_members(path: Path) -> list[str | None]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [i.filename for i in archive.infolist() if not i.is_dir()]
    except zipfile.BadZipFile as error:
        raise CorruptFile(f"{path} is no readable zip ({error}). Download it again.") from error
    members = [n for n in names if PurePosixPath(n).suffix.lower() in (*VECTOR, *PARQUET) and _is_inside(n)]
    if not members:
        raise MissingFile(f"{path} holds no parcel file; found {', '.join(names[:8]) or 'nothing'}.")
    return list(members)


def _is_inside(name: str) -> bool:
    """True for a member that stays inside its archive and is no bookkeeping of an operating system."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not (name.startswith("/") or ".." in parts or "__MACOSX" in parts or parts[-1].startswith("."))


def _layers_of(path: Path, member: str | None) -> Iterator[Layer]:
    bare = Layer(path, member, "", (), None, 0)
    _check_container(bare)
    if bare.suffix in PARQUET:
        yield _parquet_layer(bare)
        return
    try:
        for name, geometry_type in pyogrio.list_layers(bare.gdal_path):
            if geometry_type is not None:
                info = pyogrio.read_info(bare.gdal_path, layer=name, force_feature_count=True)
                yield Layer(path, member, name, tuple(info["fields"]), info["crs"], int(info["features"]))
    except (DataSourceError, DataLayerError) as error:
        raise CorruptFile(f"{bare} cannot be read: {error} Download or export it again.") from error


def _parquet_layer(bare: Layer) -> Layer:
    try:
        with _open_bytes(bare) as file:
            header = pq.ParquetFile(file)
            fields, n_rows = tuple(header.schema_arrow.names), int(header.metadata.num_rows)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise CorruptFile(f"{bare} is no readable Parquet file ({error}). Download or write it again.") from error
    return Layer(bare.place, bare.member, bare.stem, fields, None, n_rows)


def _open_bytes(layer: Layer) -> Any:
    if layer.member is None:
        return layer.place.open("rb")
    with zipfile.ZipFile(layer.place) as archive:
        return io.BytesIO(archive.read(layer.member))


def _head(layer: Layer, suffix: str) -> tuple[bytes, int] | None:
    """First bytes and size of a layer's file with this suffix, whatever its case; None if there is no such file."""
    if layer.member is None:
        found = [layer.place.with_suffix(s) for s in (suffix, suffix.upper()) if layer.place.with_suffix(s).is_file()]
        if not found:
            return None
        with found[0].open("rb") as file:
            return file.read(_HEAD_BYTES), found[0].stat().st_size
    with zipfile.ZipFile(layer.place) as archive:
        wanted = str(PurePosixPath(layer.member).with_suffix(suffix)).lower()
        info = next((i for i in archive.infolist() if i.filename.lower() == wanted), None)
        if info is None:
            return None
        with archive.open(info) as member:
            return member.read(_HEAD_BYTES), info.file_size


def _check_container(layer: Layer) -> None:
    """Raise CorruptFile if a shapefile or GeoPackage is shorter than its own header says, or lacks a part."""
    suffixes = {".shp": (".shp", ".shx", ".dbf"), ".gpkg": (".gpkg",)}.get(layer.suffix, ())
    for suffix in suffixes:
        head = _head(layer, suffix)
        if head is None:
            raise CorruptFile(f"{layer} has no {suffix} file beside it. Copy all parts of the shapefile.")
        wanted = _stated_bytes(suffix, head[0])
        if wanted is None or head[1] < wanted:
            found = f"{head[1]} bytes" + ("" if wanted is None else f" of {wanted}")
            raise CorruptFile(f"{layer}: its {suffix} file is damaged or cut short ({found}). Download it again.")


def _stated_bytes(suffix: str, head: bytes) -> int | None:
    """The size that a file's header promises; None if the header itself is wrong.

    Layouts: ESRI Shapefile Technical Description (1998); dBASE III header; SQLite file format, section 1.3.
    """
    if suffix == ".gpkg":
        if len(head) < _HEAD_BYTES or not head.startswith(b"SQLite format 3\0"):
            return None
        (page_size,), (n_pages,) = struct.unpack(">H", head[16:18]), struct.unpack(">I", head[28:32])
        return int(n_pages) * (65536 if page_size == 1 else int(page_size))
    if suffix == ".dbf":
        if len(head) < 32:
            return None
        n_records, header_bytes, record_bytes = struct.unpack("<IHH", head[4:12])
        return int(header_bytes) + int(n_records) * int(record_bytes)
    if len(head) < _HEAD_BYTES or struct.unpack(">i", head[:4])[0] != 9994:
        return None
    return 2 * int(struct.unpack(">i", head[24:28])[0])


def read_layer(
    layer: Layer, columns: Sequence[str], *, area: Bounds | None, encoding: str | None, encodings: Sequence[str]
) -> RawLayer:
    """Read the named columns and the geometry.

    Args:
        layer: from `find_layers`.
        columns: names in the file; no other column is read.
        area: left, bottom, right, top in the layer's own CRS; rows whose box misses it may be left out.
        encoding: of a shapefile's text; None to find it.
        encodings: candidates when it is neither what the file states nor UTF-8.

    Raises:
        CorruptFile: if the rows cannot be read.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frame = _read_parquet(layer, columns, area) if layer.suffix in PARQUET else _read_gdal(layer, columns, area)
        except (DataSourceError, DataLayerError, pyarrow.ArrowInvalid, ValueError, OSError, RuntimeError) as error:
            raise CorruptFile(f"{layer} cannot be read: {error} Download or export it again.") from error
    found = "utf-8"
    if layer.suffix == ".shp":
        frame, found = _decode(frame, stated=encoding or _stated_encoding(layer), candidates=encodings)
    return RawLayer(frame, layer.n_rows, found, tuple(dict.fromkeys(str(w.message) for w in caught)))


def _read_gdal(layer: Layer, columns: Sequence[str], area: Bounds | None) -> gpd.GeoDataFrame:
    frame = pyogrio.read_dataframe(
        layer.gdal_path,
        layer=layer.name,
        columns=list(columns),
        bbox=area,
        fid_as_index=True,
        on_invalid="fix",
        encoding="ISO-8859-1" if layer.suffix == ".shp" else None,  # one byte, one letter: decoded later
    )
    first = 1 if layer.suffix == ".gpkg" else 0
    frame.index = pd.Index(frame.index.to_numpy(np.int64) - first)
    return frame


def _read_parquet(layer: Layer, columns: Sequence[str], area: Bounds | None) -> gpd.GeoDataFrame:
    with _open_bytes(layer) as file:
        frame = gpd.read_parquet(file)
    frame = gpd.GeoDataFrame(frame[list(columns)], geometry=frame.geometry.to_numpy(), crs=frame.crs)
    frame = frame.reset_index(drop=True)
    return frame if area is None else frame[frame.intersects(box(*area))]


def _stated_encoding(layer: Layer) -> str | None:
    head = _head(layer, ".cpg")
    return head[0].decode("ascii", "ignore").strip() or None if head else None


def _decode(frame: gpd.GeoDataFrame, *, stated: str | None, candidates: Sequence[str]) -> tuple[gpd.GeoDataFrame, str]:
    """Text columns that were read one byte a letter, in the encoding that fits all of them."""
    text_columns = [c for c in frame.columns if c != "geometry" and not pd.api.types.is_numeric_dtype(frame[c].dtype)]
    bytes_of = {
        column: [v.encode("latin-1") if isinstance(v, str) else v for v in frame[column].to_numpy(object)]
        for column in text_columns
    }
    encoding = find_encoding(
        (v for values in bytes_of.values() for v in values if isinstance(v, bytes)),
        stated=stated,
        candidates=candidates,
    )
    for column, values in bytes_of.items():
        decoded = [v.decode(encoding, "replace") if isinstance(v, bytes) else v for v in values]
        frame[column] = pd.Series(decoded, index=frame.index, dtype=object)
    return frame, encoding


def layer_crs(layer: Layer, frame: gpd.GeoDataFrame) -> CRS | None:
    """The CRS that the file states, or None."""
    return frame.crs if layer.suffix in PARQUET else CRS.from_user_input(layer.crs) if layer.crs else None


def read_bounds(layer: Layer) -> Bounds:
    """Left, bottom, right, top of all rows, in the layer's own CRS."""
    if layer.suffix in PARQUET:
        with _open_bytes(layer) as file:
            bounds = gpd.read_parquet(file).total_bounds
    else:
        bounds = pyogrio.read_info(layer.gdal_path, layer=layer.name, force_total_bounds=True)["total_bounds"]
    left, bottom, right, top = (float(v) for v in bounds)
    return left, bottom, right, top

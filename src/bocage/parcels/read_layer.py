"""Files → the layers in them: where each is, and what its header says. IO.

Containers are checked before GDAL sees them, because GDAL reads what is left of a truncated file without a word.
"""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import pyarrow
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from bocage.core.errors import CorruptFile, MissingFile
from bocage.parcels.store_archive import is_7z, is_inside, unpack_7z

VECTOR = (".shp", ".gpkg", ".geojson", ".json", ".fgb")
PARQUET = (".parquet", ".geoparquet")
_HEAD_BYTES = 100
_IN_MEMORY_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Layer:
    """One table with geometries: where it is, and what its header says."""

    place: Path  # the file that the user named
    member: str | None  # path inside a zip
    name: str
    fields: tuple[str, ...]
    crs: str | None  # WKT, PROJJSON or code; None if the file states none
    n_rows: int
    geometry: str = ""  # column of a Parquet file
    geo: Mapping[str, Any] = field(default_factory=dict)  # its GeoParquet header

    @property
    def is_parquet(self) -> bool:
        return self.geometry != ""

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
        inside = "" if self.name in ("", self.stem) else f" (layer {self.name})"
        return (f"{self.place.name}/{self.member}" if self.member else str(self.place)) + inside


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip to read from.

    Raises:
        CorruptFile: if it is none, or a member is damaged, encrypted or packed in a way that is not known.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise CorruptFile(f"{path} is no whole zip ({error}). Download it again.") from error
    except RuntimeError as error:  # encrypted, or a method of packing that Python lacks
        raise CorruptFile(f"{path} cannot be unpacked ({error}). Unpack it and give the file inside.") from error


def find_layers(path: Path) -> list[Layer]:
    """Every layer with a geometry in a file, or in the files inside a zip.

    Raises:
        MissingFile: if `path` is not there, is a folder, or is no kind of file that is read.
        SourceError: if a .7z archive cannot be unpacked.
        CorruptFile: if a file is damaged.
    """
    if not path.exists():
        raise MissingFile(f"No parcel file at {path}. Check parcels.path.")
    known = (*VECTOR, *PARQUET, ".zip", ".7z")
    if path.is_dir():
        inside = [p.name for p in sorted(path.iterdir()) if p.suffix.lower() in known or is_7z(p)]
        raise MissingFile(f"{path} is a folder. Name one file; it holds {', '.join(inside) or 'no parcel file'}.")
    if path.suffix.lower() not in known and not is_7z(path):
        advice = "A table of crop codes goes to --code-table" if path.suffix.lower() == ".csv" else "Convert it"
        raise MissingFile(f"{path} is no parcel file that is read: expected {' '.join(known)}. {advice}.")
    if path.stat().st_size == 0:
        raise CorruptFile(f"{path} has 0 bytes. Download or export it again.")
    if is_7z(path):
        return [layer for file in unpack_7z(path, (*VECTOR, *PARQUET)) for layer in _layers_of(file, None)]
    members = _zip_members(path) if path.suffix.lower() == ".zip" else [None]
    return [layer for member in members for layer in _layers_of(path, member)]


def _zip_members(path: Path) -> list[str | None]:
    with opened_zip(path) as archive:
        names = [i.filename for i in archive.infolist() if not i.is_dir()]
    members = [n for n in names if PurePosixPath(n).suffix.lower() in (*VECTOR, *PARQUET) and is_inside(n)]
    if not members:
        raise MissingFile(f"{path} holds no parcel file; found {', '.join(names[:8]) or 'nothing'}.")
    return list(members)


def _layers_of(path: Path, member: str | None) -> Iterator[Layer]:
    bare = Layer(path, member, "", (), None, 0)
    _check_container(bare)
    if bare.suffix in PARQUET:
        yield read_parquet_header(bare)
        return
    try:
        for name, geometry_type in pyogrio.list_layers(bare.gdal_path):
            if geometry_type is not None:
                info = pyogrio.read_info(bare.gdal_path, layer=name, force_feature_count=True)
                yield Layer(path, member, name, tuple(info["fields"]), info["crs"], int(info["features"]))
    except (DataSourceError, DataLayerError) as error:
        raise CorruptFile(f"{bare} cannot be read: {error} Download or export it again.") from error


def read_parquet_header(bare: Layer) -> Layer:
    try:
        with open_bytes(bare) as file:
            header = pq.ParquetFile(file)
            schema, n_rows = header.schema_arrow, int(header.metadata.num_rows)
            geo = json.loads((header.metadata.metadata or {}).get(b"geo", b"{}"))
    except CorruptFile:
        raise
    except (pyarrow.ArrowInvalid, OSError, ValueError) as error:
        raise CorruptFile(f"{bare} is no readable Parquet file ({error}). Download or write it again.") from error
    if problem := _header_problem(geo, schema.names):
        raise CorruptFile(f"{bare}: its GeoParquet header {problem}. Write the file again.")
    binary = [f.name for f in schema if pyarrow.types.is_binary(f.type) or pyarrow.types.is_large_binary(f.type)]
    shapes = [geo.get("primary_column"), *(n for n in ("geometry", "geom", "wkb_geometry") if n in binary)]
    shape = next((n for n in shapes if n in schema.names), None)
    if shape is None:
        raise CorruptFile(
            f"{bare} has no geometry: no GeoParquet header and no WKB column 'geometry' or 'geom'; "
            f"found {', '.join(schema.names) or 'no columns'}."
        )
    fields = tuple(n for n in schema.names if n != shape)
    return Layer(bare.place, bare.member, bare.stem, fields, _parquet_crs(geo, shape), n_rows, shape, geo)


def _header_problem(geo: Any, columns: Sequence[str]) -> str | None:
    """What is wrong with a GeoParquet header, as far as it is read here; None if nothing is."""
    if not isinstance(geo, dict):
        return "is no JSON object"
    described = geo.get("columns", {})
    if not (isinstance(described, dict) and all(isinstance(about, dict) for about in described.values())):
        return "does not describe columns by name"
    for about in described.values():
        box, covering = about.get("bbox", [0]), about.get("covering", {})
        if not (box and isinstance(box, list) and all(isinstance(v, int | float) for v in box)):
            return f"states the box {box}"
        paths = list(covering.get("bbox", {}).values()) if isinstance(covering, dict) else [None]
        if not all(isinstance(path, list) and path and path[0] in columns for path in paths):
            return f"states the covering {covering}"
    return None


def _parquet_crs(geo: Mapping[str, Any], shape: str) -> str | None:
    """The CRS of a GeoParquet header; without the key it is lon/lat (GeoParquet 1.1), if the box fits."""
    column = geo.get("columns", {}).get(shape)
    if column is None:
        return None
    crs = column.get("crs")
    if crs is not None:
        return crs if isinstance(crs, str) else json.dumps(crs)  # WKT before version 1.0, PROJJSON since
    degrees = max(map(abs, column.get("bbox", (0,)))) <= 180
    return "OGC:CRS84" if "crs" not in column and degrees else None


@contextmanager
def open_bytes(layer: Layer) -> Iterator[IO[bytes]]:
    """The bytes of a layer's file; a zip's member is unpacked meanwhile, to the disk if it is large."""
    if layer.member is None:
        with layer.place.open("rb") as file:
            yield file
        return
    with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as unpacked:
        with opened_zip(layer.place) as archive, archive.open(layer.member) as member:
            shutil.copyfileobj(member, unpacked)
        unpacked.seek(0)
        yield unpacked


def read_head(layer: Layer, suffix: str) -> tuple[bytes, int] | None:
    """First bytes and size of a layer's file with this suffix, whatever its case; None if there is no such file."""
    if layer.member is None:
        found = [layer.place.with_suffix(s) for s in (suffix, suffix.upper()) if layer.place.with_suffix(s).is_file()]
        if not found:
            return None
        with found[0].open("rb") as file:
            return file.read(_HEAD_BYTES), found[0].stat().st_size
    with opened_zip(layer.place) as archive:
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
        head = read_head(layer, suffix)
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

"""Vector files → rows as they stand in the file. IO, read only; no file is ever unpacked to disk.

Containers are checked before GDAL sees them, because GDAL reads what is left of a truncated file without a word.
"""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FieldError

from bocage.core.errors import CorruptFile, MissingFile
from bocage.parcels.crs import Bounds
from bocage.parcels.encodings import FoundEncoding, find_encoding

VECTOR = (".shp", ".gpkg", ".geojson", ".json", ".fgb")
PARQUET = (".parquet", ".geoparquet")
BATCH_ROWS = 32_768  # some tens of MB of geometries
_HEAD_BYTES = 100
_NO_SHAPES = np.empty(0, dtype=object)


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
class RawRows:
    """Some rows of a layer, as they stand in the file.

    Attributes:
        rows: position of each row in the file, starting at 0; int64 (n).
        frame: the columns that were asked for, n rows; index 0 … n−1.
        geometries: shapely objects (n), None where missing; empty if they were not asked for.
    """

    rows: NDArray[np.int64]
    frame: pd.DataFrame
    geometries: NDArray[np.object_]


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
            schema, n_rows = header.schema_arrow, int(header.metadata.num_rows)
            geo = json.loads((header.metadata.metadata or {}).get(b"geo", b"{}"))
    except (pyarrow.ArrowInvalid, OSError, ValueError) as error:
        raise CorruptFile(f"{bare} is no readable Parquet file ({error}). Download or write it again.") from error
    if not isinstance(geo, dict):
        raise CorruptFile(f"{bare}: its GeoParquet header is no JSON object. Write the file again.")
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


def read_rows(
    layer: Layer,
    columns: Sequence[str],
    *,
    geometry: bool = True,
    area: Bounds | None = None,
    keep: Mapping[str, Collection[str | int]] = MappingProxyType({}),
) -> Iterator[RawRows]:
    """The rows of a layer, some thousand at a time; no more than two batches are in memory.

    Args:
        layer: from `find_layers`.
        columns: names in the file; no other column is read.
        geometry: False to read the columns only.
        area: left, bottom, right, top in the layer's own CRS; rows whose box misses it may be left out.
        keep: column → its values (text or whole numbers) that are wanted; rows with others, but not those with none,
            may be left out.

    Raises:
        CorruptFile: if the rows cannot be read.
    """
    read = _parquet_rows if layer.suffix in PARQUET else _gdal_rows
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks on rings and encodings; both are looked at by us
            yield from read(layer, columns, geometry, area, keep)
    except (DataSourceError, DataLayerError, FieldError, pyarrow.ArrowException, ValueError, OSError) as error:
        raise CorruptFile(f"{layer} cannot be read: {error} Download or export it again.") from error
    except (RuntimeError, shapely.errors.ShapelyError) as error:
        raise CorruptFile(f"{layer} cannot be read to its end: {error} Download or export it again.") from error


def _gdal_rows(
    layer: Layer,
    columns: Sequence[str],
    geometry: bool,
    area: Bounds | None,
    keep: Mapping[str, Collection[str | int]],
) -> Iterator[RawRows]:
    with pyogrio.open_arrow(
        layer.gdal_path,
        layer=layer.name,
        columns=list(columns),
        read_geometry=geometry,
        bbox=area,
        where=" AND ".join(f"({_sql(column, values)})" for column, values in keep.items()) or None,
        return_fids=True,
        batch_size=BATCH_ROWS,
        use_pyarrow=True,
        encoding="ISO-8859-1" if layer.suffix == ".shp" else None,  # one byte, one letter: decoded later
    ) as (meta, reader):
        fid, shape = meta["fid_column"] or "OGC_FID", meta["geometry_name"] or "wkb_geometry"
        first = 1 if layer.suffix == ".gpkg" else 0
        for batch in reader:
            fids = batch[fid].to_numpy(zero_copy_only=False).astype(np.int64)
            blobs = batch[shape].to_numpy(zero_copy_only=False) if geometry else _NO_SHAPES
            yield RawRows(fids - first, _to_frame(batch, columns), _from_wkb(_straighten(layer, fids, blobs)))


def _sql(column: str, values: Collection[str | int]) -> str:
    name = '"' + column.replace('"', '""') + '"'
    spelt = ", ".join(str(v) if isinstance(v, int) else "'" + v.replace("'", "''") + "'" for v in sorted(values))
    return f"{name} IS NULL" + (f" OR {name} IN ({spelt})" if spelt else "")


def _parquet_rows(
    layer: Layer,
    columns: Sequence[str],
    geometry: bool,
    area: Bounds | None,
    keep: Mapping[str, Collection[str | int]],
) -> Iterator[RawRows]:
    with _open_bytes(layer) as source:
        file = pq.ParquetFile(source)
        boxes = _covering(layer)
        wanted = [*columns, *([layer.geometry] if geometry else []), *(dict.fromkeys(c[0] for c in boxes if area))]
        start = 0
        for number in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(number)
            if not _misses(group, boxes, area, keep):
                at = start
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[number], columns=list(dict.fromkeys(wanted))):
                    rows = np.arange(at, at + len(batch), dtype=np.int64)
                    at += len(batch)
                    chosen = _choose(batch, boxes, area, keep)
                    part = batch.take(pyarrow.array(chosen))
                    yield RawRows(
                        rows[chosen],
                        _to_frame(part, columns),
                        _from_wkb(part[layer.geometry].to_numpy(zero_copy_only=False) if geometry else _NO_SHAPES),
                    )
            start += group.num_rows


def _covering(layer: Layer) -> tuple[tuple[str, str], ...]:
    """Column and field of a row's left, bottom, right, top; empty if a GeoParquet file has no covering."""
    covering = layer.geo.get("columns", {}).get(layer.geometry, {}).get("covering", {}).get("bbox", {})
    paths = [tuple(covering.get(side, ())) for side in ("xmin", "ymin", "xmax", "ymax")]
    return tuple((p[0], p[1]) for p in paths) if all(len(p) == 2 for p in paths) else ()


def _misses(
    group: pq.RowGroupMetaData,
    boxes: Sequence[tuple[str, str]],
    area: Bounds | None,
    keep: Mapping[str, Collection[str | int]],
) -> bool:
    """True if the statistics of a row group say that it has no row in the area, or none with a wanted value."""
    ranges = {}
    for i in range(group.num_columns):
        column = group.column(i)
        found = column.statistics
        if found is not None and found.has_min_max:
            ranges[column.path_in_schema] = (found.min, found.max, found.has_null_count and found.null_count == 0)
    if area is not None and boxes:
        low, high = (".".join(boxes[0]), ".".join(boxes[1])), (".".join(boxes[2]), ".".join(boxes[3]))
        for axis in (0, 1):
            if low[axis] in ranges and ranges[low[axis]][0] > area[axis + 2]:
                return True
            if high[axis] in ranges and ranges[high[axis]][1] < area[axis]:
                return True
    for name, values in keep.items():
        if name in ranges:
            least, most, filled = ranges[name]
            if filled and not any(isinstance(v, type(least)) and least <= v <= most for v in values):
                return True
    return False


def _choose(
    batch: pyarrow.RecordBatch,
    boxes: Sequence[tuple[str, str]],
    area: Bounds | None,
    keep: Mapping[str, Collection[str | int]],
) -> NDArray[np.int64]:
    """Positions of the rows that may be wanted."""
    hit = np.ones(len(batch), dtype=bool)
    if area is not None and boxes:
        sides = [pc.struct_field(batch[column], field) for column, field in boxes]
        left, bottom, right, top = (np.asarray(s.to_numpy(zero_copy_only=False), dtype=float) for s in sides)
        hit &= ~((left > area[2]) | (right < area[0]) | (bottom > area[3]) | (top < area[1]))
    for name, values in keep.items():
        column = batch[name]
        column = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
        among = pc.or_(pc.is_in(column, pyarrow.array(sorted(values), column.type)), pc.is_null(column))
        hit &= among.to_numpy(zero_copy_only=False)
    chosen: NDArray[np.int64] = np.flatnonzero(hit).astype(np.int64)
    return chosen


def _to_frame(batch: pyarrow.RecordBatch, columns: Sequence[str]) -> pd.DataFrame:
    frame: pd.DataFrame = batch.select(list(dict.fromkeys(columns))).to_pandas(integer_object_nulls=True)
    return frame


def _straighten(layer: Layer, fids: NDArray[np.int64], blobs: NDArray[np.object_]) -> NDArray[np.object_]:
    """WKB with its curves read again as lines, which GDAL draws for rows that it is asked for one by one."""
    curved = np.array([blob is not None and _is_curved(blob) for blob in blobs], dtype=bool)
    if not curved.any():
        return blobs
    _, found, lines, _ = pyogrio.raw.read(
        layer.gdal_path, layer=layer.name, columns=[], fids=fids[curved], return_fids=True
    )
    straight = dict(zip(found.tolist(), lines, strict=True))
    result = blobs.copy()
    result[curved] = [straight.get(int(f)) for f in fids[curved]]
    return result


def _is_curved(blob: bytes) -> bool:
    """True for the curved types of WKB, 8 circular string to 12 multi-surface (ISO/IEC 13249-3)."""
    (code,) = struct.unpack_from("<I" if blob[0] else ">I", blob, 1)
    return 8 <= (int(code) & 0xFFFF) % 1000 <= 12


def _from_wkb(blobs: NDArray[np.object_]) -> NDArray[np.object_]:
    """Shapes from WKB: open rings are closed, what cannot be read at all is None."""
    return np.asarray(shapely.from_wkb(blobs, on_invalid="fix"), dtype=object)


def find_text_encoding(
    layer: Layer, columns: Sequence[str], *, given: str | None, candidates: Sequence[str]
) -> FoundEncoding:
    """The encoding of a shapefile's text, from every byte of these columns; other formats say theirs: UTF-8."""
    if layer.suffix != ".shp":
        return FoundEncoding("utf-8", "format")
    texts = set[bytes]()
    for batch in read_rows(layer, columns, geometry=False):
        for column in columns:
            values = batch.frame[column]
            if not pd.api.types.is_numeric_dtype(values.dtype):
                texts.update(v.encode("latin-1") for v in values.unique() if isinstance(v, str) and not v.isascii())
    if given is not None:
        return FoundEncoding(given.lower(), "options")
    return find_encoding(texts, stated=_stated_encoding(layer), candidates=candidates)


def decode_rows(frame: pd.DataFrame, encoding: str) -> pd.DataFrame:
    """Text that `read_rows` took one byte a letter from a shapefile, decoded; lost letters become U+FFFD."""
    text_columns = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c].dtype)]
    return frame.assign(**{c: _decoded(frame[c], encoding) for c in text_columns})


def _decoded(values: pd.Series[Any], encoding: str) -> pd.Series[Any]:
    spelt = {
        v: v.encode("latin-1").decode(encoding, "replace")
        for v in values.unique()
        if isinstance(v, str) and not v.isascii()
    }
    return values.astype(object).map(lambda v: spelt.get(v, v)) if spelt else values


def _stated_encoding(layer: Layer) -> str | None:
    head = _head(layer, ".cpg")
    return head[0].decode("ascii", "ignore").strip() or None if head else None


def read_bounds(layer: Layer) -> Bounds:
    """Left, bottom, right, top of all rows, in the layer's own CRS."""
    if layer.suffix not in PARQUET:
        bounds = pyogrio.read_info(layer.gdal_path, layer=layer.name, force_total_bounds=True)["total_bounds"]
    else:
        parts = [shapely.total_bounds(batch.geometries) for batch in read_rows(layer, ())]
        bounds = [*np.nanmin(parts, axis=0)[:2], *np.nanmax(parts, axis=0)[2:]]
    left, bottom, right, top = (float(v) for v in bounds)
    return left, bottom, right, top

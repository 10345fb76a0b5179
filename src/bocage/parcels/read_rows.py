"""A layer → its rows as they stand in the file, some thousand at a time. IO, read only.

What a box or a year leaves out is left to the file: GDAL's index and SQL, row groups and columns of Parquet.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FieldError

from bocage.core.errors import CorruptFile
from bocage.parcels.crs import Bounds
from bocage.parcels.read_layer import Layer, open_bytes

BATCH_ROWS = 32_768  # some tens of MB of geometries
_NO_SHAPES = np.empty(0, dtype=object)


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


@dataclass(frozen=True)
class _Wanted:
    """What is asked of a layer; fields as the arguments of `read_rows`."""

    columns: tuple[str, ...]
    geometry: bool
    area: Bounds | None
    keep: Mapping[str, Collection[str | int]]


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
    read = _parquet_rows if layer.is_parquet else _gdal_rows
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks on rings and encodings; both are looked at by us
            yield from read(layer, _Wanted(tuple(columns), geometry, area, keep))
    except (DataSourceError, DataLayerError, FieldError, pyarrow.ArrowException, ValueError, OSError) as error:
        raise CorruptFile(f"{layer} cannot be read: {error} Download or export it again.") from error
    except (RuntimeError, shapely.errors.ShapelyError) as error:
        raise CorruptFile(f"{layer} cannot be read to its end: {error} Download or export it again.") from error


def _gdal_rows(layer: Layer, wanted: _Wanted) -> Iterator[RawRows]:
    with pyogrio.open_arrow(
        layer.gdal_path,
        layer=layer.name,
        columns=list(wanted.columns),
        read_geometry=wanted.geometry,
        bbox=wanted.area,
        where=" AND ".join(f"({_sql(column, values)})" for column, values in wanted.keep.items()) or None,
        return_fids=True,
        batch_size=BATCH_ROWS,
        use_pyarrow=True,
        encoding="ISO-8859-1" if layer.suffix == ".shp" else None,  # one byte, one letter: decoded later
    ) as (meta, reader):
        fid, shape = meta["fid_column"] or "OGC_FID", meta["geometry_name"] or "wkb_geometry"
        first = 1 if layer.suffix == ".gpkg" else 0
        for batch in reader:
            fids = batch[fid].to_numpy(zero_copy_only=False).astype(np.int64)
            blobs = batch[shape].to_numpy(zero_copy_only=False) if wanted.geometry else _NO_SHAPES
            yield RawRows(fids - first, _to_frame(batch, wanted.columns), _from_wkb(_straighten(layer, fids, blobs)))


def _sql(column: str, values: Collection[str | int]) -> str:
    name = '"' + column.replace('"', '""') + '"'
    spelt = ", ".join(str(v) if isinstance(v, int) else "'" + v.replace("'", "''") + "'" for v in sorted(values))
    return f"{name} IS NULL" + (f" OR {name} IN ({spelt})" if spelt else "")


def _parquet_rows(layer: Layer, wanted: _Wanted) -> Iterator[RawRows]:
    boxes = _covering(layer) if wanted.area is not None else ()
    columns = [*wanted.columns, *(c for c, _ in boxes), *wanted.keep, *([layer.geometry] if wanted.geometry else [])]
    with open_bytes(layer) as source:
        file, start = pq.ParquetFile(source), 0
        for number in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(number)
            at, start = start, start + group.num_rows
            if _misses(group, boxes, wanted):
                continue
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[number], columns=list(dict.fromkeys(columns))):
                chosen = _choose(batch, boxes, wanted)
                part = batch.take(pyarrow.array(chosen))
                blobs = part[layer.geometry].to_numpy(zero_copy_only=False) if wanted.geometry else _NO_SHAPES
                shapes = _from_wkb(blobs)
                if wanted.area is not None and wanted.geometry and not boxes:
                    near = np.flatnonzero(_is_near(shapely.bounds(shapes).T, wanted.area))
                    chosen, part, shapes = chosen[near], part.take(pyarrow.array(near)), shapes[near]
                yield RawRows(at + chosen, _to_frame(part, wanted.columns), shapes)
                at += len(batch)


def _covering(layer: Layer) -> tuple[tuple[str, str], ...]:
    """Column and field of a row's left, bottom, right, top; empty if a GeoParquet file has no covering."""
    covering = layer.geo.get("columns", {}).get(layer.geometry, {}).get("covering", {}).get("bbox", {})
    paths = [tuple(covering.get(side, ())) for side in ("xmin", "ymin", "xmax", "ymax")]
    return tuple((p[0], p[1]) for p in paths) if all(len(p) == 2 for p in paths) else ()


def _misses(group: pq.RowGroupMetaData, boxes: Sequence[tuple[str, str]], wanted: _Wanted) -> bool:
    """True if the statistics of a row group say that it has no row in the area, or none with a wanted value."""
    ranges = {}
    for i in range(group.num_columns):
        column = group.column(i)
        found = column.statistics
        if found is not None and found.has_min_max:
            ranges[column.path_in_schema] = (found.min, found.max, found.has_null_count and found.null_count == 0)
    if wanted.area is not None and boxes:
        low, high = (".".join(boxes[0]), ".".join(boxes[1])), (".".join(boxes[2]), ".".join(boxes[3]))
        for axis in (0, 1):
            if low[axis] in ranges and ranges[low[axis]][0] > wanted.area[axis + 2]:
                return True
            if high[axis] in ranges and ranges[high[axis]][1] < wanted.area[axis]:
                return True
    for name, values in wanted.keep.items():
        if name in ranges:
            least, most, filled = ranges[name]
            if filled and not any(isinstance(v, type(least)) and least <= v <= most for v in values):
                return True
    return False


def _choose(batch: pyarrow.RecordBatch, boxes: Sequence[tuple[str, str]], wanted: _Wanted) -> NDArray[np.int64]:
    """Positions of the rows that may be wanted."""
    hit = np.ones(len(batch), dtype=bool)
    if wanted.area is not None and boxes:
        sides = [pc.struct_field(batch[column], field) for column, field in boxes]
        hit &= _is_near(np.array([side.to_numpy(zero_copy_only=False) for side in sides], dtype=float), wanted.area)
    for name, values in wanted.keep.items():
        column = batch[name]
        column = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
        among = pc.or_(pc.is_in(column, pyarrow.array(sorted(values), column.type)), pc.is_null(column))
        hit &= among.to_numpy(zero_copy_only=False)
    chosen: NDArray[np.int64] = np.flatnonzero(hit).astype(np.int64)
    return chosen


def _is_near(sides: NDArray[np.float64], area: Bounds) -> NDArray[np.bool_]:
    """Which boxes (4, n: left, bottom, right, top) meet the area; one that is not a number does."""
    left, bottom, right, top = sides
    with np.errstate(invalid="ignore"):
        near: NDArray[np.bool_] = ~((left > area[2]) | (right < area[0]) | (bottom > area[3]) | (top < area[1]))
    return near


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


def read_bounds(layer: Layer) -> Bounds:
    """Left, bottom, right, top of all rows, in the layer's own CRS."""
    if not layer.is_parquet:
        bounds = pyogrio.read_info(layer.gdal_path, layer=layer.name, force_total_bounds=True)["total_bounds"]
    else:
        parts = [shapely.total_bounds(batch.geometries) for batch in read_rows(layer, ())]
        bounds = [*np.nanmin(parts, axis=0)[:2], *np.nanmax(parts, axis=0)[2:]]
    left, bottom, right, top = (float(v) for v in bounds)
    return left, bottom, right, top

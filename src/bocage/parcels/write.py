"""Parcels → GeoParquet 1.1 with fiboa column names. IO."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from bocage.core.errors import ConfigError, MissingFile, NothingLeft
from bocage.parcels.schema import ParcelTable, check_parcels

GROUP_ROWS = 65_536  # a row group: what a reader can skip at once
SUFFIXES = (".parquet", ".geoparquet")
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_BOX = pa.struct([pa.field(side, pa.float64()) for side in _SIDES])


class ParcelWriter:
    """One GeoParquet file, written whole or not at all: batches go in, on leaving without an error the file stands.

    Each row carries its bounding box, so that readers can skip by place.

    Raises:
        ConfigError: if the name is not one of a GeoParquet file.
        MissingFile: if a folder is there.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise ConfigError(f"'{path}' is to be a GeoParquet file. Give a name that ends in {' or '.join(SUFFIXES)}.")
        if path.is_dir():
            raise MissingFile(f"{path} is a folder. Name a file in it.")
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._writer: pq.ParquetWriter | None = None
        self._crs: Any = None
        self._types: set[str] = set()
        self._bounds = np.empty((0, 4))

    def __enter__(self) -> ParcelWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, frame: gpd.GeoDataFrame) -> None:
        """Add parcels; columns and CRS are those of the first batch."""
        geometries = frame.geometry.to_numpy()
        table = _to_arrow(frame)
        if self._writer is None:
            self._crs = frame.crs.to_json_dict()
            self._writer = pq.ParquetWriter(self._temporary, table.schema, compression="zstd", store_schema=False)
        self._writer.write_table(table.cast(self._writer.schema), row_group_size=GROUP_ROWS)
        self._types |= set(frame.geom_type.unique())
        self._bounds = np.vstack([self._bounds, shapely.total_bounds(geometries)])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            if self._writer is not None:
                self._writer.close()
            self._temporary.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._writer is None:
            raise NothingLeft(f"No parcel was written to {self._path}.")
        low, high = self._bounds[:, :2].min(axis=0), self._bounds[:, 2:].max(axis=0)
        column = {
            "encoding": "WKB",
            "geometry_types": sorted(self._types),
            "crs": self._crs,
            "bbox": [*low.tolist(), *high.tolist()],
            "covering": {"bbox": {side: ["bbox", side] for side in _SIDES}},
        }
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        self._writer.add_key_value_metadata({"geo": json.dumps(geo)})
        self._writer.close()
        self._temporary.replace(self._path)


def _to_arrow(frame: gpd.GeoDataFrame) -> pa.Table:
    """The columns of a frame, its shapes as WKB, and the box of each."""
    plain = pa.Table.from_pandas(frame.drop(columns="geometry"), preserve_index=False).replace_schema_metadata(None)
    text = [f.with_type(pa.string()) if pa.types.is_null(f.type) or _is_text(f.type) else f for f in plain.schema]
    geometries = frame.geometry.to_numpy()
    boxes = pa.StructArray.from_arrays([pa.array(side) for side in shapely.bounds(geometries).T], fields=list(_BOX))
    wkb = pa.array(shapely.to_wkb(geometries, flavor="iso"), pa.binary())
    at = frame.columns.get_loc("geometry")
    return plain.cast(pa.schema(text)).add_column(at, "geometry", wkb).append_column("bbox", boxes)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def write_parcels(table: ParcelTable | gpd.GeoDataFrame, path: Path) -> None:
    """Write parcels that are in memory; further columns behind the schema's are kept."""
    frame = table.frame if isinstance(table, ParcelTable) else table
    check_parcels(frame, origin=str(path))
    with ParcelWriter(path) as writer:
        writer.write(frame)

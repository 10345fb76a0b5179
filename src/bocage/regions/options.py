"""Options of the regions room. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bocage.core.options import Options


class RegionOptions(Options):
    """Where to look."""

    kind: Literal["scenes", "bbox", "file", "zones", "grid", "hot_cells", "landscapes", "tile_patches"] = Field(
        "scenes",
        description="scenes: wherever the scenes are; bbox: a longitude/latitude box; file: shapes of a vector file, "
        "united; zones: each shape of a vector file by its name; grid: the cells with most parcel area; hot_cells: "
        "boxes around the places where `target_classes` concentrate; landscapes: the boxes with most cropland around "
        "named places, `max_cells` of each; tile_patches: the 30 x 30 patches of a "
        "Sentinel-2 tile",
    )
    bbox: tuple[float, float, float, float] | None = Field(
        None, description="left, bottom, right, top in degrees of longitude and latitude (kind: bbox)"
    )
    path: str | None = Field(
        None,
        description="a vector file (kind: file, zones; landscapes: the places; without it the eight French landscapes "
        "of the RPG project)",
    )
    name_column: str = Field("name", description="the column that names the shapes (kind: zones, landscapes)")
    cell_m: float = Field(10_000.0, gt=0, description="side of a cell in metres (kind: grid, hot_cells, landscapes)")
    max_cells: int = Field(
        5, ge=1, description="cells that are taken, the best first (kind: grid, hot_cells; landscapes: of each place)"
    )
    landcover: tuple[str, ...] = Field(
        (),
        description="ESA WorldCover rasters, STAC items of them, or folders of GeoTIFFs, that cover the places "
        "(kind: landscapes)",
    )
    reach_m: float = Field(
        30_000.0, ge=0, description="how far, in metres, a cell's centre may be from its place (kind: landscapes)"
    )
    target_classes: tuple[str, ...] = Field(
        (), description="classes that count (kind: hot_cells needs them; grid: all but the background if empty)"
    )
    tile: str | None = Field(
        None, pattern=r"^\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2}$", description="tile such as 31TCG (kind: tile_patches)"
    )
    upper_left: tuple[float, float] | None = Field(
        None, description="x and y in metres (UTM) of the tile's upper left corner (kind: tile_patches)"
    )
    patches: tuple[tuple[int, int], ...] = Field(
        (), description="rows and columns, 0 ... 29, of the patches that are taken; empty: all (kind: tile_patches)"
    )

    @model_validator(mode="after")
    def _one_place(self) -> RegionOptions:
        if (self.kind == "bbox") != (self.bbox is not None):
            raise ValueError("`bbox` belongs to kind: bbox, and kind: bbox needs it")
        if (self.kind == "landscapes") != bool(self.landcover):
            raise ValueError("`landcover` belongs to kind: landscapes, which needs it")
        if self.kind != "landscapes" and (self.kind in ("file", "zones")) != (self.path is not None):
            raise ValueError("`path` belongs to kind: file and kind: zones, which need it")
        if (self.kind == "tile_patches") != (self.tile is not None and self.upper_left is not None):
            raise ValueError("`tile` and `upper_left` belong to kind: tile_patches, which needs both")
        if self.kind == "hot_cells" and not self.target_classes:
            raise ValueError("kind: hot_cells needs `target_classes`")
        if self.bbox is not None:
            left, bottom, right, top = self.bbox
            if not (-180 <= left < right <= 180 and -90 <= bottom < top <= 90):
                raise ValueError(f"a box is left, bottom, right, top in degrees, got {self.bbox}")
        return self

    @property
    def needs_parcels(self) -> bool:
        """Whether the parcels decide where to look."""
        return self.kind in ("grid", "hot_cells")

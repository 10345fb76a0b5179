"""Seed + country -> the land: fields as polygons, and what stands on every 5 m cell. Pure.

Blocks of land are cut out of a square by straight roads, fields out of blocks by straight cuts across their longer
side; then everything is bent by one smooth displacement, so that roads and borders curve together. Woods, villages, a
river, ponds and a quarry are laid on top, and fields give way to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from rasterio.features import rasterize
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from bocage.core.arrays import AnyArray, Bool, Float64, UInt16
from bocage.core.grid import Grid, grid_bounds, make_grid
from bocage.core.seeds import generator
from bocage.synthetic.countries import Country, Style
from bocage.synthetic.noise import smooth_noise

CELL_M = 5.0  # the land is drawn twice as fine as the finest pixel, so that edge pixels are really mixed
_BEYOND_M = 250.0  # fields go on beyond the image
_SMALLEST_FIELD_M2 = 3000.0
_ROOFS = ("red roof", "red roof", "dark roof", "bright roof")


@dataclass(frozen=True)
class Landscape:
    """The land without its crops.

    Attributes:
        grid: the 10 m image grid (UTM).
        fields: shapely polygons in the grid's CRS, object array (n,); unit numbers 0…n−1.
        surroundings: cover name of each further unit; their numbers go on from n.
        units: (2H, 2W) uint16, the unit of every 5 m cell.
        headland: (2H, 2W) bool, cells within about 10 m of the border of their field.
        damp: (n,) how low and damp a field lies, standard deviation 1.
        row_direction: (n,) radians, the direction in which each field is worked.
    """

    grid: Grid
    fields: AnyArray
    surroundings: tuple[str, ...]
    units: UInt16
    headland: Bool
    damp: Float64
    row_direction: Float64


def make_landscape(country: Country, size_px: int, seed: int) -> Landscape:
    """The land of one country; the same for all years."""
    rng = generator(seed, country.code, "landscape")
    grid = make_grid(f"EPSG:{country.epsg}", country.left_m, country.top_m, 10, (size_px, size_px))
    left, bottom, right, top = grid_bounds(grid)
    square = _rectangle(left - _BEYOND_M, bottom - _BEYOND_M, right + _BEYOND_M, top + _BEYOND_M)
    bend = _Bend(rng, left, bottom)
    style = country.style

    blocks = cut(square, rng, median_m2=45e4, spread=0.55, direction=rng.uniform(0, np.pi), skew=np.deg2rad(16))
    inner_blocks, gaps, fields, directions = [], [], [], []
    for block in blocks:
        inner = Polygon(block).buffer(-rng.choice((2.5, 3.5, 5.0)), join_style="mitre")
        if inner.is_empty:
            continue
        block_fields, direction, gap = _cut_block(np.asarray(inner.exterior.coords)[:-1], rng, style)
        inner_blocks.append(inner)
        gaps.append(gap)
        fields += block_fields
        directions += [direction] * len(block_fields)

    obstacles = _obstacles(rng, style, (left, bottom, right, top))
    bent = bend(np.array(fields, dtype=object))
    kept, directions_kept = _keep_clear(
        bent, np.array(directions), shapely.union_all([shape for _, shape in obstacles]), grid
    )
    layers = [(name, shape) for name, shape in zip(gaps, bend(np.array(inner_blocks, dtype=object)), strict=True)]
    units, surroundings = _paint(rng, grid, layers, kept, obstacles)
    return Landscape(
        grid=grid,
        fields=kept,
        surroundings=surroundings,
        units=units,
        headland=_headland(units),
        damp=_sample_noise(rng, grid, kept),
        row_direction=directions_kept,
    )


def cut(
    ring: Float64, rng: np.random.Generator, *, median_m2: float, spread: float, direction: float, skew: float
) -> list[Float64]:
    """Cut a convex ring (k, 2) into pieces of log-normal area by straight cuts, mostly across the longer side.

    Args:
        direction: radians; cuts follow it or its right angle, give or take `skew` (a standard deviation, radians).
    """
    wanted = median_m2 * np.exp(spread * rng.normal())
    if ring_area(ring) < 1.6 * wanted:
        return [ring]
    along = np.array([np.cos(direction), np.sin(direction)])
    across = np.array([-along[1], along[0]])
    longer_along = np.ptp(ring @ along) * rng.uniform(0.8, 1.25) > np.ptp(ring @ across)
    normal_angle = (direction if longer_along else direction + np.pi / 2) + skew * rng.normal()
    pieces = halve(ring, normal_angle, rng.uniform(0.36, 0.64))
    return [
        part
        for piece in pieces
        for part in cut(
            piece, rng, median_m2=median_m2, spread=spread, direction=direction + 0.3 * skew * rng.normal(), skew=skew
        )
    ]


def cut_strips(
    ring: Float64, rng: np.random.Generator, *, median_m2: float, spread: float, direction: float
) -> list[Float64]:
    """Cut a convex ring into parallel strips along `direction` (radians), of log-normal area.

    Strips are at most 700 m long (a longer ring is halved across first) and on average 35 m wide or more.
    """
    along = np.array([np.cos(direction), np.sin(direction)])
    length = float(np.ptp(ring @ along))
    if length > 700:
        halves = halve(ring, direction + 0.05 * rng.normal(), rng.uniform(0.4, 0.6))
        settings = {"median_m2": median_m2, "spread": spread, "direction": direction}
        return [strip for half in halves for strip in cut_strips(half, rng, **settings)]
    pieces, rest = list[Float64](), ring
    while True:
        wanted = max(median_m2 * np.exp(spread * rng.normal()), 35 * length)
        area = ring_area(rest)
        if area < 1.6 * wanted:
            return [*pieces, rest]
        strip, rest = halve(rest, direction + np.pi / 2 + 0.01 * rng.normal(), wanted / area)
        pieces.append(strip)


def halve(ring: Float64, normal_angle: float, fraction: float) -> tuple[Float64, Float64]:
    """Split a convex ring (k, 2) by a line of the given normal; the first piece has about `fraction` of its extent."""
    normal = np.array([np.cos(normal_angle), np.sin(normal_angle)])
    heights = ring @ normal
    heights = heights - (heights.min() + fraction * np.ptp(heights))
    below: list[Float64] = []
    above: list[Float64] = []
    for i, height in enumerate(heights):
        following, point = (i + 1) % len(ring), ring[i]
        (below if height <= 0 else above).append(point)
        if (height <= 0) != (heights[following] <= 0):
            crossing = point + (ring[following] - point) * height / (height - heights[following])
            below.append(crossing)
            above.append(crossing)
    return np.array(below), np.array(above)


def ring_area(ring: Float64) -> float:
    """Area of a simple ring (k, 2), whichever way round."""
    x, y = ring[:, 0], ring[:, 1]
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def _rectangle(left: float, bottom: float, right: float, top: float) -> Float64:
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]], dtype=np.float64)


def _cut_block(ring: Float64, rng: np.random.Generator, style: Style) -> tuple[list[Polygon], float, str]:
    """Fields of one block, the direction in which it is worked, and what lies between its fields."""
    edge = np.diff(np.vstack([ring, ring[:1]]), axis=0)
    longest = edge[np.argmax(np.hypot(edge[:, 0], edge[:, 1]))]
    direction = float(np.arctan2(longest[1], longest[0]))
    median = 1.25e4 * style.field_ha * np.exp(0.3 * rng.normal())
    if rng.random() < style.strips:
        rings = cut_strips(ring, rng, median_m2=median, spread=0.6 * style.field_spread, direction=direction)
    else:
        skew = np.deg2rad(style.skew_deg)
        rings = cut(ring, rng, median_m2=median, spread=style.field_spread, direction=direction, skew=skew)
    hedged = rng.random() < style.hedges
    widths = rng.uniform(1.5, 6.0, len(rings)) if hedged else rng.uniform(0.5, 2.0, len(rings))
    fields = [Polygon(r).buffer(-w, join_style="mitre") for r, w in zip(rings, widths, strict=True) if len(r) > 2]
    gap = "hedge" if hedged else str(rng.choice(("margin", "margin", "track")))
    return [f for f in fields if f.geom_type == "Polygon" and f.area > _SMALLEST_FIELD_M2], direction, gap


class _Bend:
    """One smooth displacement of the whole plane, so that straight cuts become a grown landscape."""

    def __init__(self, rng: np.random.Generator, left: float, bottom: float) -> None:
        lengths = np.exp(rng.uniform(np.log(350), np.log(2600), 14))
        angles = rng.uniform(0, 2 * np.pi, 14)
        self._waves = 2 * np.pi / lengths * np.array([np.cos(angles), np.sin(angles)])
        self._phases = rng.uniform(0, 2 * np.pi, (2, 14))
        self._heights = 0.012 * lengths * rng.normal(size=(2, 14))
        self._origin = np.array([left, bottom])

    def __call__(self, shapes: AnyArray) -> AnyArray:
        def move(points: Float64) -> Float64:
            phase = (points - self._origin) @ self._waves
            shift = [(np.sin(phase + self._phases[axis]) * self._heights[axis]).sum(axis=1) for axis in (0, 1)]
            return np.asarray(points + np.stack(shift, axis=1))

        dense = shapely.segmentize(shapes, 35.0)
        return np.asarray(shapely.make_valid(shapely.transform(dense, move)), dtype=object)


def _obstacles(
    rng: np.random.Generator, style: Style, bounds: tuple[float, float, float, float]
) -> list[tuple[str, BaseGeometry]]:
    """What fields give way to, in painting order: (cover, shape)."""
    left, bottom, right, top = bounds
    side = right - left
    area_km2 = (side / 1000) ** 2

    def spots(per_km2: float, *, always: bool = False) -> Float64:
        n = max(int(rng.poisson(per_km2 * area_km2)), int(always and area_km2 > 4))
        return np.column_stack([rng.uniform(left, right, n), rng.uniform(bottom, top, n)])

    woods = [blob(rng, x, y, np.exp(rng.normal(np.log(130), 0.6))) for x, y in spots(style.woods_per_km2, always=True)]
    groves = [blob(rng, x, y, rng.uniform(20, 45)) for x, y in spots(0.8)]
    villages = [blob(rng, x, y, rng.uniform(110, 330)) for x, y in spots(style.villages_per_km2, always=True)]
    farms = [blob(rng, x, y, rng.uniform(28, 50)) for x, y in spots(0.5)]
    quarries = [blob(rng, x, y, rng.uniform(60, 140)) for x, y in spots(0.03)]
    ponds = [blob(rng, x, y, rng.uniform(30, 120)) for x, y in spots(0.06)]
    river = _river(rng, bounds)
    banks = river.buffer(rng.uniform(24, 40))
    stream = river.buffer(rng.uniform(9, 18))
    return [
        ("wood", shapely.union_all([*woods, *groves, banks])),
        ("quarry", shapely.union_all(quarries)),
        ("village", shapely.union_all([*villages, *farms])),
        ("water", shapely.union_all([stream, *ponds])),
    ]


def blob(rng: np.random.Generator, x: float, y: float, radius_m: float) -> BaseGeometry:
    """A round-ish shape: a circle whose radius wanders."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radii = np.ones_like(angles)
    for k in range(2, 7):
        radii += rng.normal(0, 0.35 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    radii = radius_m * np.clip(radii, 0.3, 2)
    return shapely.make_valid(Polygon(np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])))


def _river(rng: np.random.Generator, bounds: tuple[float, float, float, float]) -> LineString:
    """A meandering line right across the image."""
    left, bottom, right, top = bounds
    side, centre = right - left, np.array([(left + right) / 2, (bottom + top) / 2])
    angle = rng.uniform(0, np.pi)
    along = np.linspace(-0.8, 0.8, 260) * side
    offset = rng.uniform(-0.3, 0.3) * side + np.zeros_like(along)
    for length in (2600.0, 1100.0, 480.0):
        offset += 0.09 * length * rng.normal(1, 0.3) * np.sin(2 * np.pi * along / length + rng.uniform(0, 2 * np.pi))
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return LineString(centre + np.column_stack([along, offset]) @ axes)


def _keep_clear(fields: AnyArray, directions: Float64, obstacles: BaseGeometry, grid: Grid) -> tuple[AnyArray, Float64]:
    """Fields minus obstacles, largest part only, without slivers and without those off the image."""
    shapely.prepare(obstacles)
    touched = shapely.intersects(fields, obstacles)
    fields = fields.copy()
    fields[touched] = shapely.difference(fields[touched], obstacles)
    parts, owner = shapely.get_parts(fields, return_index=True)
    areas = np.where(shapely.get_type_id(parts) == 3, shapely.area(parts), 0)
    order = np.lexsort((-areas, owner))
    firsts = order[np.unique(owner[order], return_index=True)[1]]
    on_image = shapely.intersects(parts, shapely.box(*grid_bounds(grid)))
    roomy = areas > _SMALLEST_FIELD_M2
    thick = ~shapely.is_empty(shapely.buffer(parts, -9.0))
    chosen = np.array([i for i in firsts if on_image[i] and roomy[i] and thick[i]], dtype=np.int64)
    return parts[chosen], directions[owner[chosen]]


def _paint(
    rng: np.random.Generator,
    grid: Grid,
    layers: list[tuple[str, BaseGeometry]],
    fields: AnyArray,
    obstacles: list[tuple[str, BaseGeometry]],
) -> tuple[UInt16, tuple[str, ...]]:
    """The unit of every 5 m cell, and the covers of the units that are no fields."""
    shape = (2 * int(grid.shape[0]), 2 * int(grid.shape[1]))
    transform = make_grid(str(grid.crs), grid.affine.c, grid.affine.f, CELL_M, shape).affine
    names = ["road", "track", "margin", "hedge", "water", "quarry", "garden", "garden", *_ROOFS, *["wood"] * 12]
    first = len(fields)
    number = {name: first + names.index(name) for name in names}
    roofs = first + names.index(_ROOFS[0])
    woods = first + names.index("wood")

    units = np.full(shape, number["road"], dtype=np.uint16)
    burns = [(shape_, number[name]) for name, shape_ in layers] + [(f, i) for i, f in enumerate(fields)]
    rasterize(burns, out=units, transform=transform)
    for name, obstacle in obstacles:
        if obstacle.is_empty:
            continue
        inside = rasterize([obstacle], out_shape=shape, transform=transform).astype(bool)
        if name == "village":
            units[inside] = _village(rng, shape, number, roofs)[inside]
        elif name == "wood":
            steps = np.floor(2 * smooth_noise(rng, shape, 50)) + 5 * np.floor(2 * smooth_noise(rng, shape, 30))
            units[inside] = (woods + (steps % 12).astype(np.uint16))[inside]
        else:
            units[inside] = number[name]
    return units, tuple(names)


def _village(rng: np.random.Generator, shape: tuple[int, int], number: dict[str, int], first_roof: int) -> UInt16:
    """Houses of one to three cells among gardens, trees and streets."""
    patches, streets = smooth_noise(rng, shape, 2.2), smooth_noise(rng, shape, 14)
    village = np.full(shape, number["garden"], dtype=np.uint16)
    village[smooth_noise(rng, shape, 5) > 0.6] = number["wood"]
    kind = (first_roof + np.clip(2 + 1.1 * smooth_noise(rng, shape, 3), 0, len(_ROOFS) - 1)).astype(np.uint16)
    village = np.where(patches > 0.35, kind, village)
    village[np.abs(streets) < 0.10] = number["road"]
    return village


def _headland(units: UInt16) -> Bool:
    """Cells with another unit two cells away in any of the four directions."""
    edge = np.zeros(units.shape, dtype=bool)
    for axis in (0, 1):
        for step in (-2, 2):
            edge |= np.roll(units, step, axis=axis) != units
    return edge


def _sample_noise(rng: np.random.Generator, grid: Grid, fields: AnyArray) -> Float64:
    """Smooth noise with a grain of 1.2 km at the centre of every field."""
    field = smooth_noise(rng, (int(grid.shape[0]), int(grid.shape[1])), 120)
    centres = shapely.get_coordinates(shapely.centroid(fields))
    left, _, _, top = grid_bounds(grid)
    cols, rows = (centres[:, 0] - left) // 10, (top - centres[:, 1]) // 10
    picked = field[np.clip(rows.astype(int), 0, field.shape[0] - 1), np.clip(cols.astype(int), 0, field.shape[1] - 1)]
    return np.asarray(picked, dtype=np.float64)

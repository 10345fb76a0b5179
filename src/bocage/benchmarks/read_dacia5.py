"""DACIA5 as published -> samples. IO, read only.

    Dataset/Images_Sentinel2_GeoTIFF/Sentinel2_<yyyy>/Sentinel2_L2A_<yyyymmdd>.tif   uint16, 12 bands, 800 × 450
    Dataset/Masks_and_legend/Sentinel2_<yyyy>/Labels_mask_<yyyy>.png                  uint8 800 × 450, ids 0–17

Every scene is cut into windows of 256 pixels with border-aligned ones, 8 a scene. The masks show the fields of one
institute only: what is 0 there may well be a crop, so `crop_pixels` comes first. The order of the bands is not
published: it is a setting, which a product of one of the dates verifies.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from pydantic import Field, field_validator
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RasterWindow

from bocage.benchmarks.band_order import compare_order, find_band_order
from bocage.benchmarks.benchmark import BENCHMARKS, Benchmark, Collection, Entry, Verification, View
from bocage.benchmarks.crosswalks import TAXONOMY, read_class_table, target_lookup, target_names, unknown_ids
from bocage.benchmarks.read_arrays import days_since_epoch, is_whole_png
from bocage.benchmarks.write_dacia5 import write_dacia5
from bocage.core.arrays import BACKGROUND, IGNORE, SCALE, Bool, UInt8, UInt16
from bocage.core.bands import DEFAULT_BANDS
from bocage.core.errors import ConfigError, CorruptFile, NothingLeft
from bocage.core.grid import Window, grid_window, make_grid
from bocage.core.options import Options
from bocage.core.sample import Origin, Sample
from bocage.core.tally import Tally
from bocage.cubes.read import read_bands
from bocage.patches.windows import plan_windows
from bocage.scenes.read import check_scene_files, open_scene

SHAPE = (800, 450)
WINDOW_PX = 256
MIN_CROP_PX = 1000  # of the EuroCrops paper
N_BANDS = 12
# Not documented; the mean reflectance of the published patches fits this order.
BAND_ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
BASELINE_04 = date(2022, 1, 25)  # first day of processing baseline 04.00 in ESA's production

_IMAGE = re.compile(r"Sentinel2_L2A_(\d{4})(\d{2})(\d{2})\.tif$")
_TABLE = read_class_table("dacia5")
OUT_OF_SEASON = "out of season"
PUBLISHED = {"scenes": 172, "windows": 1376, "retained windows": 1172, "in season": 778}
PROTOCOLS = ("crop_pixels", "all_pixels", "present_classes")
VIEWS = {
    TAXONOMY: View(TAXONOMY, "EuroCrops paper: its Table 7 classes", target_names(), DEFAULT_BANDS, PROTOCOLS),
    "native": View("native", "the 17 APIA classes", tuple(_TABLE.names.values()), DEFAULT_BANDS, PROTOCOLS),
}


class Dacia5Options(Options):
    """How DACIA5 is read."""

    bands: tuple[str, ...] = Field(BAND_ORDER, description="The bands of the GeoTIFFs, in order.", min_length=1)
    season: Literal["april-september", "all"] = Field(
        "april-september", description="Which scenes are judged: those of the EuroCrops paper, or all."
    )
    offset_from_2022: int = Field(
        0, description="DN to add to scenes from 25 January 2022 on; −1000 if they still carry the offset.", le=0
    )

    @field_validator("bands")
    @classmethod
    def _each_once(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        if sorted(bands) != sorted(BAND_ORDER):
            raise ValueError(f"an order of {', '.join(BAND_ORDER)} is wanted, each once; got {', '.join(bands)}")
        return bands


def list_scenes(path: Path) -> list[tuple[date, Path]]:
    """Scenes of all years by date; `path` is the folder above or named `Dataset`."""
    found = []
    for file in (_root(path) / "Images_Sentinel2_GeoTIFF").glob("Sentinel2_*/*.tif"):
        if match := _IMAGE.search(file.name):
            found.append((date(*map(int, match.groups())), file))
    return sorted(found)


def check_dacia5(path: Path, options: Dacia5Options) -> list[str]:
    """Every scene read as a whole (a truncated file shows only then), every mask with its ids."""
    scenes = list_scenes(path)
    if not scenes:
        return [f"no Dataset/Images_Sentinel2_GeoTIFF/Sentinel2_<year>/Sentinel2_L2A_<date>.tif under {path}"]
    problems: list[str] = []
    for year in sorted({day.year for day, _ in scenes}):
        problems += _check_mask(_mask_path(path, year))
    for _, file in scenes:
        problems += _check_scene(file)
    return problems


def _check_mask(file: Path) -> list[str]:
    if not file.is_file():
        return [f"{file.name} is missing"]
    try:
        mask = _read_mask(file)
    except CorruptFile as error:
        return [str(error)]
    if mask.shape != SHAPE:
        return [f"{file.name} has the shape {mask.shape}, expected {SHAPE}"]
    unknown = unknown_ids(mask, "dacia5")
    return [f"{file.name}: labels {unknown} are not in the legend 0–17"] if unknown else []


def _check_scene(file: Path) -> Iterator[str]:
    try:
        with rasterio.open(file) as raster:
            found = (raster.count, raster.height, raster.width, raster.dtypes[0])
            if found != (N_BANDS, *SHAPE, "uint16"):
                yield f"{file.name} has (bands, rows, columns, type) {found}, expected {(N_BANDS, *SHAPE, 'uint16')}"
            raster.read()
    except RasterioError as error:
        yield f"{file.name} is truncated or no GeoTIFF ({error})"


def open_dacia5(path: Path, view: str, options: Dacia5Options) -> Collection:
    """Windows of all scenes, those without enough crop or out of season counted by reason."""
    lookup = _lookup(view)
    windows = plan_windows(SHAPE, WINDOW_PX)
    entries, verdicts = [], list[str | None]()
    for day, file in list_scenes(path):
        labels = lookup[_read_mask(_mask_path(path, day.year))]
        for i, window in enumerate(windows):
            verdict = judge_window(labels[window.slices], day, options)
            verdicts.append(verdict)
            if verdict is None:
                entries.append(Entry(f"{day:%Y%m%d}_{i}", str(day.year), f"window {i}", (file, day, window)))
    read = partial(_read_window, path, view, options)
    return Collection(VIEWS[view], tuple(entries), Tally.count(verdicts), read)


def count_dacia5(path: Path, options: Dacia5Options) -> dict[str, int]:
    """Scenes, windows, windows with enough crop whatever their season, and those in season: the paper's counts."""
    tally = open_dacia5(path, TAXONOMY, options).tally
    retained = tally.kept + tally.dropped.get(OUT_OF_SEASON, 0)
    counts = (len(list_scenes(path)), tally.kept + tally.n_dropped, retained, tally.kept)
    return dict(zip(PUBLISHED, counts, strict=True))


def judge_window(labels: UInt8, day: date, options: Dacia5Options) -> str | None:
    """Why a window is left out, or None: the rules of the EuroCrops paper, in its order."""
    if (labels == IGNORE).all():
        return "only ignored labels"
    if (labels == BACKGROUND).all():
        return "only background"
    if ((labels != BACKGROUND) & (labels != IGNORE)).sum() < MIN_CROP_PX:
        return f"fewer than {MIN_CROP_PX} crop pixels"
    if options.season != "all" and not 4 <= day.month <= 9:
        return OUT_OF_SEASON
    return None


def verify_dacia5(path: Path, product: Path, options: Dacia5Options) -> Verification:
    """Compare the scene of a product's date with the product: order of the bands, and the offset.

    Raises:
        ConfigError: if the product is of level 1C, or of a day without a scene.
        MissingFile, MissingBand, CorruptFile, GridMismatch: if the product cannot be read on the scene's grid.
        NothingLeft: if the two share no pixel.
    """
    scene = open_scene(product)
    day = scene.datetime.date()
    files = dict(list_scenes(path))
    if scene.level != "L2A" or day not in files:
        found = min(files, key=lambda d: abs(d - day), default=None)
        why = f"is {scene.level}" if scene.level != "L2A" else f"is of {day}, and there is no such scene"
        raise ConfigError(f"{scene.id} {why}. Give a level 2A product of one of the dates, such as {found}.")
    check_scene_files([scene], there := [band for band in BAND_ORDER if band in scene.assets])
    layers, grid = _read_scene_window(files[day], Window(0, 0, *SHAPE), tuple(range(1, N_BANDS + 1)))
    seen: Bool = np.any(layers > 0, axis=0)
    bands = {}
    for band, dn in read_bands(scene, there, grid):
        bands[band] = ((dn + scene.offset_of(band)) / scene.quantification).astype(np.float32)
        seen &= dn > 0
    if not seen.any():
        raise NothingLeft(f"{scene.id} has no data where {files[day].name} has. Give a product of its tile.")
    order = find_band_order(layers, bands, seen, options.bands)
    expected = options.offset_from_2022 if day >= BASELINE_04 else 0
    summary = f"{files[day].name} against {scene.id}: bands {', '.join(order.found)}, {order.offset} DN to add"
    return Verification(tuple(compare_order(order, offset=expected)), summary, order.to_json())


def _read_window(path: Path, view: str, options: Dacia5Options, entry: Entry) -> Sample:
    file, day, window = entry.key
    stored, grid = _read_scene_window(file, window, tuple(options.bands.index(b) + 1 for b in DEFAULT_BANDS))
    valid: Bool = np.any(stored > 0, axis=0)  # no data is 0 in all bands
    offset = options.offset_from_2022 if day >= BASELINE_04 else 0
    image = np.where(valid, (stored.astype(np.float32) + offset) / np.float32(SCALE), np.float32(0))
    mask = _read_mask(_mask_path(path, day.year))[window.slices]
    origin = Origin(entry.sample_id, "RO", day.year, "", (file.stem,), grid)
    days = np.array([days_since_epoch(day)], np.int32)
    parcels = np.zeros(mask.shape, np.uint32)  # the masks tell classes, not parcels
    image = image.astype(np.float32)[None]
    return Sample(image, valid[None], _lookup(view)[mask], parcels, days, DEFAULT_BANDS, origin)


def _read_scene_window(file: Path, window: Window, indexes: tuple[int, ...]) -> tuple[UInt16, Any]:
    with rasterio.open(file) as raster:
        cut = RasterWindow(window.col, window.row, window.width, window.height)
        stored: UInt16 = raster.read(list(indexes), window=cut)
        left, top, step = raster.transform.c, raster.transform.f, raster.transform.a
        grid = make_grid(str(raster.crs), left, top, step, SHAPE) if raster.crs else None
    return stored, grid_window(grid, window) if grid is not None else None


def _lookup(view: str) -> UInt8:
    return target_lookup("dacia5") if view == TAXONOMY else np.arange(256, dtype=np.uint8)


def _read_mask(file: Path) -> UInt8:
    return _read_mask_as_of(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read_mask_as_of(file: Path, _changed_ns: int) -> UInt8:
    """The time of change is there for the cache: a mask that was fetched again is read again."""
    if not is_whole_png(file.read_bytes()):
        raise CorruptFile(f"{file.name} is truncated or no PNG. Get it again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a plain picture
            with rasterio.open(file) as raster:
                return np.asarray(raster.read(1), np.uint8)
    except RasterioError as error:
        raise CorruptFile(f"{file.name} cannot be read ({error}). Get it again.") from error


def _root(path: Path) -> Path:
    return path / "Dataset" if (path / "Dataset").is_dir() else path


def _mask_path(path: Path, year: int) -> Path:
    return _root(path) / "Masks_and_legend" / f"Sentinel2_{year}" / f"Labels_mask_{year}.png"


BENCHMARKS.register("dacia5")(
    Benchmark(
        name="dacia5",
        title="DACIA5: 172 scenes near Brașov, Romania, 2020–2024, with yearly crop masks",
        where="https://doi.org/10.5281/zenodo.14283243 (1.1 GB); unpack it and give the folder that holds Dataset/",
        licence="see the record on Zenodo",
        source="Băicoianu et al. 2025, Big Earth Data",
        options=Dacia5Options,
        views=VIEWS,
        check=check_dacia5,
        open=open_dacia5,
        write_miniature=write_dacia5,
        verify=verify_dacia5,
        published=PUBLISHED,
        count=count_dacia5,
    )
)

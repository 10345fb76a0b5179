"""A small area in memory, mapped window by window."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely.geometry import box

from bocage.core.arrays import to_stored
from bocage.core.errors import ConfigError, DataError, MissingBand, NothingLeft
from bocage.core.grid import Window, full_window, grid_to_json, grid_window, make_grid
from bocage.cubes.quality import UNCLEAR
from bocage.cubes.store import Cube, CubeWriter, open_cube
from bocage.mapping.ensemble import Augmented, Ensemble
from bocage.mapping.map_area import map_area
from bocage.mapping.options import MappingOptions
from bocage.mapping.predict import predict_bands
from bocage.models.options import ContextForestOptions
from bocage.models.predictor import reach_of
from bocage.models.trees.forests import build_forest, context_features
from bocage.models.trees.predictor import ForestPredictor

CLASSES = ("background", "wheat", "maize")
COLORS = ("#000000", "#ffcc00", "#00aa55")
LEFT, TOP = 500_000.0, 5_000_000.0


class Memory:
    """A cube store in memory."""

    def __init__(self, reflectance: np.ndarray, valid: np.ndarray, bands: tuple[str, ...] = ("B04", "B08")) -> None:
        self.reflectance = reflectance.astype(np.float32)
        self.quality = np.where(valid, 0, UNCLEAR).astype(np.uint8)
        self.bands = bands
        self.days = np.arange(len(reflectance), dtype=np.int32)
        self.shape = reflectance.shape
        self.grid = make_grid("EPSG:32631", LEFT, TOP, 10, reflectance.shape[2:])

    def read(self, window: Window | None = None, dates: list[int] | None = None) -> Cube:
        window = window or full_window(self.grid)
        chosen = list(range(len(self.days))) if dates is None else dates
        part, quality = self.reflectance[chosen], self.quality[chosen]
        return Cube(
            part[(..., *window.slices)],
            quality[(..., *window.slices)],
            self.days[chosen],
            self.bands,
            grid_window(self.grid, window),
        )


class Level:
    """Reads B08 only: background below 0.2, wheat below 0.4, else maize, softly and pixel by pixel."""

    bands, class_names, n_dates = ("B08",), CLASSES, 1

    def predict_proba(self, image: np.ndarray, valid: np.ndarray, days: np.ndarray) -> np.ndarray:
        assert image.shape[1:3] == (1, 1)
        distance = np.abs(image[:, 0] - np.array([0.1, 0.3, 0.5], np.float32)[None, :, None, None])
        weights = np.exp(-20 * distance)
        return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


class Constant:
    """Always says maize, with 0.7; any number of dates."""

    bands, class_names, n_dates = ("B04",), CLASSES, None

    def predict_proba(self, image: np.ndarray, valid: np.ndarray, days: np.ndarray) -> np.ndarray:
        b, _, _, h, w = image.shape
        shares = np.array([0.1, 0.2, 0.7], np.float32)
        return np.broadcast_to(shares[:, None, None], (b, 3, h, w)).copy()


def area(n_dates: int = 1, shape: tuple[int, int] = (90, 130), seed: int = 0) -> Memory:
    rng = np.random.default_rng(seed)
    return Memory(rng.uniform(0, 0.6, (n_dates, 2, *shape)), np.ones((n_dates, *shape), bool))


SMALL = MappingOptions(window_px=32, overlap_px=8)


def test_a_constant_model_gives_a_constant_map(tmp_path: Path) -> None:
    record = map_area(Constant(), area(n_dates=2), None, tmp_path, SMALL, colors=COLORS)
    with rasterio.open(tmp_path / "class_map.tif") as classes, rasterio.open(tmp_path / "confidence.tif") as sure:
        assert (classes.read(1) == 2).all()
        assert (sure.read(1) == 70).all()
    assert record["px_by_class"] == {"background": 0, "wheat": 0, "maize": 90 * 130}
    assert record["parcels"] is None
    assert json.loads((tmp_path / "map.json").read_text()) == record


def test_maps_are_cogs_with_overviews_colours_and_names_on_the_cubes_grid(tmp_path: Path) -> None:
    cube = area(shape=(300, 280))
    map_area(Level(), cube, None, tmp_path, MappingOptions(), colors=COLORS)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "areas.csv",
        "class_map.qml",
        "class_map.tif",
        "confidence.tif",
        "item.json",
        "legend.csv",
        "map.json",
    ]
    with rasterio.open(tmp_path / "class_map.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.overviews(1) == [2]
        assert raster.colormap(1)[1] == (255, 204, 0, 255)
        assert raster.colormap(1)[255][3] == 0
        assert raster.nodata == 255
        assert raster.tags(1)["CLASS_2"] == "maize"
        assert raster.crs.to_epsg() == 32631
        assert raster.transform == cube.grid.affine
        expected = np.digitize(cube.reflectance[0, 1], [0.2, 0.4])
        assert (raster.read(1) == expected).all()
    with rasterio.open(tmp_path / "confidence.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (raster.nodata, raster.dtypes[0], raster.read(1).max()) == (255, "uint8", 98)


def test_two_tilings_give_one_map() -> None:
    cube = area()
    whole, tiled = (
        np.concatenate([band.probabilities for band in predict_bands(Level(), cube, options)], axis=1)
        for options in (MappingOptions(), SMALL)
    )
    assert whole.shape == tiled.shape == (3, 90, 130)
    assert np.abs(whole - tiled).max() < 1e-5


def test_the_tiling_of_a_forest_that_looks_around_leaves_no_trace() -> None:
    """Its reach is known: each pixel comes from a window that holds all that it looks at, and nothing is blended."""
    rng, cube, options = np.random.default_rng(0), area(), ContextForestOptions(n_trees=5, context_bands=("B08",))
    features = context_features(options, ("B04", "B08"))
    labels = rng.integers(3, size=200)
    forest = build_forest(options, 0, 1).fit(rng.uniform(0, 0.6, (200, features.count(1))), labels)
    predictor = ForestPredictor(forest, features, class_names=CLASSES, n_dates=1)
    assert reach_of(Augmented(Ensemble([predictor, predictor]))) == 3
    whole, tiled = (
        np.concatenate([band.probabilities for band in predict_bands(predictor, cube, options)], axis=1)
        for options in (MappingOptions(window_px=512), MappingOptions(window_px=32, overlap_px=16))
    )
    assert np.abs(whole - tiled).max() < 1e-6


def test_a_single_date_model_averages_over_the_dates_on_which_a_pixel_is_valid(tmp_path: Path) -> None:
    """Four pixels: valid on both dates, on the first, on the second, on none."""
    reflectance = np.zeros((2, 2, 1, 4))
    reflectance[0, 1], reflectance[1, 1] = 0.1, 0.5
    valid = np.array([[[True, True, False, False]], [[True, False, True, False]]])
    cube = Memory(reflectance, valid)
    (band,) = predict_bands(Level(), cube, MappingOptions())
    background, maize = (
        Level().predict_proba(np.full((1, 1, 1, 1, 1), v, np.float32), None, None).ravel() for v in (0.1, 0.5)
    )
    assert band.probabilities[:, 0, 0] == pytest.approx((background + maize) / 2)
    assert band.probabilities[:, 0, 1] == pytest.approx(background)
    assert band.probabilities[:, 0, 2] == pytest.approx(maize)
    assert band.seen.tolist() == [[True, True, True, False]]
    record = map_area(Level(), cube, None, tmp_path, MappingOptions(), colors=COLORS)
    with rasterio.open(tmp_path / "class_map.tif") as raster:
        assert raster.read(1).tolist() == [[0, 0, 2, 255]]
    with rasterio.open(tmp_path / "confidence.tif") as raster:
        assert raster.read(1)[0, 3] == 255
    assert record["n_unseen_px"] == 1


def test_invalid_observations_reach_the_model_as_zero() -> None:
    seen_by_model = []

    class Spy(Constant):
        def predict_proba(self, image: np.ndarray, valid: np.ndarray, days: np.ndarray) -> np.ndarray:
            seen_by_model.append(image)
            return super().predict_proba(image, valid, days)

    cube = Memory(np.full((2, 2, 1, 2), 0.9), np.array([[[True, False]], [[True, True]]]))
    list(predict_bands(Spy(), cube, MappingOptions()))
    assert seen_by_model[0].shape == (1, 2, 1, 1, 2)  # a series model sees all dates at once, its own band only
    assert seen_by_model[0][0, :, 0, 0].tolist() == [[pytest.approx(0.9), 0.0], [pytest.approx(0.9)] * 2]


def parcels(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Declared wheat; boxes in pixels (left, top, right, bottom), given in Lambert-93 as France publishes."""
    shapes = [box(LEFT + 10 * x0, TOP - 10 * y1, LEFT + 10 * x1, TOP - 10 * y0) for x0, y0, x1, y1 in boxes]
    n = len(shapes)
    frame = gpd.GeoDataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "number": np.arange(1, n + 1, dtype=np.uint32),
            "area": 1.0,
            "class_id": np.uint8(1),
            "class_name": "wheat",
        },
        geometry=shapes,
        crs="EPSG:32631",
    )
    return frame.to_crs("EPSG:2154")


def test_every_parcel_votes_with_its_pixels_across_bands_of_rows(tmp_path: Path) -> None:
    reflectance = np.full((1, 2, 80, 40), 0.1)
    reflectance[:, 1, 0:36, 0:10] = 0.3  # wheat on 36 of the 40 rows of the first parcel
    valid = np.ones((1, 80, 40), bool)
    valid[:, 60:70] = False
    frame = parcels((0, 0, 10, 40), (20, 10, 30, 20), (0, 60, 10, 70), (500, 500, 510, 510))
    options = MappingOptions(window_px=32, overlap_px=8)
    record = map_area(Level(), Memory(reflectance, valid), frame, tmp_path, options, colors=COLORS)
    votes = gpd.read_parquet(tmp_path / record["parcels"])
    assert votes["id"].tolist() == ["p0", "p1"]
    assert votes["predicted_class"].tolist() == ["wheat", "background"]
    assert votes["predicted_class_id"].tolist() == [1, 0]
    assert votes["declared_class"].tolist() == ["wheat", "wheat"]
    assert votes["n_px"].tolist() == [400, 100]
    assert votes["agreeing_fraction"].tolist() == [0.9, 1.0]
    sure, other = (Level().predict_proba(np.full((1, 1, 1, 1, 1), v), None, None)[0, 1, 0, 0] for v in (0.3, 0.1))
    assert votes["confidence"][0] == pytest.approx(0.9 * sure + 0.1 * other)
    assert votes.crs.to_epsg() == 2154
    assert record["tally"] == {"kept": 2, "dropped": {"outside the map": 1, "no pixel with a valid date": 1}}
    near, cube = frame[:3], Memory(reflectance, valid)
    again = map_area(Level(), cube, near, tmp_path / "near", options, colors=COLORS, n_elsewhere=1)
    assert again["tally"] == record["tally"]
    pd.testing.assert_frame_equal(gpd.read_parquet(tmp_path / "near" / again["parcels"]), votes)


def test_every_parcel_has_its_ndvi_on_every_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three dates: NDVI 0.5 on the first, 0.5 and 0 half by half on the second, of which the lower rows are cloudy."""
    reflectance = np.full((3, 2, 80, 40), 0.1)
    reflectance[0, 1], reflectance[1, 1, :, 0:5] = 0.3, 0.3
    valid = np.ones((3, 80, 40), bool)
    valid[1, 20:], valid[2, 0:40] = False, False
    frame = parcels((0, 0, 10, 40), (20, 10, 30, 20))
    monkeypatch.setattr("bocage.mapping.ndvi.STRIP_ROWS", 32)
    record = map_area(Level(), Memory(reflectance, valid), frame, tmp_path, SMALL, colors=COLORS)
    votes = gpd.read_parquet(tmp_path / record["parcels"])
    assert [d.isoformat() for d in votes["ndvi_date"][0]] == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert votes["ndvi_n_px"].map(list).tolist() == [[400, 200, 0], [100, 100, 0]]
    assert np.stack(votes["ndvi"]) == pytest.approx(np.array([[0.5, 0.25, np.nan], [0.5, 0, np.nan]]), nan_ok=True)
    geopackage = tmp_path / record["parcels_gpkg"]
    plain = gpd.read_file(geopackage, layer="parcels")
    wanted = ["confidence", "agreeing_fraction", "second_class", "second_confidence"]
    pd.testing.assert_frame_equal(pd.DataFrame(plain[wanted]), pd.DataFrame(votes[wanted]), check_dtype=False)
    series = gpd.read_file(geopackage, layer="ndvi")
    assert list(series.columns) == ["id", "date", "ndvi", "n_px"]
    assert series["id"].tolist() == ["p0"] * 3 + ["p1"] * 3
    assert [d.isoformat()[:10] for d in series["date"][:3]] == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert series["ndvi"].isna().tolist() == [False, False, True] * 2
    only_nir = Memory(reflectance[:, 1:], valid, ("B08",))
    bare = map_area(Level(), only_nir, frame, tmp_path / "bare", SMALL, colors=COLORS)
    assert "ndvi" not in gpd.read_parquet(tmp_path / "bare" / bare["parcels"])


def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    cube = area(n_dates=2)
    with pytest.raises(MissingBand, match="missing: B04"):
        map_area(
            Constant(),
            Memory(cube.reflectance, cube.quality == 0, ("B02", "B08")),
            None,
            tmp_path,
            SMALL,
            colors=COLORS,
        )
    series = Constant()
    series.n_dates = 5
    with pytest.raises(DataError, match="takes 5 dates, but the cube has 2"):
        map_area(series, cube, None, tmp_path, SMALL, colors=COLORS)
    with pytest.raises(ConfigError, match="2 colours for 3 classes"):
        map_area(Constant(), cube, None, tmp_path, SMALL, colors=COLORS[:2])
    with pytest.raises(NothingLeft, match="None of 1 parcels lies on the map"):
        map_area(Constant(), cube, parcels((900, 900, 910, 910)), tmp_path, SMALL, colors=COLORS)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_fails_half_way_leaves_no_map(tmp_path: Path) -> None:
    class Fails(Constant):
        calls = 0

        def predict_proba(self, image: np.ndarray, valid: np.ndarray, days: np.ndarray) -> np.ndarray:
            self.calls += 1
            if self.calls > 6:
                raise MemoryError
            return super().predict_proba(image, valid, days)

    with pytest.raises(MemoryError):
        map_area(Fails(), area(), None, tmp_path, SMALL, colors=COLORS)
    assert list(tmp_path.iterdir()) == []


def test_a_cube_on_disk_is_mapped_like_one_in_memory(tmp_path: Path) -> None:
    memory = area(n_dates=2, shape=(50, 40))
    memory.quality[1, 10:20] = UNCLEAR
    writer = CubeWriter(tmp_path / "cube", memory.shape, "digest")
    for i, scene in enumerate(("first", "second")):
        stored = to_stored(memory.reflectance[i], np.ones((50, 40), bool))
        writer.put(i, Window(0, 0, 50, 40), stored, memory.quality[i])
        writer.keep(scene, {})
    about = {"grid": grid_to_json(memory.grid), "bands": memory.bands, "days": memory.days.tolist()}
    writer.finish({**about, "scenes": ["first", "second"], "tile": "31TEJ", "level": "L2A"})
    for name, cube in {"disk": open_cube(tmp_path / "cube"), "memory": memory}.items():
        map_area(Level(), cube, None, tmp_path / name, SMALL, colors=COLORS)
    disk, expected = (rasterio.open(tmp_path / n / "confidence.tif").read(1).astype(int) for n in ("disk", "memory"))
    assert np.abs(disk - expected).max() <= 1  # stored reflectance is rounded to 1e-4


def test_overlap_is_at_most_half_a_window() -> None:
    with pytest.raises(ValueError, match="more than half"):
        MappingOptions(window_px=64, overlap_px=40)

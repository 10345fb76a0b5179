"""What is written beside the map: style, legend, STAC item, areas, probabilities, a mosaic."""

import json
import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
from shapely.geometry import box

from bocage.core.arrays import IGNORE
from bocage.core.errors import ConfigError, GridMismatch, NothingLeft
from bocage.core.grid import Window, make_grid
from bocage.mapping.areas import BASIS, AreaCounts
from bocage.mapping.ensemble import Augmented, Ensemble
from bocage.mapping.map_area import map_area
from bocage.mapping.map_tiles import map_tiles
from bocage.mapping.mosaic import edge_distance, join_grids, merge_rows, mosaic_maps
from bocage.mapping.options import MappingOptions
from bocage.mapping.read import read_regions
from bocage.mapping.stac import build_item
from bocage.mapping.store import RowStore
from bocage.mapping.style import to_legend, to_qml
from bocage.testing.predictors import check_predictor

NAMES, COLORS = ("background", "wheat, soft", "maize"), ("#000000", "#ffcc00", "#00aa55")
GRID = make_grid("EPSG:32631", 500_000, 5_000_000, 10, (4, 6))
RASTERS, TABLES = {"class_map", "confidence_map", "probabilities"}, {"parcels", "parcels_gpkg", "areas"}
ASSETS = RASTERS | TABLES | {"style", "legend", "model"}


class Shares:
    """Says the same of every pixel, apart from a slope to the right that turns with the window."""

    bands, class_names, n_dates = ("B04", "B08"), NAMES, None

    def __init__(self, first: float = 0.5) -> None:
        self.first = first

    def predict_proba(self, image, valid, days):
        from bocage.models.predictor import check_input

        check_input(self, image, valid, days)
        b, _, _, h, w = image.shape
        slope = np.broadcast_to(np.linspace(-0.1, 0.1, w, dtype=np.float32), (b, h, w))
        first = self.first + slope
        return np.stack([first, (1 - first) / 2, (1 - first) / 2], 1).astype(np.float32)


def test_a_style_has_one_entry_a_class_in_its_colour():
    entries = ET.fromstring(to_qml(NAMES, COLORS).split("\n", 1)[1]).findall(".//paletteEntry")
    assert [(e.get("value"), e.get("label"), e.get("color")) for e in entries] == [
        (str(i), name, color) for i, (name, color) in enumerate(zip(NAMES, COLORS, strict=True))
    ]


def test_the_style_has_exactly_the_classes_and_colours_of_the_raster(tmp_path: Path):
    map_area(Shares(), Tile(0, (40, 50)), None, tmp_path, MappingOptions(), colors=COLORS)
    root = ET.fromstring((tmp_path / "class_map.qml").read_text().split("\n", 1)[1])
    assert [(r.get("type"), r.get("band")) for r in root.iter("rasterrenderer")] == [("paletted", "1")]
    style = {int(e.get("value")): (e.get("label"), e.get("color"), e.get("alpha")) for e in root.iter("paletteEntry")}
    with rasterio.open(tmp_path / "class_map.tif") as raster:
        colors, names = raster.colormap(1), raster.tags(1)
    known = {i: names[f"CLASS_{i}"] for i in range(256) if f"CLASS_{i}" in names}
    assert style == {
        i: (name, "#{:02x}{:02x}{:02x}".format(*colors[i]), str(colors[i][3])) for i, name in known.items()
    }
    legend = pd.read_csv(tmp_path / "legend.csv")
    assert dict(zip(legend["value"], legend["hex"], strict=True)) == {i: color for i, (_, color, _) in style.items()}


IN_QGIS = """
import json, sys
from qgis.core import QgsApplication, QgsRasterLayer
app = QgsApplication([], False)
app.initQgis()
layer = QgsRasterLayer(sys.argv[1])
said, loaded = layer.loadNamedStyle(sys.argv[2])
classes = [(c.value, c.label, c.color.name()) for c in layer.renderer().classes()]
print(json.dumps({"loaded": loaded, "classes": classes}))
"""


def test_qgis_loads_the_style(tmp_path: Path):
    # Debian's QGIS belongs to Debian's Python, with libraries of its own: hence a process of its own
    python = "/usr/bin/python3"
    if not Path(python).exists() or subprocess.run([python, "-c", "import qgis.core"], capture_output=True).returncode:
        pytest.skip("QGIS is not on this machine")
    map_area(Shares(), Tile(0, (40, 50)), None, tmp_path, MappingOptions(), colors=COLORS)
    files = [str(tmp_path / "class_map.tif"), str(tmp_path / "class_map.qml")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GDAL_", "PROJ_"))}
    done = subprocess.run(
        [python, "-c", IN_QGIS, *files],
        capture_output=True,
        text=True,
        env=environment | {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)},
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert said == {
        "loaded": True,
        "classes": [[i, name, color] for i, (name, color) in enumerate(zip(NAMES, COLORS, strict=True))],
    }


def test_a_legend_is_a_table():
    assert to_legend(NAMES, COLORS).splitlines()[:3] == [
        "value,name,red,green,blue,hex",
        "0,background,0,0,0,#000000",
        '1,"wheat, soft",255,204,0,#ffcc00',
    ]


def make_item(grid=GRID, **changed):
    """The item of a map with every file there can be."""
    options = {
        "class_names": NAMES,
        "colors": COLORS,
        "bands": ("B04", "B08"),
        "window_px": 64,
        "model": {"name": "u", "kind": "unet4_gn", "n_parameters": 17_000_000, "n_dates": 1, "preprocessing": {"a": 1}},
        "scenes": ("S2A",),
    }
    record = build_item(
        "all-31TEJ", grid, np.array([17700, 17800], np.int32), {key: f"{key}.x" for key in ASSETS}, **options | changed
    )
    return json.loads(json.dumps(record))


def test_the_stac_item_passes_the_core_schema_and_describes_classes_and_model():
    pytest.importorskip("jsonschema")
    record = make_item()
    core = {**record, "stac_extensions": []}  # schemas of extensions would be fetched; their fields are checked below
    pystac.Item.from_dict(core).validate()
    properties, assets = record["properties"], record["assets"]
    assert (properties["proj:code"], properties["proj:shape"]) == ("EPSG:32631", [4, 6])
    assert properties["proj:transform"] == [10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0]
    assert (properties["start_datetime"][:10], properties["end_datetime"][:10]) == ("2018-06-18", "2018-09-26")
    assert assets["class_map"]["raster:spatial_resolution"] == 10
    assert assets["confidence_map"]["raster:scale"] == 0.01
    assert [c["value"] for c in assets["class_map"]["classification:classes"]] == [0, 1, 2]
    assert assets["class_map"]["classification:classes"][1] == {
        "value": 1,
        "name": "wheat__soft",
        "title": "wheat, soft",
        "description": "wheat, soft",
        "color_hint": "FFCC00",
    }
    assert [b["name"] for b in assets["probabilities"]["bands"]] == list(NAMES)
    assert properties["mlm:name"] == "bocage u"
    assert properties["mlm:input"][0]["input"]["shape"] == [-1, 1, 2, 64, 64]


def is_list_of(kind, *lengths):
    return lambda v: isinstance(v, list) and all(isinstance(x, kind) for x in v) and (not lengths or len(v) in lengths)


def is_classes(value):
    """Objects of classification 2.0.0: value and name are required, the name is a slug, the colour six hex digits."""
    return bool(value) and all(
        isinstance(c["value"], int)
        and re.fullmatch("[0-9A-Za-z_-]+", c["name"])
        and re.fullmatch("[0-9A-F]{6}", c["color_hint"])
        and set(c) <= {"value", "name", "title", "description", "color_hint", "nodata", "percentage", "count"}
        for c in value
    )


def is_tensor(value):
    """A structure of mlm: as many names of dimensions, each once, as sizes; −1 is any size."""
    names = value["dim_order"]
    return (
        all(isinstance(n, int) and n >= -1 for n in value["shape"])
        and len(names) == len(set(names)) == len(value["shape"])
        and all(re.fullmatch("[a-z-_]+", n) for n in names)
        and value["data_type"] in {"uint8", "int16", "float32"}
    )


# what the extensions say of each field that we write: where it stands, and what it holds
RULES = {
    "proj:code": ("properties", lambda v: v is None or re.fullmatch("[A-Z]+:[0-9A-Za-z]+", v)),
    "proj:wkt2": ("properties", lambda v: isinstance(v, str) and "[" in v),
    "proj:shape": ("properties", is_list_of(int, 2)),
    "proj:transform": ("properties", is_list_of((int, float), 6, 9)),
    "raster:spatial_resolution": ("assets", lambda v: v > 0),
    "raster:sampling": ("assets", lambda v: v in {"area", "point"}),
    "raster:scale": ("assets", lambda v: isinstance(v, float)),
    "raster:offset": ("assets", lambda v: isinstance(v, float)),
    "classification:classes": ("assets", is_classes),
    "mlm:name": ("properties", lambda v: re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]", v)),
    "mlm:architecture": ("properties", lambda v: isinstance(v, str) and v),
    "mlm:tasks": ("properties", lambda v: v == ["semantic-segmentation"]),
    "mlm:total_parameters": ("properties", lambda v: isinstance(v, int) and v >= 0),
    "mlm:input": ("properties", lambda v: all(i["name"] and i["bands"] and is_tensor(i["input"]) for i in v)),
    "mlm:output": (
        "properties",
        lambda v: all(
            o["name"] and o["tasks"] and is_tensor(o["result"]) and is_classes(o["classification:classes"]) for o in v
        ),
    ),
    "mlm:artifact_type": ("assets", lambda v: isinstance(v, str) and v),
}
PREFIXES = tuple(sorted({name.split(":")[0] + ":" for name in RULES}))


@pytest.mark.parametrize("crs", ["EPSG:32631", "+proj=laea +lat_0=50 +lon_0=5 +ellps=GRS80"])
def test_every_field_of_an_extension_keeps_the_rules_of_its_document(crs):
    item = make_item(make_grid(crs, 500_000, 5_000_000, 10, (4, 6)))
    found = {(key, "properties"): value for key, value in item["properties"].items()}
    for asset in item["assets"].values():
        found |= {(key, "assets"): value for key, value in asset.items()}
        assert asset["roles"]
        for key, value in asset.items():
            if key in RULES:
                assert RULES[key][1](value), (key, value)
    of_extensions = {(key, place): value for (key, place), value in found.items() if key.startswith(PREFIXES)}
    assert {key for key, _ in of_extensions} == set(RULES) - ({"proj:wkt2"} if crs.startswith("EPSG") else set())
    for (key, place), value in of_extensions.items():
        assert place == RULES[key][0]
        assert RULES[key][1](value), (key, value)
    declared = [uri.split("/")[-3] for uri in item["stac_extensions"]]
    assert declared == ["projection", "raster", "classification", "mlm"]
    assert item["properties"]["proj:code"] == (crs if crs.startswith("EPSG") else None)
    # rules of mlm between fields: a model among the assets, and the bands it reads among the item's
    assert [key for key, a in item["assets"].items() if "mlm:model" in a["roles"]] == ["model"]
    bands = {b["name"] for b in item["properties"]["bands"]}
    assert set(item["properties"]["mlm:input"][0]["bands"]) <= bands


def test_a_map_of_an_unknown_model_does_not_claim_the_mlm_extension():
    item = make_item(model={})
    assert [uri.split("/")[-3] for uri in item["stac_extensions"]] == ["projection", "raster", "classification"]
    assert not [key for key in item["properties"] if key.startswith("mlm:")]


def test_areas_count_pixels_of_regions_that_may_overlap():
    left = box(500_000, 4_999_960, 500_030, 5_000_000)  # three columns
    top = box(500_000, 4_999_990, 500_060, 5_000_000)  # one row
    regions = gpd.GeoDataFrame({"name": ["left", "top"]}, geometry=[left, top], crs="EPSG:32631").to_crs("EPSG:3035")
    areas = AreaCounts(GRID, regions)
    classes = np.array([[1, 1, 1, 2, 2, 2], [0, 0, 0, 0, 0, 255]] * 2, np.uint8)
    areas.add(0, classes[:2])
    areas.add(2, classes[2:])
    table = areas.result(NAMES).set_index(["region", "class_name"])
    assert table.loc[("whole map", "maize"), "n_px"] == 6
    assert table.loc[("whole map", "no valid date"), "n_px"] == 2
    assert table.loc[("left", "wheat, soft"), "area_ha"] == 0.06
    assert table.loc[("top", "maize"), "n_px"] == 3
    assert set(table["basis"]) == {BASIS}
    with pytest.raises(NothingLeft, match="None of the 1 regions"):
        AreaCounts(GRID, regions.iloc[:1].set_geometry([box(0, 0, 1, 1)]).set_crs("EPSG:4326", allow_override=True))


def test_regions_are_read_with_their_names(tmp_path: Path):
    frame = gpd.GeoDataFrame({"NUTS_ID": ["FR1"]}, geometry=[box(2, 45, 3, 46)], crs="EPSG:4326")
    frame.to_file(tmp_path / "nuts.gpkg")
    assert read_regions(tmp_path / "nuts.gpkg", "NUTS_ID")["name"].tolist() == ["FR1"]
    assert read_regions(tmp_path / "nuts.gpkg", None)["name"].tolist() == ["1"]
    with pytest.raises(ConfigError, match=r"no column 'NAME'.*it has NUTS_ID"):
        read_regions(tmp_path / "nuts.gpkg", "NAME")


def test_augmenting_keeps_the_contract_and_what_it_says_turns_with_the_window():
    check_predictor(Augmented(Shares()))
    rng = np.random.default_rng(0)
    image, valid = rng.random((1, 1, 2, 5, 8)).astype(np.float32), np.ones((1, 1, 5, 8), bool)
    days = np.zeros((1, 1), np.int32)
    assert not np.allclose(Shares().predict_proba(image, valid, days)[0, 0], 0.5, atol=0.01)
    assert np.allclose(Augmented(Shares()).predict_proba(image, valid, days)[0, 0], 0.5, atol=1e-6)


def test_an_ensemble_is_the_mean_and_each_member_gets_its_bands():
    check_predictor(Ensemble([Shares(0.3), Shares(0.5)]))
    other = Shares(0.7)
    other.bands = ("B08", "B11")
    both = Ensemble([Shares(0.5), other])
    assert both.bands == ("B04", "B08", "B11")
    image, valid = np.zeros((1, 1, 3, 2, 3), np.float32), np.ones((1, 1, 2, 3), bool)
    assert both.predict_proba(image, valid, np.zeros((1, 1), np.int32))[0, 0, 0, 1] == pytest.approx(0.6)
    other.class_names = ("background", "wheat")
    with pytest.raises(ConfigError, match="one list of classes"):
        Ensemble([Shares(), other])


def test_the_tile_whose_edge_is_farthest_has_a_pixel_and_unseen_pixels_go_to_the_other():
    a, b = Window(0, 0, 3, 6), Window(0, 3, 3, 6)
    values = [np.full((2, 3, 6), v, np.uint8) for v in (1, 2)]
    values[1][:, 0, 1:] = IGNORE
    merged = merge_rows([(values[0], a), (values[1], b)], 0, (3, 9), "edge_distance")
    assert merged[0].tolist() == [
        [1, 1, 1, 1, 1, 1, 255, 255, 255],
        [1, 1, 1, 1, 1, 2, 2, 2, 2],  # in column 4 both have an edge two pixels away: of equals, the first
        [1, 1, 1, 1, 1, 1, 2, 2, 2],  # the last row is at an edge of both
    ]
    first = merge_rows([(values[0], a), (values[1], b)], 0, (3, 9), "first")
    assert first[0, 1].tolist() == [1] * 6 + [2] * 3
    assert edge_distance(a, 1, 1).tolist() == [[1, 2, 2, 2, 2, 1]]


def test_grids_of_one_lattice_join_and_others_do_not():
    shifted = make_grid("EPSG:32631", 500_040, 4_999_980, 10, (4, 6))
    grid, places = join_grids([GRID, shifted])
    assert tuple(grid.shape) == (6, 10)
    assert places == [Window(0, 0, 4, 6), Window(2, 4, 4, 6)]
    with pytest.raises(GridMismatch):
        join_grids([GRID, make_grid("EPSG:32631", 500_045, 5_000_000, 10, (4, 6))])


class Tile:
    """A cube in memory at a place of one lattice; reflectance grows to the right."""

    bands, days = ("B04", "B08"), np.array([17700], np.int32)

    def __init__(self, left_px: int, shape: tuple[int, int], crs: str = "EPSG:32631") -> None:
        self.grid = make_grid(crs, 500_000 + 10 * left_px, 5_000_000, 10, shape)
        self.record = {"grid": str(self.grid)}

    def read(self, window, dates=None):
        from bocage.core.grid import grid_window
        from bocage.cubes.store import Cube

        h, w = window.shape
        quality = np.zeros((1, h, w), np.uint8)
        return Cube(np.ones((1, 2, h, w), np.float32), quality, self.days, self.bands, grid_window(self.grid, window))


def test_two_tiles_make_one_mosaic_and_all_files_open(tmp_path: Path):
    options = MappingOptions(window_px=32, overlap_px=8, probabilities=True)
    for i, left in enumerate((0, 200)):
        parcel = gpd.GeoDataFrame(
            {"id": ["p"], "number": [1]}, geometry=[box(502_100, 4_999_900, 502_400, 5_000_000)], crs="EPSG:32631"
        )
        record = map_area(Shares(), Tile(left, (300, 260)), parcel, tmp_path / f"t{i}", options, colors=COLORS)
    assert {"class_map", "confidence_map", "parcels", "stac_item", "mpx_per_s"} <= set(record)
    with rasterio.open(tmp_path / "t0" / record["probabilities"]) as raster:
        assert (raster.count, raster.scales[0], raster.descriptions) == (3, 0.01, NAMES)
        assert np.abs(raster.read().astype(int).sum(0) - 100).max() <= 1
    votes = gpd.read_file(tmp_path / "t0" / "parcels.gpkg", layer="parcels")
    assert votes["second_class"].tolist() == ["wheat, soft"]
    assert pd.read_csv(tmp_path / "t0" / record["areas"])["n_px"].sum() == 300 * 260
    tiles = {"t1": Tile(200, (300, 260)), "t0": Tile(0, (300, 260))}
    made = mosaic_maps(tiles, tmp_path / "all", options, predictor=Shares(), colors=COLORS, model={"name": "shares"})
    with rasterio.open(tmp_path / "all" / made["class_map"]) as raster:
        assert raster.shape == (300, 460)
        assert raster.bounds.left == 500_000
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.colormap(1)[1] == (255, 204, 0, 255)
    (vote,) = gpd.read_parquet(tmp_path / "all" / made["parcels"]).to_dict("records")
    assert (list(vote["ndvi"]), list(vote["ndvi_n_px"])) == ([0.0], [300])
    assert gpd.read_file(tmp_path / "all" / made["parcels_gpkg"], layer="ndvi")["id"].tolist() == ["p"]
    assert made["n_px"] == 300 * 460
    assert pd.read_csv(tmp_path / "all" / made["areas"])["n_px"].sum() == 300 * 460
    with rasterio.open(tmp_path / "all" / made["probabilities"]) as raster:
        assert (raster.shape, raster.scales[0], raster.descriptions) == ((300, 460), 0.01, NAMES)
        assert np.abs(raster.read().astype(int).sum(0) - 100).max() <= 1
    item = json.loads((tmp_path / "all" / made["stac_item"]).read_text())
    pystac.Item.from_dict(item)
    assert item["properties"]["proj:shape"] == [300, 460]
    assert {key for key, asset in item["assets"].items() if (tmp_path / "all" / asset["href"]).is_file()} == ASSETS
    assert not list((tmp_path / "all").glob(".*"))


def test_parcels_and_regions_on_one_of_two_tiles_are_enough(tmp_path: Path):
    shape = [box(500_100, 4_999_900, 500_200, 5_000_000)]
    gpd.GeoDataFrame({"nuts": ["A"]}, geometry=shape, crs="EPSG:32631").to_file(tmp_path / "regions.gpkg")
    parcel = gpd.GeoDataFrame({"id": ["p"], "number": [1]}, geometry=shape, crs="EPSG:32631")
    options = MappingOptions(window_px=32, overlap_px=8, areas_path=tmp_path / "regions.gpkg", areas_name="nuts")
    cubes = {"t0": Tile(0, (64, 64)), "t1": Tile(60, (64, 64))}
    made = map_tiles([Shares()], cubes, parcel, tmp_path / "map", options, colors=COLORS, model={})
    assert list(made) == ["mosaic-32631", "t0", "t1"]
    regions = {
        name: set(pd.read_csv(tmp_path / "map" / name / record["areas"])["region"]) for name, record in made.items()
    }
    assert regions == {"mosaic-32631": {"whole map", "A"}, "t0": {"whole map", "A"}, "t1": {"whole map"}}
    assert [record["parcels"] is None for record in made.values()] == [False, False, True]


def test_two_zones_have_a_map_each_and_a_mosaic_of_the_same_maps_is_kept(tmp_path: Path):
    cubes = {"w0": Tile(0, (64, 64)), "w1": Tile(60, (64, 64)), "east": Tile(0, (64, 64), "EPSG:32632")}
    options = MappingOptions(window_px=32, overlap_px=8)

    def run(options):
        made = map_tiles([Shares()], cubes, None, tmp_path, options, colors=COLORS, model={})
        return made, {name: (tmp_path / name / made[name]["class_map"]).stat().st_mtime_ns for name in made}

    made, times = run(options)
    assert list(made) == ["mosaic-32631", "w0", "w1", "east"]
    for name, crs, shape in (("mosaic-32631", 32631, (64, 124)), ("east", 32632, (64, 64))):
        with rasterio.open(tmp_path / name / made[name]["class_map"]) as raster:
            assert (raster.crs.to_epsg(), raster.shape) == (crs, shape)
    assert run(options) == (made, times)
    first, remade = run(options.model_copy(update={"overlaps": "first"}))
    assert first["mosaic-32631"]["digest"] != made["mosaic-32631"]["digest"]
    assert remade["mosaic-32631"] > times["mosaic-32631"]


def test_rows_and_sums_of_another_map_are_thrown_away(tmp_path: Path):
    store = RowStore(tmp_path / "half", "a", {"classes": 1}, (4, 3))
    store.write("classes", 1, np.full((1, 2, 3), 7, np.uint8))
    store.commit({"n_done": 2, "pending": np.ones((2, 1, 3), np.float32)})
    again = RowStore(tmp_path / "half", "a", {"classes": 1}, (4, 3))
    assert int(again.state["n_done"]) == 2
    assert again.read("classes", 1, 9)[0, :, 0].tolist() == [7, 7, 0]
    assert RowStore(tmp_path / "half", "b", {"classes": 1}, (4, 3)).state == {}

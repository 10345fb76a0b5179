"""Regions that parcels decide, named shapes, and the patches of a tile."""

from pathlib import Path

import geopandas
import numpy as np
import pytest
from shapely.geometry import box

from bocage.core.errors import ConfigError, CorruptFile, NothingLeft
from bocage.core.grid import project
from bocage.regions.cells import rank_cells
from bocage.regions.options import RegionOptions
from bocage.regions.plan import plan_regions


def parcels() -> geopandas.GeoDataFrame:
    """Wheat of 9 ha in one kilometre cell, of 1 + 4 ha in the next; vineyard of 2 ha in a third; one of no class."""
    rows = [(0, 9, "wheat"), (1000, 1, "wheat"), (1400, 4, "wheat"), (5000, 2, "vineyard"), (9000, 50, "background")]
    ids = {"background": 0, "wheat": 1, "vineyard": 2}
    return geopandas.GeoDataFrame(
        {"area": [float(a) for _, a, _ in rows], "class_name": [n for _, _, n in rows],
         "class_id": np.uint8([ids[n] for _, _, n in rows])},
        geometry=[box(500_000 + x + 100, 4_800_100, 500_000 + x + 200, 4_800_200) for x, _, _ in rows],
        crs="EPSG:32631",
    )  # fmt: skip


def lefts(**options: object) -> list[int]:
    regions = plan_regions(RegionOptions.model_validate({"cell_m": 1000, **options}), parcels())
    return [round(project(r.geometry, "EPSG:4326", "EPSG:32631").bounds[0]) - 500_000 for r in regions]


def test_grid_cells_by_the_area_of_target_classes() -> None:
    assert lefts(kind="grid") == [0, 1000, 5000]
    assert lefts(kind="grid", max_cells=1) == [0]
    assert lefts(kind="grid", target_classes=["vineyard"]) == [5000]


def test_hot_cells_lie_around_their_class() -> None:
    # weighted centres: 150 m, and 150 + 1000 / 5 + 1400 * 4 / 5 = 1470 m; their boxes do not overlap
    assert lefts(kind="hot_cells", target_classes=["wheat"]) == [-350, 970]
    with pytest.raises(NothingLeft, match="No parcel is of maize; the parcels are of background, vineyard, wheat"):
        lefts(kind="hot_cells", target_classes=["maize"])


def test_boxes_that_overlap_a_better_one_are_left_out() -> None:
    points = np.array([[10.0, 10], [90, 10], [110, 10], [300, 10]])
    found = rank_cells(points, np.array([1.0, 5, 4, 2]), 100, centred=True, most=9)
    assert [(round(b[0], 3), b[1]) for b in found] == [(round((10 + 450) / 6 - 50, 3), -40), (250.0, -40.0)]


def test_kinds_that_need_parcels_say_so() -> None:
    with pytest.raises(ConfigError, match="grid needs parcels"):
        plan_regions(RegionOptions(kind="grid"))
    with pytest.raises(ValueError, match="needs `target_classes`"):
        RegionOptions(kind="hot_cells")


def test_zones_are_the_named_shapes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "zones.gpkg"
    shapes = [box(3, 43, 3.1, 43.1), box(4, 43, 4.1, 43.1)]
    geopandas.GeoDataFrame({"name": ["Béziers 1", "Béziers 2"]}, geometry=shapes, crs="EPSG:4326").to_file(path)
    regions = plan_regions(RegionOptions(kind="zones", path=str(path)))
    assert [r.name for r in regions] == ["Beziers_1", "Beziers_2"]
    assert regions[1].geometry.bounds == pytest.approx((4, 43, 4.1, 43.1))
    with pytest.raises(CorruptFile, match="no column 'zone', but name"):
        plan_regions(RegionOptions(kind="zones", path=str(path), name_column="zone"))


def test_a_tile_is_cut_into_thirty_by_thirty_patches() -> None:
    options = RegionOptions(kind="tile_patches", tile="31TCG", upper_left=(300_000, 4_700_040))
    regions = plan_regions(options)
    assert (len(regions), regions[0].name, regions[-1].name) == (900, "31TCG_00_00", "31TCG_29_29")
    (one,) = plan_regions(options.model_copy(update={"patches": ((1, 2),)}))
    left, _, right, top = project(one.geometry, "EPSG:4326", "EPSG:32631").bounds
    assert (left, right - left, top) == pytest.approx((307_321, 3658, 4_696_379), abs=0.5)
    with pytest.raises(ValueError, match="needs both"):
        RegionOptions(kind="tile_patches", tile="31TCG")


def test_no_more_cells_are_ranked_than_are_taken() -> None:
    x, y = np.meshgrid(np.arange(400.0), np.arange(400.0))
    points = np.column_stack([x.ravel(), y.ravel()]) * 1000 + 500
    area_ha = np.arange(len(points), dtype=float)
    assert rank_cells(points, area_ha, 1000, centred=False, most=2) == [
        (399_000, 399_000, 400_000, 400_000), (398_000, 399_000, 399_000, 400_000),
    ]  # fmt: skip


@pytest.mark.parametrize(("names", "said"), [(["a b", "a-b"], "same letters and digits as 'a b'"), (["Я"], "has none")])
def test_zones_that_would_share_a_folder_are_refused(tmp_path: Path, names: list[str], said: str) -> None:
    path = tmp_path / "zones.gpkg"
    shapes = [box(i, 43, i + 0.1, 43.1) for i in range(len(names))]
    geopandas.GeoDataFrame({"name": names}, geometry=shapes, crs="EPSG:4326").to_file(path)
    with pytest.raises(CorruptFile, match=said):
        plan_regions(RegionOptions(kind="zones", path=str(path)))

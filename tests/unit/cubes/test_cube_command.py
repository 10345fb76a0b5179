"""`bocage cube`: one file that plain xarray opens."""

import json

import geopandas
import numpy as np
import pytest
import xarray as xr
from pyproj import CRS
from shapely.geometry import box

from bocage.cli.main import main
from bocage.core.errors import CorruptFile
from bocage.core.grid import grid_bounds
from bocage.cubes.files import read_cube_file


@pytest.fixture
def products(safe, tmp_path):
    for day, value in (("0402", 1000), ("0412", 2000), ("0602", 5000)):
        safe.write_safe(tmp_path / "s2", safe.flat_numbers(value), time=f"2018{day}T104021")
    return tmp_path / "s2"


def run(capsys, *arguments):
    code = main(["cube", *map(str, arguments), "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


def open_file(path):
    return xr.open_zarr(path, consolidated=False) if path.suffix == ".zarr" else xr.open_dataset(path)


@pytest.mark.parametrize("name", ["cube.zarr", "cube.nc"])
def test_monthly_medians_as_a_file_that_xarray_opens(products, tmp_path, capsys, name):
    out = tmp_path / "made" / name
    code, result = run(
        capsys,
        *("--catalog", "local_safe", "--path", products, "--season", "2018-04-01/2018-06-30"),
        *("--bands", "B04,B08", "--composite", "monthly-median", "--fill", "neighbours", "--out", out),
    )
    assert code == 0
    assert result["shape"] == [3, 2, 8, 6]
    assert result["times"] == ["2018-04-15", "2018-05-16", "2018-06-15"]
    assert (result["valid_fraction"], result["tally"]) == (1, {"kept": 3, "dropped": {}})
    assert [p.name for p in out.parent.iterdir()] == [name]  # nothing else is left
    with open_file(out) as cube:
        assert cube.reflectance.sel(band="B08", time="2018-04-15").values == pytest.approx(0.15)
        assert cube.reflectance.isel(y=0, x=0, band=0).values == pytest.approx([0.15, 0.325, 0.5])
        assert np.unique(cube.quality.values[1]).tolist() == [16]
        assert "32631" in cube.spatial_ref.attrs["crs_wkt"]
        assert np.diff(cube.x).tolist() == [10] * 5
        assert np.diff(cube.y).tolist() == [-10] * 7


def test_what_is_behind_each_period_is_printed(products, tmp_path, capsys):
    line = ("cube", "--catalog", products, "--season", "2018-04-01/2018-06-30", "--bands", "B04", "--quiet")
    line += ("--composite", "monthly-median", "--fill", "linear", "--out", tmp_path / "cube.nc")
    assert main([str(word) for word in line]) == 0
    told = capsys.readouterr().out
    assert "2 to 2, mean 2.0" in told
    assert "0 to 0, mean 0.0" in told
    assert "of it filled" in told


@pytest.mark.parametrize("name", ["cube.zarr", "cube.nc"])
def test_a_cube_that_was_written_can_be_inspected(products, tmp_path, capsys, name):
    assert run(capsys, "--catalog", products, "--bands", "B04,B08", "--out", tmp_path / name)[0] == 0
    code, found = run(capsys, "inspect", tmp_path / name)
    assert code == 0
    assert (found["shape"], found["bands"]) == ([3, 2, 8, 6], ["B04", "B08"])
    assert found["times"] == ["2018-04-02", "2018-04-12", "2018-06-02"]
    assert (found["valid_fraction"], found["nodata_fraction"]) == ([1, 1, 1], [0, 0, 0])
    assert found["median"] == pytest.approx([0.2, 0.2])
    assert found["grid"]["transform"] == [10, 0, 500_000, 0, -10, 4_800_000]


def test_openeo_s_cube_with_scene_classes(samples, capsys):
    code, found = run(capsys, "inspect", samples / "cubes" / "openeo-s2-19dates-52x46.nc")
    assert code == 0
    assert (found["shape"], found["bands"]) == ([19, 4, 52, 46], ["B02", "B03", "B04", "B08"])
    assert [t for t, v in zip(found["times"], found["valid_fraction"], strict=True) if v] == [
        *("2023-10-07", "2023-10-22", "2023-12-26")
    ]
    assert max(found["nodata_fraction"]) == 0


def test_worldcereal_s_cube_whose_missing_months_are_65535(samples, capsys):
    code, found = run(capsys, "inspect", samples / "worldcereal" / "worldcereal_preprocessed_inputs.nc")
    assert code == 0
    assert found["shape"] == [12, 9, 100, 100]
    assert found["times"][:3] == ["2020-11-01", "2020-12-01", "2021-01-01"]
    assert found["nodata_fraction"] == [0, 1, 1] + 9 * [0]
    assert found["grid"]["crs"] == "EPSG:32631"
    assert all(0 < m < 0.5 for m in found["median"])
    assert found["ndvi"][1:3] == [None, None]
    assert found["ndvi"][6] > found["ndvi"][3] > 0  # May is greener than February


def test_a_file_that_is_no_cube_is_named_with_what_it_has(tmp_path, capsys):
    xr.Dataset({"rain": ("t", [1.0])}).to_netcdf(tmp_path / "rain.nc", engine="h5netcdf")
    code, found = run(capsys, "inspect", tmp_path / "rain.nc")
    assert code == 3
    assert "rain" in found["error"]["message"]
    (tmp_path / "half.nc").write_bytes((tmp_path / "rain.nc").read_bytes()[:300])
    assert run(capsys, "inspect", tmp_path / "half.nc")[0] == 3
    assert run(capsys, "inspect", tmp_path / "none.nc")[0] == 3
    assert run(capsys, "--out", tmp_path / "cube.nc")[0] == 2


@pytest.mark.parametrize("name", ["cube.zarr", "cube.nc"])
def test_every_band_at_its_own_pixel_size_on_the_same_ground(safe, tmp_path, capsys, name):
    rng = np.random.default_rng(0)
    sizes = {"B02": (36, 24), "B05": (18, 12), "B01": (6, 4)}
    numbers = {band: rng.integers(500, 3000, shape).astype(np.uint16) for band, shape in sizes.items()}
    numbers["SCL"] = np.full((18, 12), 5, np.uint8)
    numbers["SCL"][4, 7] = numbers["SCL"][0, 0] = 9  # the middle, and a corner, of a pixel of 60 m
    safe.write_safe(tmp_path / "s2", numbers)
    place = tmp_path / "place.gpkg"
    outline = box(500_070, 4_799_650, 500_130, 4_799_990)  # cuts pixels of 60 m
    geopandas.GeoDataFrame(geometry=[outline], crs="EPSG:32631").to_file(place)
    line = ("--catalog", tmp_path / "s2", "--bands", "B02,B05,B01", "--native", "--out", tmp_path / name)
    code, told = run(capsys, *line)
    assert code == 0
    assert told["sizes"] == [
        {"bands": [band], "shape": [1, 1, *shape]} for band, shape in sorted(sizes.items(), key=lambda s: -s[1][0])
    ]
    for group, band in (("r10m", "B02"), ("r20m", "B05"), ("r60m", "B01")):
        more = {"group": group} | ({"consolidated": False, "engine": "zarr"} if name.endswith("zarr") else {})
        with xr.open_dataset(tmp_path / name, **more) as part:
            assert part.reflectance.values[0, 0] == pytest.approx(numbers[band] / 1e4)
            assert (part.quality.values[0] == 4).sum() == {"r10m": 8, "r20m": 2, "r60m": 1}[group]
    assert run(capsys, "inspect", tmp_path / name, "--group", "r60m")[1]["shape"] == [1, 1, 6, 4]
    assert run(capsys, "inspect", tmp_path / name)[0] == 3  # three cubes, and none was named
    code, told = run(capsys, *line, "--region", place)
    assert code == 0
    assert [size["shape"][2:] for size in told["sizes"]] == [[36, 12], [18, 6], [6, 2]]


def test_another_ending_is_refused_before_anything_is_read(products, tmp_path, capsys):
    code, result = run(capsys, "--catalog", products, "--out", tmp_path / "cube.tif")
    assert code == 2
    assert "neither a .zarr nor a .nc" in result["error"]["message"]


def test_several_tiles_do_not_go_into_one_file(safe, products, tmp_path, capsys):
    safe.write_safe(products, safe.flat_numbers(), tile="31TFJ")
    code, result = run(capsys, "--catalog", products, "--out", tmp_path / "cube.nc")
    assert code == 2
    assert "31TEJ, 31TFJ" in result["error"]["message"]
    assert run(capsys, "--catalog", products, "--tile", "31TFJ", "--out", tmp_path / "cube.nc")[0] == 0


def test_a_catalog_on_the_network_needs_a_region_and_no_path(tmp_path, capsys):
    code, result = run(capsys, "--catalog", "earth_search", "--out", tmp_path / "cube.nc")
    assert code == 2
    assert "is the whole world: give --region" in result["error"]["message"]


def test_values_that_will_not_do_are_a_mistake_of_the_command_line(tmp_path, capsys):
    line = ["cube", "--catalog", str(tmp_path), "--out", str(tmp_path / "cube.nc")]
    assert main([*line, "--composite", "montly-median"]) == 2
    assert "'composite': Input should be 'none', 'monthly_median'" in capsys.readouterr().err
    assert main([*line, "--composite", "days-mean"]) == 2
    assert "every_days" in capsys.readouterr().err


def openeo_like(path, *, x=(0.0, 10.0, 20.0), y=(20.0, 10.0, 0.0), time="t"):
    numbers = np.arange(2 * len(y) * len(x), dtype=np.uint16).reshape(2, len(y), len(x))
    variables = {
        "B02": ((time, "y", "x"), numbers, {"grid_mapping": "crs"}),
        "crs": ((), 0, {"crs_wkt": CRS.from_epsg(32631).to_wkt()}),
    }
    days = np.array(["2019-01-01", "2019-02-01"], "datetime64[ns]")
    dataset = xr.Dataset(variables, coords={time: days, "y": list(y), "x": list(x)})
    dataset.to_netcdf(path, engine="h5netcdf")
    return path


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"y": (0.0, 10.0, 20.0)}, "from the north-west corner"),
        ({"y": (40.0, 20.0, 0.0)}, "square pixels"),
        ({"x": (0.0,), "y": (0.0,)}, "1 x 1 pixels do not tell their size"),
        ({"time": "when"}, "dimension time or t of B02"),
    ],
)
def test_a_file_that_would_be_read_askew_is_refused(tmp_path, layout, said):
    assert grid_bounds(read_cube_file(openeo_like(tmp_path / "fine.nc")).grid) == (-5, -5, 25, 25)
    with pytest.raises(CorruptFile, match=said):
        read_cube_file(openeo_like(tmp_path / "askew.nc", **layout))

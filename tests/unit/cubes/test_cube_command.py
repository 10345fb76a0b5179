"""`bocage cube`: one file that plain xarray opens."""

import json

import numpy as np
import pytest
import xarray as xr

from bocage.cli.main import main


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

"""A path that cannot be written is a mistake of a few lines, not a bug."""

import json
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from bocage.cli.main import main


@pytest.mark.parametrize("out", ["a file/x.parquet", "x" * 300 + ".parquet"])
def test_a_path_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str) -> None:
    fields = tmp_path / "fields.gpkg"
    gpd.GeoDataFrame({"EC_hcat_c": ["3301010101"]}, geometry=[box(3, 45, 3.01, 45.01)], crs=4326).to_file(fields)
    (tmp_path / "a file").write_text("")
    line = ("parcels", "read", fields, "--source", "eurocrops", "--out", tmp_path / out, "--json", "--quiet")
    assert main([*map(str, line)]) == 3
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error["type"] == "CannotWrite"
    assert "Give another path" in error["message"]
    assert "Traceback" not in printed.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a file", "fields.gpkg"]

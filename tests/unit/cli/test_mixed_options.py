"""Options that would change nothing are refused, not passed over."""

import pytest

from bocage.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["map", "my.yaml", "--region", "3,43,3.1,43.1", "--augment"], "--region, --augment goes with a checkpoint"),
        (["evaluate", "my.yaml", "--split", "other.parquet"], "--split goes with a checkpoint"),
        (["map", "--checkpoint", "here", "--set", "mapping.augment=true"], "--set changes an experiment file"),
        (["evaluate", "--set", "seed=2"], "none is given"),
        (["map", "--checkpoint", "here", "--cube", "c", "--season", "2018-04-01/2018-05-01"], "--season says where to"),
        (["map", "--checkpoint", "here", "--cube", "c", "--areas-name", "NUTS_ID"], "areas_name is 'NUTS_ID'"),
        (["areas", "estimate", "here", "--sample", "s.gpkg", "--areas-name", "NUTS_ID"], "Add --areas."),
        (["report", "--compare", "a", "b", "--set", "seed=2"], "--compare reads two finished runs"),
        (["report", "runs/a", "--out", "there"], "Leave out --out there"),
        (["demo", "--template", "two-countries", "--experiment", "my.yaml"], "are two experiments"),
        (["scenes", "search", "--catalog", "data/s2", "--path", "data/other"], "Leave out --path"),
        (["taxonomy", "common", "a.parquet", "b.parquet", "--level", "2"], "Name it with --taxonomy"),
    ],
)
def test_options_of_the_other_way_are_refused(capsys, arguments, words):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_options_that_stand_anywhere_are_no_mixture(capsys):
    assert main(["--quiet", "map", "my.yaml", "--json", "--workers", "1", "--set", "seed=2", "--out", "there"]) == 3
    assert "my.yaml" in capsys.readouterr().out

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
        (["report", "--compare", "one", "two", "--set", "seed=2"], "--set changes an experiment"),
    ],
)
def test_options_of_the_other_way_are_refused(capsys, arguments, words):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_report_is_made_in_its_run_folder(tmp_path, capsys):
    (tmp_path / "experiment.yaml").write_text("name: a")
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "there")]) == 2
    assert "--out: the report of a run folder is made in it" in capsys.readouterr().err
    assert not (tmp_path / "there").exists()


def test_options_that_stand_anywhere_are_no_mixture(capsys):
    assert main(["--quiet", "map", "my.yaml", "--json", "--workers", "1", "--set", "seed=2", "--out", "there"]) == 3
    assert "my.yaml" in capsys.readouterr().out

"""`bocage split make` and `split audit` on a small data set."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bocage.cli.output import settings
from bocage.cli.split import app
from bocage.core.errors import ConfigError, LeakageRefused
from bocage.splits.store import read_split


def test_make_and_audit_print_the_same_findings(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "json", True)
    out = tmp_path / "split.parquet"
    # windows of 80 m on their own blocks: six places, two dates each
    made = CliRunner().invoke(app, ["make", str(folder), "--block-m", "80", "--out", str(out)])
    assert made.exit_code == 0, made.output
    found = json.loads(made.stdout)
    assert {"parts", "shared_px", "shared_parcels", "min_distance_m", "class_share"} <= set(found)
    assert (found["shared_px"], found["shared_parcels"], found["min_distance_m"]) == (0, 0, 0)
    assert set(found["class_share"]["test"]) == {"background", "wheat", "vineyard"}
    sizes = {part: len(read_split(out).sample_ids(part)) for part in ("train", "val", "test")}
    assert sum(sizes.values()) == 12
    assert all(n > 0 and n % 2 == 0 for n in sizes.values())  # both dates of a window together

    audited = json.loads(CliRunner().invoke(app, ["audit", str(folder), "--split", str(out)]).stdout)
    assert audited == {k: v for k, v in found.items() if k != "split"}


def test_shares_are_a_row_a_class_so_that_no_number_is_broken(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "json", False)
    told = CliRunner().invoke(app, ["make", str(folder), "--block-m", "80", "--out", str(tmp_path / "split.parquet")])
    header = next(line for line in told.stdout.splitlines() if line.startswith("share of class"))
    assert header.split() == ["share", "of", "class", "train", "val", "test"]
    wheat = next(line for line in told.stdout.splitlines() if line.startswith("wheat"))
    assert all(0 <= float(share) <= 1 for share in wheat.split()[1:])


def test_bad_options_and_leakage_end_with_their_errors(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "split.parquet"

    def error(*arguments: str) -> BaseException | None:
        return CliRunner().invoke(app, ["make", str(folder), "--out", str(out), *arguments]).exception

    bad = error("--fractions", "0.9,0.9,0.1")
    assert isinstance(bad, ConfigError)
    assert "sum to 1" in str(bad)
    assert isinstance(error("--strategy", "block"), ConfigError)
    assert isinstance(error("--strategy", "random_patches"), LeakageRefused)
    assert not out.exists()
    assert error("--strategy", "random_patches", "--allow-leakage") is None
    assert out.exists()


def test_how_much_a_random_split_flatters_is_printed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "split.parquet"
    assert CliRunner().invoke(app, ["make", str(folder), "--block-m", "80", "--out", str(out)]).exit_code == 0
    monkeypatch.setattr(settings, "json", False)
    told = CliRunner().invoke(app, ["audit", str(folder), "--split", str(out), "--optimism"])
    assert told.exit_code == 0, told.output
    assert "random split" in told.stdout
    assert "needs at least 10" in told.stdout  # few blocks: no interval, and why

    monkeypatch.setattr(settings, "json", True)
    found = json.loads(CliRunner().invoke(app, ["audit", str(folder), "--split", str(out), "--optimism"]).stdout)
    optimism = found["optimism"]
    assert optimism["n_train"] == found["parts"]["train"]["n_samples"]
    for score, gap in optimism["flattery"].items():
        difference = optimism["random"][score]["value"] - optimism["given"][score]["value"]
        assert gap["difference"] == pytest.approx(difference)

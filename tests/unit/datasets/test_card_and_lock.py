"""The card says what the data set holds; the lock says what it was made from."""

import json
from pathlib import Path

import pytest

from bocage.cli.main import main
from bocage.core.errors import CorruptFile
from bocage.datasets.card import write_card
from bocage.datasets.lock import Source, check_lock, digest_inputs, read_lock, write_lock
from bocage.datasets.read import open_dataset

SOURCES = [Source("parcels", "A country | as published", "CC BY 4.0")]


def test_the_card_names_numbers_places_licences_and_what_was_dropped(folder: Path) -> None:
    write_card(open_dataset(folder), name="small", sources=SOURCES)
    text, page = (folder / "card.md").read_text(), (folder / "card.html").read_text()
    assert "# Data set small" in text
    assert "12 patches of 8 × 8 px (80 m)" in text
    assert "2016-07-18 to 2016-07-28, 2 days; crop year 2018" in text
    assert "| parcels | A country \\| as published | CC BY 4.0 |" in text
    assert "| patches | 12 | 3 clouds |" in text
    assert "| Vineyard | 2 | 256 |" in text  # 8 columns of 16 rows, on two dates
    assert 'style="background:#882255"></span>Vineyard' in page
    assert "A country | as published" in page
    assert 'src="data:image/png;base64,' in page
    assert "http" not in page


def test_the_card_is_the_same_for_the_same_data_set(folder: Path) -> None:
    files = [folder / name for name in ("card.md", "card.html", "card.png")]
    write_card(open_dataset(folder), name="small", sources=SOURCES)
    first = [f.read_bytes() for f in files]
    write_card(open_dataset(folder), name="small", sources=SOURCES)
    assert [f.read_bytes() for f in files] == first


def test_verify_compares_the_inputs_that_are_at_hand(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / name for name in ("a.jp2", "b.jp2", "c.jp2")]
    for path in paths:
        path.write_text(path.name)
    write_lock(folder, digest_inputs("a product", paths, threads=2), SOURCES, {"bocage": "0.1.0"})
    paths[0].unlink()
    assert check_lock(folder) == (2, 1, [])
    paths[1].write_text("other")
    code = main(["dataset", "verify", str(folder), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["inputs_compared"], found["inputs_absent"]) == (3, 2, 1)
    assert found["problems"] == [f"{paths[1]} (a product): not the file that the data set was made from"]


def test_a_data_set_without_a_lock_has_no_inputs_and_a_damaged_lock_is_refused(folder: Path) -> None:
    assert read_lock(folder) == []
    (folder / "lock.json").write_text("{}")
    with pytest.raises(CorruptFile, match="no lock"):
        read_lock(folder)


def test_what_is_made_of_data_sets_has_their_inputs_and_licences(folder: Path, tmp_path: Path) -> None:
    given = tmp_path / "a.jp2"
    given.write_text("a")
    write_lock(folder, digest_inputs("a product", [given]), SOURCES, {"bocage": "0.1.0"})
    for arguments in (
        ["merge", folder, folder, "--out", tmp_path / "merged"],
        ["sample", tmp_path / "merged", "--n", 5, "--out", tmp_path / "part"],
        ["export", tmp_path / "part", "--to", "npy", "--out", tmp_path / "npy"],
    ):
        assert main(["dataset", *map(str, arguments)]) == 0
    for name in ("merged", "part", "npy"):
        assert read_lock(tmp_path / name) == read_lock(folder)
        assert "| parcels | A country \\| as published | CC BY 4.0 |" in (tmp_path / name / "card.md").read_text()

"""What is printed is what was found: no letter lost, no word broken."""

import os
import subprocess
import sys
import textwrap

import pytest

from bocage.cli.output import emit, say, settings, table

NAMES = ("oats [spring]", "Weizen [/Roggen]", "native:ID:01", "[bold]")


@pytest.fixture(autouse=True)
def for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "json", False)
    monkeypatch.setattr(settings, "quiet", False)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_printed_letter_by_letter(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    emit({}, text=[table(["label", "ha"], [(name, 1.5)], title=name), name])
    say(name)
    printed = capsys.readouterr()
    assert printed.out.count(name) == 3
    assert name in printed.err


def test_a_table_in_a_file_breaks_no_word() -> None:
    script = """
        from bocage.cli.output import emit, table
        columns = [f"a long heading {i}" for i in range(8)]
        emit({}, text=table(columns, [("random_parcel_class", *(0.123456 * i for i in range(1, 8)))]))
    """
    unset = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    run = [sys.executable, "-c", textwrap.dedent(script)]
    header, row = subprocess.run(run, env=unset, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "random_parcel_class" in row
    assert len(row.split()) == 8
    assert header.count("a long heading") == 8

"""Crosswalk files → Crosswalk. IO, read only."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

from bocage.core.errors import MissingFile, UnknownName
from bocage.core.registry import nearest
from bocage.taxonomy.crosswalk import Crosswalk, parse_crosswalk
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.taxonomy import Taxonomy

_TO = "-to-"
_HCAT = "hcat"  # `data/hcat4-to-hcat3.csv` leads from codes to codes and is no crosswalk of rasters


def shipped_crosswalks() -> tuple[str, ...]:
    """Names of the crosswalks that come with bocage: `<data set>-to-<taxonomy>`."""
    names = (p.name.removesuffix(".csv") for p in files("bocage.taxonomy").joinpath("data").iterdir())
    return tuple(sorted(n for n in names if _TO in n and not n.startswith(_HCAT)))


def find_crosswalk(name: str) -> Crosswalk:
    """A crosswalk that comes with bocage.

    Raises:
        UnknownName: with the nearest name.
    """
    known = shipped_crosswalks()
    if name not in known:
        raise UnknownName(f"No crosswalk is called '{name}'.{nearest(name, known)} Known: {', '.join(known)}.")
    text = files("bocage.taxonomy").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    return parse_crosswalk(name, list(csv.DictReader(text.splitlines())), find_taxonomy(name.split(_TO)[1]))


def read_crosswalk_file(path: Path, target: Taxonomy) -> Crosswalk:
    """A crosswalk of your own; errors as in `parse_crosswalk`, and MissingFile."""
    if not path.is_file():
        raise MissingFile(f"No crosswalk file at {path}. Give a CSV with from_id, from_name, to_name.")
    return parse_crosswalk(path.stem, list(csv.DictReader(path.read_text("utf-8-sig").splitlines())), target)

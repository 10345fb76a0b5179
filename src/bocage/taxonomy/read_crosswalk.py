"""Crosswalk files → Crosswalk. IO, read only."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path
from typing import Any

from bocage.core.arrays import IGNORE
from bocage.core.errors import MissingFile, UnknownName
from bocage.core.registry import nearest
from bocage.parcels import hcat
from bocage.parcels.store_code_tables import find_code_table, read_csv
from bocage.taxonomy.crosswalk import Crosswalk, parse_crosswalk
from bocage.taxonomy.hcat_crosswalk import crosswalk_to_hcat3, crosswalk_to_hcat4
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.taxonomy import IGNORE_NAME, Taxonomy

_TO = "-to-"
_HCAT = "hcat"  # `data/hcat4-to-hcat3.csv` leads from codes to codes and is no crosswalk of rasters
CODE_CROSSWALKS = {"hcat4-to-hcat3": crosswalk_to_hcat3, "hcat3-to-hcat4": crosswalk_to_hcat4}


def shipped_crosswalks() -> tuple[str, ...]:
    """Names of the crosswalks that come with bocage: `<data set>-to-<taxonomy>`."""
    names = (p.name.removesuffix(".csv") for p in files("bocage.taxonomy").joinpath("data").iterdir())
    return tuple(sorted(n for n in names if _TO in n and not n.startswith(_HCAT)))


def find_crosswalk(name: str) -> Crosswalk:
    """A crosswalk that comes with bocage.

    Raises:
        UnknownName: with the nearest name.
    """
    if name not in shipped_crosswalks():
        known = (*shipped_crosswalks(), *CODE_CROSSWALKS)
        raise UnknownName(f"No crosswalk is called '{name}'.{nearest(name, known)} Known: {', '.join(known)}.")
    text = files("bocage.taxonomy").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    return parse_crosswalk(name, list(csv.DictReader(text.splitlines())), find_taxonomy(name.split(_TO)[1]))


def read_crosswalk_file(path: Path, target: Taxonomy) -> Crosswalk:
    """A crosswalk of your own; errors as in `parse_crosswalk` and `read_csv`."""
    if not path.is_file():
        raise MissingFile(f"No crosswalk file at {path}. Give a CSV with from_id, from_name, to_name.")
    return parse_crosswalk(path.stem, read_csv(path), target)


def read_crosswalk_rows(name: str, *, hcat4: str) -> list[dict[str, Any]]:
    """A crosswalk as rows: `from`, `from_name`, `to`, `to_name`; between codes also `by`, what led there.

    Args:
        name: of a shipped crosswalk, or of CODE_CROSSWALKS.
        hcat4: HCAT4's list of codes, as a CSV or an imported code table; looked at for CODE_CROSSWALKS only.

    Raises:
        UnknownName: if there is no such crosswalk, or no such table.
    """
    if name not in CODE_CROSSWALKS:
        walk = find_crosswalk(name)
        target = find_taxonomy(walk.target)
        to_names = {IGNORE: IGNORE_NAME, **dict(enumerate(target.class_names))}
        return [
            {"from": i, "from_name": walk.names[i], "to": to, "to_name": to_names[to]} for i, to in walk.ids.items()
        ]
    hcat4_names = {row.hcat_code: row.hcat_name for row in find_code_table(hcat4).rows}
    lists = (hcat4_names, hcat.names_by_code())
    old, new = lists if name == "hcat4-to-hcat3" else lists[::-1]
    return [
        {"from": code, "from_name": old[code], "to": step.code, "to_name": new[step.code], "by": step.by}
        for code, step in CODE_CROSSWALKS[name](hcat4_names).items()
    ]

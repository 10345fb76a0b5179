"""Class lists of the benchmarks, and their way to eurocrops-10: tables beside this file. IO, read only.

A table has one row an id of the benchmark: `id`, `name`, and `eurocrops_10`: the class there, `background`, or `ignore`
where the label is a crop without a counterpart (calling it background would be wrong).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from bocage.core.arrays import IGNORE, UInt8
from bocage.taxonomy.load import load_taxonomy
from bocage.taxonomy.options import TaxonomyOptions

TAXONOMY = "eurocrops-10"
IGNORED = "ignore"


@dataclass(frozen=True)
class ClassTable:
    """Ids of a benchmark.

    Attributes:
        names: id → name.
        carried_over: id → class of eurocrops-10, `background` or `ignore`; empty if there is no crosswalk.
    """

    names: Mapping[int, str]
    carried_over: Mapping[int, str]


@cache
def read_class_table(name: str) -> ClassTable:
    """The table `data/<name>.csv`."""
    text = files("bocage.benchmarks").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    names = {int(row["id"]): row["name"] for row in rows}
    return ClassTable(names, {int(row["id"]): row["eurocrops_10"] for row in rows if row.get("eurocrops_10")})


def target_names() -> tuple[str, ...]:
    """Class names of eurocrops-10, index = class id."""
    return load_taxonomy(TaxonomyOptions(name=TAXONOMY)).class_names


def target_lookup(name: str) -> UInt8:
    """(256,) id of the benchmark → class id of eurocrops-10; 255 where there is none."""
    classes = target_names()
    lookup = np.full(256, IGNORE, np.uint8)
    for number, target in read_class_table(name).carried_over.items():
        lookup[number] = IGNORE if target == IGNORED else classes.index(target)
    return lookup


def unknown_ids(found: UInt8, name: str) -> list[int]:
    """Ids in an array that the benchmark's list does not have."""
    return sorted({int(v) for v in np.unique(found)} - set(read_class_table(name).names))

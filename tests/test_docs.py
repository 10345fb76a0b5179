"""The docs say what the code says."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import bocage
from bocage.core import arrays, bands, errors

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
GLOSSARY = """
parcel, declaration, native code, HCAT, taxonomy, crosswalk, class, background, ignore, region, season, zone, tile,
scene, baseline, DN, offset, reflectance, SCL, band, grid, window, cube, valid, period, composite, gap-fill, labels,
patch, candidate, verdict, tally, sample, object, manifest, split, fold, block, protocol, support, mIoU,
foreground mIoU,
present-class mIoU, OA, UA, PA, predictor, checkpoint, confidence, map, artifact, provenance, experiment, run
"""


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rooms_of_docstring() -> list[tuple[str, str]]:
    """(room, what it does) in order."""
    return re.findall(r"^    ([a-z]+)  +(.+)$", bocage.__doc__ or "", flags=re.MULTILINE)


def test_architecture_lists_the_rooms_of_the_package_in_order():
    listed = re.findall(r"^  ([a-z]+)/ ", read("architecture.md"), flags=re.MULTILINE)
    assert listed == [*(name for name, _ in rooms_of_docstring()), "testing"]


def test_every_error_is_explained_with_its_exit_code():
    page = read("errors.md")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d) \|", page, flags=re.MULTILINE))
    classes = {n: c for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.BocageError)}
    assert rows == {name: str(c.exit_code) for name, c in classes.items()}


def test_error_tree_at_the_top_of_the_module_is_complete():
    drawn = set(re.findall(r"^[ │├└─]*(\w+)", errors.__doc__ or "", flags=re.MULTILINE))
    names = {n.name for n in ast.parse(Path(errors.__file__).read_text("utf-8")).body if isinstance(n, ast.ClassDef)}
    assert names <= drawn


def test_glossary_explains_every_word():
    explained = set(re.findall(r"^\*\*(.+?)\*\*", read("glossary.md"), flags=re.MULTILINE))
    wanted = {word.strip() for word in GLOSSARY.replace("\n", " ").split(",")}
    assert wanted - explained == set()


def test_glossary_is_in_alphabetical_order():
    words = re.findall(r"^\*\*(.+?)\*\*", read("glossary.md"), flags=re.MULTILINE)
    assert words == sorted(words, key=str.lower)


def test_conventions_state_the_numbers_of_the_code():
    page = read("conventions.md")
    assert f"`{arrays.MISSING_INT16}`".replace("-", "−") in page
    assert f"{arrays.SCALE:,.0f}".replace(",", " ") in page
    assert f"`{arrays.IGNORE}`" in page
    assert " ".join(bands.DEFAULT_BANDS) in page
    assert ", ".join(map(str, bands.CLEAR_SCL)) in page
    assert np.iinfo(np.int16).min == arrays.MISSING_INT16


@pytest.mark.parametrize("page", sorted(p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")))
def test_links_between_pages_lead_somewhere(page):
    folder = (DOCS / page).parent
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", read(page))
    missing = [t for t in targets if "://" not in t and not (folder / t).exists()]
    assert not missing

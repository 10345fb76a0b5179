"""The docs say what the code says."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import typer

import bocage
from bocage.cli.main import app
from bocage.core import arrays, bands, errors
from bocage.metrics.protocols import PROTOCOLS

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


def test_concepts_list_every_protocol():
    rows = re.findall(r"^\| (`.+`) \|", read("concepts.md").partition("A **protocol**")[2], flags=re.MULTILINE)
    listed = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert listed == {name for name, _ in PROTOCOLS.items()}


def test_conventions_state_the_numbers_of_the_code():
    page = read("conventions.md")
    assert f"`{arrays.MISSING_INT16}`".replace("-", "−") in page
    assert f"{arrays.SCALE:,.0f}".replace(",", " ") in page
    assert f"`{arrays.IGNORE}`" in page
    assert " ".join(bands.DEFAULT_BANDS) in page
    assert ", ".join(map(str, bands.CLEAR_SCL)) in page
    assert np.iinfo(np.int16).min == arrays.MISSING_INT16


GLOBAL_OPTIONS = {"--json", "--quiet", "--workers", "--help"}
COMMANDS = typer.main.get_command(app)


def walk(command, name=()):
    """(words, command) of every command below."""
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*name, word))


def unknown_words(line: str) -> list[str]:
    """The commands and options of `bocage …` that do not exist."""
    command, unknown = COMMANDS, []
    for word in line.split()[1:]:
        inner = getattr(command, "commands", {})
        options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | GLOBAL_OPTIONS
        if word.startswith("--"):
            unknown += [word] * (word.partition("=")[0] not in options)
        elif word in inner:
            command = inner[word]
        elif word.isalpha() and word.islower() and inner and command.no_args_is_help:
            unknown.append(word)
    return unknown


def commands_of(text: str) -> list[str]:
    """The lines of a page's examples that begin with `bocage`, and what stands so in backticks."""
    blocks = re.findall(r"```\w*\n(.*?)```|^(    .*\n)", text.replace("\\\n", " "), flags=re.DOTALL | re.MULTILINE)
    lines = [c.partition("#")[0] for block in blocks for c in re.split("[;\n]", "".join(block))]
    return [c for c in lines if c.lstrip().startswith("bocage ")] + re.findall(r"`(bocage [^`]+)`", text)


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{p.name}" for p in DOCS.glob("*.md"))])
def test_commands_of_a_page_exist_with_their_options(page):
    lines = commands_of((ROOT / page).read_text(encoding="utf-8"))
    assert {line: found for line in lines if (found := unknown_words(line))} == {}


def test_help_of_every_command_has_an_example_that_fits_it():
    bare = {"catalogs", "list", "sources", "doctor", "info"}  # without a choice to show
    for words, command in walk(COMMANDS):
        if getattr(command, "no_args_is_help", False) or words[-1] in bare or words == ("dataset", "build"):
            continue
        examples = re.findall(r"^ *bocage .+(?:\n +--.+)*", command.help or "", flags=re.MULTILINE)
        assert examples, words
        assert all(line.split()[1:][: len(words)] == list(words) for line in examples), words
        assert [unknown_words(line) for line in examples] == [[]] * len(examples), words
        widths = [len(line) for line in command.help.split("\n\n", 1)[1].splitlines()]
        assert max(widths) <= 80, words  # of a terminal


def test_a_command_that_does_not_exist_is_found():
    assert unknown_words("bocage dataset inspekt DIR --jsn") == ["inspekt", "--jsn"]


@pytest.mark.parametrize("page", sorted(p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")))
def test_links_between_pages_lead_somewhere(page):
    folder = (DOCS / page).parent
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", read(page))
    missing = [t for t in targets if "://" not in t and not (folder / t).exists()]
    assert not missing

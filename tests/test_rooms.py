"""The order of the rooms is law: a room imports only rooms above it in the docstring of `bocage/__init__.py`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bocage

PACKAGE = Path(bocage.__file__).parent
ROOMS = re.findall(r"^    ([a-z]+)  ", bocage.__doc__ or "", flags=re.MULTILINE)
OUTSIDE = re.findall(r"^`([a-z]+)` stands outside", bocage.__doc__ or "", flags=re.MULTILINE)
# who may import what only training and prediction need; the rest works without it installed
HEAVY = {"torch", "sklearn", "xgboost", "skops", "safetensors"}
MAY_BE_HEAVY = {"models", "training", "evaluation", "mapping", "testing", "datasets/loader.py", "pipeline/doctor.py"}


def imported_modules(source: str, module: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything a module imports: in functions, under TYPE_CHECKING and by name as well.

    Args:
        source: Python text.
        module: its dotted name, with `.__init__` for a package.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, target
            for alias in node.names:  # `from bocage import training` imports the room `training`
                yield node.lineno, f"{target}.{alias.name}"
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            if name in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield node.lineno, str(first.value)


def room_of(module: str) -> str | None:
    """The room of a module of bocage; None for the package itself and for other packages."""
    names = module.split(".")
    return names[1] if names[0] == "bocage" and len(names) > 1 and names[1] in (*ROOMS, *OUTSIDE) else None


def upward_imports(source: str, module: str) -> list[str]:
    """What a module imports from rooms below its own, or from outside the order."""
    own = room_of(module)
    assert own is not None, f"{module} is in no room"
    found = []
    for line, name in imported_modules(source, module):
        room = room_of(name)
        if room in (None, own) or own in OUTSIDE:
            continue
        if room in OUTSIDE or ROOMS.index(room) > ROOMS.index(own):
            found.append(f"{module}, line {line}: the room {own} imports {name}")
    return sorted(set(found))


def modules() -> list[tuple[Path, str]]:
    """Every module below the rooms: its file and dotted name."""
    files = sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem in (*ROOMS, *OUTSIDE))
    return [(p, ".".join(["bocage", *p.relative_to(PACKAGE).with_suffix("").parts])) for p in files]


def test_docstring_lists_the_rooms_in_flow_order():
    assert ROOMS[0] == "core"
    assert ROOMS[-1] == "cli"
    assert ROOMS.index("parcels") < ROOMS.index("cubes") < ROOMS.index("splits") < ROOMS.index("training")
    assert OUTSIDE == ["testing"]
    assert len(ROOMS) == len(set(ROOMS)) >= 20


def test_every_folder_is_a_room_and_every_room_is_there():
    there = {p.name for p in PACKAGE.iterdir() if p.is_dir() and any(p.rglob("*.py"))}
    there |= {p.stem for p in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert there == {*ROOMS, *OUTSIDE}


def test_no_room_imports_a_room_below_it():
    found = [line for path, name in modules() for line in upward_imports(path.read_text(encoding="utf-8"), name)]
    assert not found, "\n".join(["imports against the order of the rooms:", *found])


def test_only_models_and_what_follows_need_torch():
    found = [
        f"{name}, line {line}: {module}"
        for path, name in modules()
        if not {path.relative_to(PACKAGE).parts[0], path.relative_to(PACKAGE).as_posix()} & MAY_BE_HEAVY
        for line, module in imported_modules(path.read_text(encoding="utf-8"), name)
        if module.split(".")[0] in HEAVY
    ]
    assert not found, "\n".join(["rooms that work without torch import it or its like:", *found])


@pytest.mark.parametrize(
    "source",
    [
        "from bocage.training import loop",
        "import bocage.training.loop as loop",
        "from bocage import training",
        "from .. import training",
        "from ..training.loop import train",
        "def f():\n    from bocage.training.loop import train\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bocage.training.loop import train\n",
        "import importlib\nmodule = importlib.import_module('bocage.training.loop')",
        "from bocage.testing import check_predictor",
    ],
)
def test_upward_import_is_found_however_it_is_hidden(source):
    assert len(upward_imports(source, "bocage.cubes.read")) >= 1


@pytest.mark.parametrize(
    "source",
    [
        "from bocage.scenes.search import search_scenes",
        "from bocage import __version__",
        "from .plan import plan_cube",
        "from ..core import grid",
        "import numpy, training",
    ],
)
def test_import_from_above_is_fine(source):
    assert upward_imports(source, "bocage.cubes.read") == []


def test_testing_may_import_everything():
    assert upward_imports("from bocage.cli.main import app", "bocage.testing.predictors") == []

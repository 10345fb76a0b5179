"""An earlier cube of the same place → the first dates of a new one: a season that goes on reads only what is new.

IO: copies chunks of finished cubes, as far as they are still what was written, into the folder of one that is to be
built; `build_cube` continues it like the half of a killed run.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bocage.core.artifacts import RECORD, read_json
from bocage.core.digest import digest_file, digest_value
from bocage.core.errors import CorruptFile
from bocage.core.grid import grid_to_json
from bocage.cubes.build import digest_plan
from bocage.cubes.options import CubeOptions
from bocage.cubes.plan import CubePlan
from bocage.cubes.store import CubeWriter


def grow_cube(folder: Path, plan: CubePlan, options: CubeOptions, inputs: Mapping[str, str]) -> int:
    """Start the planned cube with the dates that it shares with a finished one beside it; returns how many.

    Args:
        folder: of the new cube, in the store; finished ones lie beside it. A cube that is half built stays as it is.
        inputs: digest of each product by its scene's id; the record of a finished cube says those that it was built of.
    """
    if folder.is_dir() and any(folder.iterdir()):
        return 0
    found = [(shared_dates(earlier, plan, options, inputs), earlier) for earlier in _finished(folder.parent, plan.name)]
    names, earlier = max(found, key=lambda pair: len(pair[0]), default=([], folder))
    if not names:
        return 0
    done, files = read_json(earlier / "cube.json")["done"], read_json(earlier / RECORD)["files"]
    shape = plan.shape(len(plan.periods or plan.scenes))
    writer = CubeWriter(folder, shape, digest_plan(plan, options), counts=bool(plan.periods))
    for name in names:
        notes = {key: value for key, value in done[name].items() if key != "dropped"}
        if done[name]["dropped"] is not None:
            writer.drop(name, done[name]["dropped"], notes)
        elif _copy_date(earlier, folder, writer.n_kept, files):
            writer.keep(name, notes)
        else:
            break
    return len(writer.done)


def shared_dates(earlier: Path, plan: CubePlan, options: CubeOptions, inputs: Mapping[str, str]) -> list[str]:
    """The scenes, or of composites the periods, with which both the plan and a finished cube begin, made of the same
    products by the same options."""
    record, built_of = read_json(earlier / "cube.json"), read_json(earlier / RECORD)["inputs"]
    own = [grid_to_json(plan.grid), list(plan.bands), options]
    if digest_value([record["grid"], record["bands"], record["options"]]) != digest_value(own):
        return []
    wanted = {p.name: [s.id for s in plan.scenes if p.holds(s.day)] for p in plan.periods}
    shared = []
    for name, scenes in (wanted or {s.id: [s.id] for s in plan.scenes}).items():
        then = record["done"].get(name)
        made_of: Sequence[str] = [] if then is None else list(then["scenes"]) if wanted else [name]
        if then is None or made_of != scenes or any(built_of.get(s) != inputs[s] for s in scenes):
            break
        shared.append(name)
    return shared


def _finished(cubes: Path, name: str) -> list[Path]:
    """The finished cubes of that name in a folder of the store whose record says what their dates are."""
    return [
        path.parent
        for path in sorted(cubes.glob(f"[!.]*/{RECORD}"))
        if _read_record(path).get("name") == name and "done" in _read_record(path.with_name("cube.json"))
    ]


def _read_record(path: Path) -> Mapping[str, Any]:
    """A record, empty if it is damaged or gone: a cube that nothing is known of is none to start from."""
    try:
        record = read_json(path)
    except (CorruptFile, FileNotFoundError):
        return {}
    return record if isinstance(record, dict) else {}


def _copy_date(earlier: Path, folder: Path, position: int, files: Mapping[str, Any]) -> bool:
    """Copy the chunks of one date, which has the same position in both; False if one is not what was written."""
    starts = tuple(f"cube.zarr/{array}/c/{position}/" for array in ("reflectance", "quality", "observations"))
    chunks = [name for name in files if name.startswith(starts)]
    if not all((earlier / name).is_file() and digest_file(earlier / name) == files[name][1] for name in chunks):
        return False
    for name in chunks:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(earlier / name, folder / name)
    return True

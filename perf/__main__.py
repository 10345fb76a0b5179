"""`python -m perf NAME [--json] [--repeats N] [--size PX]`, or `list`, or `all`. Exits 1 if a peer is missing."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import sys
import tempfile
from pathlib import Path

from perf import ENTRIES
from perf.frame import LEAST_REPEATS, describe, run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m perf", description=sys.modules["perf"].__doc__)
    parser.add_argument("name", choices=[*ENTRIES, "all", "list"])
    parser.add_argument("--json", action="store_true", help="print one JSON object (with `all`: one under each name)")
    parser.add_argument("--repeats", type=int, default=LEAST_REPEATS, help=f"turns, at least {LEAST_REPEATS}")
    parser.add_argument("--size", type=int, help="side of the image in pixels, for entries that can be made smaller")
    given = parser.parse_args(arguments)

    if given.name == "list":
        titles, width = {name: _title(name) for name in ENTRIES}, max(map(len, ENTRIES))
        lines = [f"{name:{width}} {title}" for name, title in titles.items()]
        print(json.dumps(titles) if given.json else "\n".join(lines))
        return 0
    results, missing = {}, []
    smaller = {} if given.size is None else {"size_px": given.size}
    for name in ENTRIES if given.name == "all" else (given.name,):
        try:
            module = importlib.import_module(f"perf.{name}")
        except ModuleNotFoundError as error:
            package = "-".join((error.name or "").split(".")[:2])  # odc.stac comes with odc-stac
            missing.append(name)
            print(f"{name} is not measured: it needs {error.name}. Run: pip install {package}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="bocage-perf-") as folder:
            results[name] = run(module.make_entry(Path(folder), **smaller), given.repeats)
        if not given.json:
            print(describe(results[name]), flush=True)
    if given.json:
        print(json.dumps(results if given.name == "all" else results.get(given.name), indent=1))
    return 1 if missing else 0


def _title(name: str) -> str:
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())

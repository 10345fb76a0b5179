"""The `bocage` command: the global options, the groups, and how errors end.

Exit codes: 0 done, 2 configuration, 3 source, 4 data, 5 internal, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import typer

import bocage
from bocage.cli import (
    areas,
    benchmarks,
    config,
    crossvalidate,
    cube,
    dataset,
    matrix,
    models,
    objects,
    parcels,
    regions,
    runs,
    scenes,
    shift,
    split,
    taxonomy,
)
from bocage.cli.output import emit, hide_secrets, settings, stderr
from bocage.core import interrupt, progress
from bocage.core.errors import BocageError, CannotWrite, ConfigError
from bocage.models.libraries import MODEL_LIBRARIES

_ANYWHERE = (
    "Anywhere on the line: --json (one JSON object on stdout), --quiet (no progress), --workers N (threads, default "
    "all cores)."
)
_EPILOG = (
    f"{_ANYWHERE} Exit codes: 0 done, 2 configuration, 3 source, 4 data, 5 internal, 130 interrupted. "
    "Start with: bocage demo, or bocage config template > my.yaml."
)

INTERRUPTED = 130
_UNUSABLE = {  # paths of the user's that an operating system refuses
    errno.EISDIR: "is a folder, where a file was to be",
    errno.ENOTDIR: "leads through a file, where a folder was to be",
    errno.EEXIST: "is a file, where a folder was to be",
    errno.EACCES: "may not be used by this account",
    errno.EPERM: "may not be used by this account",
    errno.EROFS: "lies on a read-only disk",
    errno.ENOSPC: "cannot be written: the disk is full",
    errno.EDQUOT: "cannot be written: this account may not fill more of the disk",
    errno.EFBIG: "is larger than the disk takes",
    errno.ENAMETOOLONG: "is too long a name",
}
ONNX_LIBRARIES = ("onnx", "onnxruntime", "onnxscript")
UsageError = cast(type[typer.BadParameter], typer.BadParameter.__bases__[0])  # click's; typer may bring its own click

app = typer.Typer(
    name="bocage",
    help="From declared parcels and Sentinel-2 to crop data sets, crop models, honest evaluations and crop maps.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
runs.register(app, dataset.app)
app.add_typer(config.app, name="config", help="Start, check, resolve and document experiment files.")
app.add_typer(parcels.app, name="parcels", help="Declared parcels: sources, and any file in one schema.")
app.add_typer(taxonomy.app, name="taxonomy", help="Target classes: list, show, audit, apply, diff, import.")
app.add_typer(scenes.app, name="scenes", help="Sentinel-2 products: search, fetch, inspect.")
app.add_typer(regions.app, name="regions", help="Where to look: plan, draw.")
app.add_typer(cube.app, name="cube")
app.add_typer(dataset.app, name="dataset", help="Data sets: inspect, verify, diff, merge, sample, select, export.")
app.command("objects")(objects.objects)
app.add_typer(split.app, name="split", help="Splits: make, audit for leakage.")
app.add_typer(models.app, name="models", help="The kinds of models: list; export to ONNX.")
app.command()(matrix.matrix)
app.command()(crossvalidate.crossvalidate)
app.command("shift")(shift.shift)
app.add_typer(areas.app, name="areas", help="Class areas of a map with intervals: sample, estimate.")
app.add_typer(benchmarks.app, name="benchmarks", help="Published data sets: list, check, evaluate.")


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True)) -> None:
    if version:
        emit({"version": bocage.__version__}, text=f"bocage {bocage.__version__}")
        raise typer.Exit


def _tell_anywhere(group: typer.Typer) -> None:
    """Name the options that may stand anywhere below the help of every command."""
    for command in group.registered_commands:
        command.epilog = _ANYWHERE
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            _tell_anywhere(inner.typer_instance)


_tell_anywhere(app)


def take_global_options(arguments: Sequence[str]) -> list[str]:
    """Take `--json`, `--quiet`, `--workers N` out of the line, wherever they stand, and set them."""
    settings.json, settings.quiet = False, False
    rest: list[str] = []
    items = iter(arguments)
    for item in items:
        if item == "--json":
            settings.json = True
        elif item == "--quiet":
            settings.quiet = True
        elif item == "--workers" or item.startswith("--workers="):
            value = item.partition("=")[2] or next(items, "")
            if not value.isdigit() or int(value) < 1:
                raise ConfigError(f"--workers takes a number of threads from 1 on, got '{value}'.")
            settings.workers = int(value)
        else:
            rest.append(item)
    progress.set_quiet(settings.quiet)
    return rest


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code. A user's mistake prints a few lines, never a traceback."""
    try:
        result = app(args=take_global_options(arguments), standalone_mode=False)
        code = result if isinstance(result, int) else 0
        return _interrupted() if code == INTERRUPTED else code  # typer turns Ctrl-C into this exit code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except Exception as error:  # after Ctrl-C it may be what a library made of it
        return _interrupted() if interrupt.wanted() else _explain(error)


def _explain(error: Exception) -> int:
    if isinstance(error, BocageError):
        return _fail(type(error).__name__, str(error), error.exit_code)
    if isinstance(error, UsageError):
        return _fail("Usage", message, 2) if (message := error.format_message()) else 2  # none: the help was printed
    if isinstance(error, BrokenPipeError):
        return 0
    missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if missing in MODEL_LIBRARIES:
        return _fail("ConfigError", f"Models need {missing}: run pip install 'bocage[train]'.", 2)
    if missing in ONNX_LIBRARIES:
        return _fail("ConfigError", f"ONNX files need {missing}: run pip install 'bocage[onnx]'.", 2)
    if isinstance(error, OSError) and (reason := _UNUSABLE.get(error.errno or 0)):
        place = error.filename2 or error.filename or "The place that was named"
        return _fail("CannotWrite", f"{place} {reason}. Give another path.", CannotWrite.exit_code)
    traceback.print_exception(error, file=sys.stderr)
    return _fail("InternalError", f"{type(error).__name__}: {error}. This is a bug of bocage; please report it.", 5)


def _interrupted() -> int:
    message = "Run the same command again: finished stages are kept and it goes on from there."
    return _fail("Interrupted", message, INTERRUPTED)


def _fail(kind: str, message: str, code: int) -> int:
    message = hide_secrets(message, os.environ)
    stderr.print(f"[bold red]{kind}[/]: ", end="")
    stderr.print(message, markup=False, highlight=False, soft_wrap=True)
    if settings.json:
        with suppress(BrokenPipeError):  # nobody reads on, as in `… | head`
            emit({"error": {"type": kind, "message": message, "exit_code": code}})
    return code


def run() -> None:
    """Entry point of the installed command."""
    interrupt.listen()
    code = main(sys.argv[1:])
    if code == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done; only Python's own clearing away is left
    # Ctrl-C inside `exec` of a string (dataclasses, torch's imports) leaves a mark in CPython that lets `python -m` end
    # by the signal whatever the code is (pythonrun.c, run_eval_code_obj); any further string that is run clears it.
    exec("")
    sys.exit(code)


if __name__ == "__main__":
    run()

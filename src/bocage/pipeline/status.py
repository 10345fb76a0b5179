"""Where a run stands, from its event log. Reads one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bocage.core.errors import MissingFile


def read_status(run: Path) -> dict[str, Any]:
    """State of every stage of the newest start: done, cached, started (running or killed) or waiting.

    Raises:
        MissingFile: if `run` is not a run folder.
    """
    path = run / "events.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    events = [event for line in lines if (event := _parse(line))]
    if not events:
        raise MissingFile(f"{run} is not a run folder: its events.jsonl is not there, or empty.")
    start = max((i for i, e in enumerate(events) if e["event"] == "run started"), default=0)
    stages: dict[str, dict[str, Any]] = {
        name: {"name": name, "state": "waiting"} for name in events[start].get("stages", [])
    }
    for event in events[start:]:
        if event["event"] == "stage started":
            _of(stages, event["stage"])["state"] = "started"
        elif event["event"] == "stage done":
            state = "cached" if event["cached"] else "done"
            _of(stages, event["name"]).update(state=state, seconds=event["seconds"], tally=event["tally"])
    return {"run": str(run), "stages": list(stages.values()), "last_event": events[-1]["time"]}


def _of(stages: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """The row of a stage; a new one for a stage of an earlier start that still runs into the same folder."""
    return stages.setdefault(name, {"name": name, "state": "waiting"})


def _parse(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:  # the last line of a killed run may be cut
        return {}

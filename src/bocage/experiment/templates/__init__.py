"""Experiment files to start from; `bocage config template --list` names them. Reads package files."""

from __future__ import annotations

from importlib.resources import files

from bocage.core.errors import UnknownName
from bocage.core.registry import nearest


def list_templates() -> list[str]:
    return sorted(f.name.removesuffix(".yaml") for f in files(__name__).iterdir() if f.name.endswith(".yaml"))


def read_template(name: str) -> str:
    """The text of a template.

    Raises:
        UnknownName: no template of that name.
    """
    known = list_templates()
    if name not in known:
        raise UnknownName(f"No template '{name}'.{nearest(name, known)} Known: {', '.join(known)}.")
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")

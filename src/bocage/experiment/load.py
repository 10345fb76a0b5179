"""YAML file + overrides -> Experiment. Reads one file.

`${NAME}` and `${NAME:-default}` in values are replaced from the environment. Values of the keys in PATH_KEYS are taken
relative to the YAML file's folder, those in NAME_OR_PATH_KEYS where there is such a file; in `--set` overrides,
relative to the current folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from bocage.core.errors import BocageError, ConfigError, MissingFile, UnknownKey
from bocage.core.options import Options, explain
from bocage.core.plain_yaml import load_yaml
from bocage.experiment.crossvalidation import CrossValidation
from bocage.experiment.schema import Experiment

PATH_KEYS = ("path", "areas_path", "file", "landcover", "coco")
NAME_OR_PATH_KEYS = ("code_table",)
READ_BY: dict[type[Options], tuple[str, str]] = {  # schema → the section that no other has, its command
    CrossValidation: ("series", "bocage crossvalidate"),
    Experiment: ("parcels", "bocage run"),
}
Schema = TypeVar("Schema", bound=Options)
_LOGIN = re.compile(r"://[^/?#]*@")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read, override (`a.b=c`, later ones win), check. Errors as `load_options`."""
    return load_options(path, overrides, Experiment)


def load_any(path: Path, overrides: Sequence[str] = ()) -> Experiment | CrossValidation:
    """Read a file for `bocage run` or for `bocage crossvalidate`, by its sections. Errors as `load_options`."""
    values = _read_values(path, overrides)
    if _meant_for(values) is CrossValidation:
        return check_options(values, CrossValidation, where=str(path))
    return check_options(values, Experiment, where=str(path))


def load_options(path: Path, overrides: Sequence[str], schema: type[Schema]) -> Schema:
    """The record that a YAML file and overrides give.

    Raises:
        MissingFile: no such file.
        UnknownKey: a key that the section does not have; names the nearest.
        ConfigError: anything else wrong with a value, by its path in the file; or the file is another command's.
    """
    values = _read_values(path, overrides)
    meant = _meant_for(values)
    if meant not in (schema, None):
        section, command = READ_BY[meant]
        raise ConfigError(f"{path} has a section '{section}': it is a file for `{command}`.")
    return check_options(values, schema, where=str(path))


def _meant_for(values: Mapping[str, Any]) -> type[Options] | None:
    """The schema whose own section a file has; None if it has none, or those of several."""
    found = [schema for schema, (section, _) in READ_BY.items() if section in values]
    return found[0] if len(found) == 1 else None


def _read_values(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The sections of a file, variables and overrides filled in; not yet checked."""
    if not path.is_file():
        raise MissingFile(f"No experiment file {path}. `bocage config template` prints one to start from.")
    try:
        raw = load_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} should hold sections (parcels:, scenes:, …), found {type(raw).__name__}.")
    values: dict[str, Any] = _resolve(raw, path.resolve().parent)
    for override in overrides:
        _override(values, override)
    return values


def check_options(values: Mapping[str, Any], schema: type[Schema], *, where: str) -> Schema:
    """Values -> record, with every problem in one ConfigError of a line each."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        lines = [explain(schema, problem, values) for problem in error.errors()]
        kind = UnknownKey if all(e["type"] == "extra_forbidden" for e in error.errors()) else ConfigError
        raise kind(f"{where}: " + ("\n  ".join(["", *lines]) if len(lines) > 1 else lines[0])) from None
    except BocageError as error:
        raise type(error)(f"{where}: {error}") from None


def dump_experiment(experiment: Options) -> str:
    """The resolved experiment as YAML, all defaults written out."""
    return yaml.safe_dump(experiment.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _resolve(value: Any, folder: Path, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _resolve(v, folder, str(k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolve(v, folder, key) for v in value]
    if not isinstance(value, str):
        return value
    text = _VARIABLE.sub(_from_environment, value)
    if not text or key not in (*PATH_KEYS, *NAME_OR_PATH_KEYS):
        return text
    if "://" in text:
        if _LOGIN.search(text):  # it would stand in the run folder's experiment.yaml
            raise ConfigError(f"{key}: an address with a login is not kept. Leave it out, and put it into ~/.netrc.")
        return text
    place = (folder / Path(text).expanduser()).resolve()
    return str(place) if key in PATH_KEYS or place.is_file() else text


def _from_environment(match: re.Match[str]) -> str:
    name, default = match.group(1), match.group(2)
    found = os.environ.get(name, default)
    if found is None:
        raise ConfigError(f"the environment variable {name} is not set. Set it, or write ${{{name}:-default}}.")
    return found


def _override(values: dict[str, Any], override: str) -> None:
    dotted, separator, text = override.partition("=")
    if not separator:
        raise ConfigError(f"--set takes KEY=VALUE such as training.epochs=3, got '{override}'.")
    *parents, last = dotted.strip().split(".")
    node: Any = values
    for parent in parents:
        node = _child(node, parent, dotted)
    try:
        value = _resolve(yaml.safe_load(text), Path.cwd(), last)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML: {error}") from error
    if isinstance(node, list):
        node[_index(node, last, dotted)] = value
    else:
        node[last] = value


def _child(node: Any, key: str, dotted: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, key, dotted)]
    if not isinstance(node, dict):
        raise ConfigError(f"--set {dotted}: '{key}' is below a plain value.")
    if not isinstance(node.get(key), (dict, list)):
        node[key] = {}
    return node[key]


def _index(items: list[Any], key: str, dotted: str) -> int:
    """A list entry by position, or by its name (`models.unet.options.base_channels=16`)."""
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if key in names:
        return names.index(key)
    if key.isdigit() and int(key) < len(items):
        return int(key)
    raise ConfigError(f"--set {dotted}: no entry '{key}' in a list of {len(items)} ({', '.join(map(str, names))}).")

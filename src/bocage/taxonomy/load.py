"""Taxonomy files → Taxonomy. IO, read only."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml

from bocage.core.errors import ConfigError, MissingFile, UnknownName
from bocage.core.plain_yaml import load_yaml
from bocage.core.registry import nearest
from bocage.taxonomy.options import TaxonomyOptions
from bocage.taxonomy.taxonomy import Mixtures, Taxonomy


def shipped_taxonomies() -> tuple[str, ...]:
    """Names of the taxonomies that come with bocage."""
    data = files("bocage.taxonomy").joinpath("data")
    return tuple(sorted(p.name.removesuffix(".yaml") for p in data.iterdir() if p.name.endswith(".yaml")))


def load_taxonomy(options: TaxonomyOptions) -> Taxonomy:
    """The taxonomy that the options name, at the level and with the policy for mixtures that they set.

    Raises:
        UnknownName: if no shipped taxonomy has this name, or a rule names an unknown class.
        MissingFile: if the file is not there.
        ConfigError: if the file is no taxonomy, or it has no such level.
    """
    if options.file is not None:
        taxonomy = read_taxonomy_file(Path(options.file))
    elif options.name is not None:
        taxonomy = _shipped(options.name)
    else:
        raise ConfigError("Neither taxonomy.name nor taxonomy.file is given. Set one.")
    if options.mixtures is not None:
        taxonomy = taxonomy.with_mixtures(options.mixtures)
    return taxonomy if options.level is None else taxonomy.at_level(options.level)


def find_taxonomy(name_or_file: str, *, level: int | None = None, mixtures: Mixtures | None = None) -> Taxonomy:
    """A taxonomy by the name or the path that a person typed."""
    is_file = name_or_file.endswith((".yaml", ".yml")) or Path(name_or_file).is_file()
    place = {"file": name_or_file} if is_file else {"name": name_or_file}
    return load_taxonomy(TaxonomyOptions.model_validate({**place, "level": level, "mixtures": mixtures}))


@cache
def _shipped(name: str) -> Taxonomy:
    known = shipped_taxonomies()
    if name not in known:
        raise UnknownName(
            f"No taxonomy is called '{name}'.{nearest(name, known)} Known: {', '.join(known)}; or give a YAML file."
        )
    text = files("bocage.taxonomy").joinpath(f"data/{name}.yaml").read_text(encoding="utf-8")
    return _parse(text, name)


def read_taxonomy_file(path: Path) -> Taxonomy:
    """Read one YAML file; errors as in `load_taxonomy`."""
    if not path.is_file():
        raise MissingFile(f"No taxonomy file at {path}. Check taxonomy.file.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not in UTF-8 ({error}). Save it as UTF-8.") from error
    return _parse(text, str(path))


def _parse(text: str, origin: str) -> Taxonomy:
    try:
        record = load_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin} is not YAML: {' '.join(str(error).split())}. Correct the file.") from error
    if not isinstance(record, dict):
        raise ConfigError(f"{origin} is no taxonomy: it needs name, classes and rules. See docs/taxonomies.md.")
    return Taxonomy.from_json(record, origin=origin)

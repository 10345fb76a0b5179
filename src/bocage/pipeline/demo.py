"""The demonstrations: invented countries on disk, and an experiment that runs on them. IO."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, cast

import yaml

from bocage.benchmarks.registry import BENCHMARKS
from bocage.core.artifacts import write_text
from bocage.core.errors import ConfigError
from bocage.experiment.load import load_experiment
from bocage.experiment.templates import read_template
from bocage.synthetic.countries import COUNTRIES
from bocage.synthetic.options import CountryCode, SyntheticOptions
from bocage.synthetic.write import write_country

_SEED = "{seed}"  # stands in the templates of demonstrations only
SMALL_PX = 384  # side of an invented country in pixels, for an experiment at small scale


def show_template(name: str) -> str:
    """A template as an experiment file; those of demonstrations as `bocage demo` writes them with its defaults."""
    text, options = read_template(name), SyntheticOptions()
    code, year = options.countries[0], options.years[0]
    places = {"safe": "country/s2", "parcels": f"country/parcels/{code}_{year}_EC21.shp"}
    return text.format(seed=1, year=year, **places) if _SEED in text else text


def prepare_demo(out: Path, *, seed: int, size_px: int, template: str, say: Callable[[str], None]) -> Path:
    """Write the invented countries (once) and `experiment.yaml` under `out`; returns the experiment's path.

    A template with one country gets its paths filled in; one with several names them itself, `countries/FR-2020/…`.

    Raises:
        UnknownName: if there is no such template.
        ConfigError: if the template is for files of your own, the size will not do, or `out` has another experiment.
    """
    text, file = read_template(template), out / "experiment.yaml"
    if _SEED not in text:
        raise ConfigError(
            f"Template '{template}' is for files of your own: bocage config template {template} > my.yaml, then "
            "bocage run my.yaml."
        )
    if file.exists() and not any((out / name).is_dir() for name in ("country", "countries")):
        raise ConfigError(f"{file} is of no demonstration, which would replace it. Name another folder with --out.")
    out.mkdir(parents=True, exist_ok=True)
    if "{safe}" not in text:
        write_text(file, text.format(seed=seed))
        for name, part in load_experiment(file).split_up().items():
            say(f"an invented country of {size_px / 100:g} km x {size_px / 100:g} km, {name} (seed {seed})")
            options = SyntheticOptions.from_values(seed=seed, size_px=size_px)
            code = cast(CountryCode, part.parcels.country)
            write_country(out / "countries" / name, options, code=code, year=part.parcels.year)
        return file
    say(f"an invented country of {size_px / 100:g} km x {size_px / 100:g} km in {out / 'country'} (seed {seed})")
    country = write_country(out / "country", SyntheticOptions.from_values(seed=seed, size_px=size_px))
    text = text.format(
        seed=seed,
        year=country.year,
        safe=country.safe_folder.resolve().relative_to(out.resolve()).as_posix(),
        parcels=country.eurocrops_path.resolve().relative_to(out.resolve()).as_posix(),
    )
    write_text(file, text)
    return file


def shrink_experiment(file: Path, out: Path, *, seed: int, size_px: int, say: Callable[[str], None]) -> list[str]:
    """Write an invented country (once) for each country-year of an experiment; returns the overrides for them.

    The overrides put the invented parcels and scenes in place of the experiment's, then what `small/<name>.yaml` beside
    the experiment sets (keys as in `--set`). A country that is not among the invented ones becomes one that its year
    still has free.

    Raises:
        ConfigError: if the size will not do, parcels give no year, or a year has more countries than are invented.
    """
    experiment = load_experiment(file)
    parts = list(experiment.split_up().values()) or [experiment]
    taken = {(p.parcels.country or "", p.parcels.year or 0) for p in parts}
    values: dict[str, Any] = {"name": f"{experiment.name}-small", "seed": seed}
    for i, part in enumerate(parts):
        year = part.parcels.year
        if year is None:
            raise ConfigError(f"{file}: parcels give no year, so no invented country can stand in for theirs.")
        code = choose_country(part.parcels.country, year, taken)
        taken.add((code, year))
        name = f"{code}-{year}"
        say(f"an invented {code} {year} of {size_px / 100:g} km x {size_px / 100:g} km in {out / name} (seed {seed})")
        options = SyntheticOptions.from_values(seed=seed, size_px=size_px, countries=(code,), years=(year,))
        made = write_country(out / name, options)
        season = part.scenes.season and [day.isoformat() for day in part.scenes.season]
        values |= {
            f"{f'also.{i - 1}.' if i else ''}{section}": value
            for section, value in {
                "parcels": {"path": str(made.eurocrops_path), "country": code, "year": year},
                "scenes": {"path": str(made.safe_folder), "season": season},
                "regions": {},
            }.items()
        }
    for i, copy in enumerate(experiment.benchmarks):
        folder = out / "benchmarks" / str(i)
        say(f"a miniature of {copy.name} in {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        values[f"benchmarks.{i}.path"] = str(BENCHMARKS[copy.name].write_miniature(folder))
    small = file.parent / "small" / file.name
    if small.is_file():
        values |= yaml.safe_load(small.read_text(encoding="utf-8"))
    return [f"{key}={json.dumps(value)}" for key, value in values.items()]


def choose_country(wanted: str | None, year: int, taken: Collection[tuple[str, int]]) -> CountryCode:
    """The invented country of that code, else the first that is not taken in that year."""
    code = next((c for c in COUNTRIES if c == wanted), None)
    code = code or next((c for c in COUNTRIES if (c, year) not in taken), None)
    if code is None:
        raise ConfigError(f"{year} has more countries than there are invented ones ({', '.join(COUNTRIES)}).")
    return cast(CountryCode, code)

"""The demonstration: an invented country on disk and an experiment file beside it. IO."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bocage.core.artifacts import write_text
from bocage.experiment.templates import read_template
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country


def prepare_demo(out: Path, *, seed: int, size_px: int, template: str, say: Callable[[str], None]) -> Path:
    """Write the invented country (once) and `experiment.yaml` under `out`; returns the experiment's path."""
    text = read_template(template)
    out.mkdir(parents=True, exist_ok=True)
    say(f"an invented country of {size_px / 100:g} km x {size_px / 100:g} km in {out / 'country'} (seed {seed})")
    country = write_country(out / "country", SyntheticOptions(seed=seed, size_px=size_px))
    text = text.format(
        seed=seed,
        year=country.year,
        safe=country.safe_folder.resolve().relative_to(out.resolve()).as_posix(),
        parcels=country.eurocrops_path.resolve().relative_to(out.resolve()).as_posix(),
    )
    write_text(out / "experiment.yaml", text)
    return out / "experiment.yaml"

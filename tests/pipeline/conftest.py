"""A very small invented country, written once, and an experiment on it that runs in seconds."""

import os
from pathlib import Path

import pytest
import yaml

from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country

TINY = SyntheticOptions(seed=3, size_px=288, dates=("05-26", "07-05"), cloud_fraction=0.02)


@pytest.fixture(scope="session")
def country(tmp_path_factory):
    return write_country(tmp_path_factory.mktemp("land") / "country", TINY)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An artifact store of its own, for this process and for the commands it starts."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BOCAGE_CACHE", str(folder))
    return folder


@pytest.fixture
def experiment_file(country, tmp_path):
    """Write the tiny experiment, with changes; returns its path."""

    def write(name="tiny", **changes) -> Path:
        sections = {
            "name": "tiny",
            "seed": 1,
            "parcels": {"kind": "eurocrops", "path": str(country.eurocrops_path), "year": country.year},
            "scenes": {"catalog": "local_safe", "path": str(country.safe_folder)},
            "patches": {"size_px": 32, "dates": "series"},
            "splits": {"block_m": 640},
            "models": [
                {"name": "unet", "kind": "unet4_gn", "options": {"base_channels": 8}},
                {"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}},
            ],
            "training": {"epochs": 1, "batch_size": 8, "threads": 1, "pixels_per_class": 300},
            "evaluation": {"bootstrap": 100},
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**sections, **changes}))
        return path

    return write


@pytest.fixture
def environment(cache):
    return {**os.environ, "BOCAGE_CACHE": str(cache), "OMP_NUM_THREADS": "1"}

"""Every way of an entry gives the same result, on a small piece of the work; no clock is judged here."""

import importlib

import pytest

from bocage.mapping.options import MappingOptions
from perf import ENTRIES
from perf.__main__ import main

SMALL = {
    "reading": {"size_px": 366},
    "reading_cog": {"size_px": 366},
    "median": {"size_px": 32},
    "median_dask": {"size_px": 32},
    "gapfill": {"size_px": 32},
    "gapfill_loop": {"size_px": 16},
    "statistics_exact": {"size_px": 512, "n_parcels": 200},
    "stores": {"stride_px": 128},
    "unet_step": {"size_px": 32, "base_channels": 8},
    "convstar": {"size_px": 16},
    "convlstm": {"size_px": 16},
    "attention": {"size_px": 4},
    "inference": {"size_px": 48, "options": {"base_channels": 8}},
    "inference_utae": {"size_px": 32},
    "forest": {"size_px": 32},
    "filters": {"size_px": 70},
    "mapping_forest": {"size_px": 560},
    "mapping_unet": {"size_px": 112, "base_channels": 8, "options": MappingOptions(window_px=64, overlap_px=16)},
}


@pytest.mark.parametrize("name", SMALL)
def test_ours_and_the_peer_s_results_are_equal(name, tmp_path):
    if name.startswith("reading"):
        pytest.importorskip("odc.stac", reason="odc-stac, the peer of the reading entries, is not installed")
    entry = importlib.import_module(f"perf.{name}").make_entry(tmp_path, **SMALL[name])
    assert entry.equal(entry.ours(), entry.peer())
    entry.limit()
    assert entry.goal_ratio is not None or entry.goal_limit_ratio is not None


def test_a_peer_that_is_not_installed_is_named_with_its_package(capsys, monkeypatch):
    def missing(name: str):
        raise ModuleNotFoundError(f"No module named {name!r}", name="odc.stac")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert main(["reading"]) == 1
    assert "pip install odc-stac" in capsys.readouterr().err


def test_every_entry_has_a_title_without_importing_its_peer(capsys):
    assert main(["list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(ENTRIES)

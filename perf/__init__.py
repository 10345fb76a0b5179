"""What the building blocks cost: ours, the tool a user would reach for, and the physical limit, in one run.

`python -m perf list` names the entries, `python -m perf NAME` measures one, `all` all of them. An entry is a module of
this package with `make_entry(folder) -> Entry`: it prepares the work (files, if any, under `folder`) and returns the
three callables. Sizes are keywords of `make_entry`, so that tests can check that the results are equal on small ones.
"""

# In flow order. The first line of each module's docstring is its title.
ENTRIES = (
    "reading",
    "reading_cog",
    "median",
    "median_dask",
    "gapfill",
    "gapfill_loop",
    "rasterizing",
    "selection",
    "statistics",
    "statistics_exact",
    "stores",
    "building",
    "building_cog",
    "unet_step",
    "convstar",
    "convlstm",
    "attention",
    "inference",
    "inference_utae",
    "forest",
    "filters",
    "mapping_unet",
    "mapping_forest",
)

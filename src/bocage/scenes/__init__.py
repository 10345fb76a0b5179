"""Scenes: which Sentinel-2 products there are for a place and a season, and where their bytes lie.

`search` asks a catalog (the registry in `catalogs/`) and filters with a tally; `read` opens one product and checks its
files before a pixel is trusted; `safe`, `stac` and `jpeg2000` parse. `record` holds the one `Scene` of all sources.
"""

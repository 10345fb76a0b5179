"""Cubes: scenes + grid -> reflectance and quality, (time, band, y, x).

`plan` decides (pure), `align`, `radiometry` and `quality` compute (pure), `read` is the only opener of band files,
`store` the only writer and reader of cubes, and `build` runs them date by date. A cube belongs to one region and tile.
"""

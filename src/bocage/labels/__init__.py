"""Labels: parcels with class ids and a grid → class raster and parcel-id raster.

`read` finds the parcels around a grid, `rasterize` draws them (pure), `store` builds and opens the rasters of one cube.
Two meanings of "no crop" are kept apart: 0 is known not to be a target class, 255 is unknown.
"""

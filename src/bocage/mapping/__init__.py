"""Mapping: a Predictor over cubes -> class map, confidence map, a vote for every parcel, areas by class and region.

`tiles` plans overlapping windows whose blend weights sum to one, `predict` streams them band of rows by band of rows,
`store` keeps finished rows so that a killed map goes on, `parcels` lets the pixels of a parcel vote, `areas` counts
pixels by class and region, `write` makes Cloud Optimized GeoTIFFs, GeoParquet and GeoPackage, `style` a QGIS style and
a legend, `stac` the description; `map_area` is all of it in order. `mosaic` joins the tiles of one zone, `ensemble`
makes one Predictor of several, and `map_tiles` maps several cubes.
"""

"""Mapping: a Predictor over a cube -> class map, confidence map, a vote for every parcel.

`tiles` plans overlapping windows whose blend weights sum to one, `predict` streams them band of rows by band of rows,
`parcels` lets the pixels of a parcel vote, `write` makes Cloud Optimized GeoTIFFs and GeoParquet; `map_area` is all of
it in order.
"""

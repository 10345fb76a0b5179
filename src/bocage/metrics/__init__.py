"""Metrics: labels and predictions -> confusion counts -> scores with intervals, under a named protocol. Pure numpy.

`confusion` counts, `scores` turns counts into every score, `protocols` says what is counted, `parcels` lets the pixels
of a parcel vote, `intervals` resamples blocks. Definitions are those worked out from the papers' own tables.
"""

"""Synthetic: a small invented country, seeded, written as the real files that real countries and satellites publish.

Read in this order: `options` (what can be chosen), `landscape` (fields, hedges, woods, water), `crops` and `phenology`
(what grows when), `optics` (what the sensor sees), `clouds`, `scene` (one date, all of it), `write` (the files).
Only files named `write…` touch the disk.
"""

"""Parcels: declared fields of any country in one schema.

`read.read_parcels(options)` opens a file, finds its crop columns by the source's declaration, repairs geometry and
returns a `schema.ParcelTable` with a tally of what was dropped. A source is a few lines in `sources/`. What a HCAT
code is stands in `hcat`.
"""

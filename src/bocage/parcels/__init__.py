"""Parcels: declared fields of any country in one schema.

`read.stream_parcels(options, path)` opens a file, finds its crop columns by the source's declaration, repairs geometry
and writes one schema, batch by batch, with a tally of what was dropped; `read.read_parcels(options)` does the same in
memory. A source is a few lines in `sources/`. What a HCAT code is stands in `hcat` and `hcat4`.
"""

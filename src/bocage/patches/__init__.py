"""Patches: cube + labels → candidate windows → judged → selected.

`windows` plans where to look, `candidates` counts what each window holds, `judge` gives every candidate a verdict,
`select` takes the most useful of those that passed. No pixels are copied here: candidates are rows of a table.
"""

"""Taxonomy: native crop codes and names -> target classes, with an audit in hectares.

A taxonomy is one YAML file (`data/`, or one of yours): classes, perhaps in a tree, and rules. `load.load_taxonomy`
checks it, `decide.decide` gives one label its class and the rule that decided, `apply.apply_taxonomy` does so for a
table of parcels and returns the audit. `crosswalk` leads label rasters of other data sets to a taxonomy's ids,
`hierarchy` gives each class its ancestors as ids, `common` finds the labels that several sources share.
"""

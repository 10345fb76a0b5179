"""Taxonomy: native crop codes and names -> target classes, with an audit in hectares.

A taxonomy is one YAML file (`data/`, or one of yours): classes, perhaps in a tree, and rules. `load.load_taxonomy`
checks it, `decide.decide` gives one label its class and the rule that decided, `apply.Classing` does so for parcels
batch by batch and makes the audit, `write_classes` from file to file. `diff` says what moves between two taxonomies.
`crosswalk` leads label rasters of other data sets to a taxonomy's ids, `hierarchy` gives each class its ancestors as
ids (`tree` says what lies above what), `common` finds the labels that several sources share.
"""

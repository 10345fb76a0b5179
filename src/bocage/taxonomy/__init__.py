"""Taxonomy: native crop codes and names -> target classes, with an audit in hectares.

A taxonomy is one YAML file (`data/`, or one of yours): classes and rules. `load.load_taxonomy` checks it,
`decide.decide` gives one label its class and the rule that decided, `apply.apply_taxonomy` does so for a table of
parcels and returns the audit.
"""

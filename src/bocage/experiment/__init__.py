"""Experiment: the options of every room as one typed, frozen record, read from one YAML file."""

"""Manifest → train, val and test, and the audit of what leaks between them.

`make.make_split` runs a strategy of the registry (`strategies.STRATEGIES`), then drops windows that share ground with
another part and hides parcels that lie in several; `audit.audit_split` measures any split; `store` keeps it in one
parquet file.
"""

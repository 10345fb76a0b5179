"""Pipeline: the flow as a list of stages, and what runs the stale ones."""

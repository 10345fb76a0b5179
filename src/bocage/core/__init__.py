"""Core: the records and rules that every room shares. No room-specific knowledge; IO only in `artifacts`."""

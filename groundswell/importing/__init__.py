"""
Importing: files that list many artifacts become readings, and ingest does the rest.

A file is read once from front to end and never held whole. `formats` and `crates` know how files
look, `columns` what their columns mean, `entries` makes rows of them, `publishing` sends those.
"""

"""
Promotion: catalogue and history of one database go to another, for instance from staging to
production. Artifacts are the same by their purl, since each database has ids of its own.
"""

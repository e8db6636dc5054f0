"""
Alembic migrations. `groundswell migrate` runs them; each is compatible with the release before it.
"""

"""Alembic migrations, each compatible with the release before it; see `groundswell migrate`."""

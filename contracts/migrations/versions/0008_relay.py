"""The relay: a role that empties the outbox, and does nothing else."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # asyncpg prepares what it executes, so it takes one statement at a time.
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n\n"):
        op.execute(statement.replace(":", "\\:"))

"""The search index: how popular an artifact is among its own, and a role that only reads."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # asyncpg prepares what it executes, so it takes one statement at a time.
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n\n"):
        op.execute(statement.replace(":", "\\:"))

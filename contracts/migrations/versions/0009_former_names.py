"""Former names are found as names are: by their compact form."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP INDEX aliases_name_idx")
    op.execute("CREATE INDEX aliases_compact_name_idx ON aliases (compact_name(name))")

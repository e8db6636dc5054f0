"""
Say of each current value whether it came beside the facts of its artifact.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE current_metrics ADD COLUMN beside_facts boolean DEFAULT false NOT NULL")

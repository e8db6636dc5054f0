"""
Say of each current value whether it came beside the facts of its artifact.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE current_metrics ADD COLUMN beside_facts boolean DEFAULT false NOT NULL")

"""Bring a database to the schema of this release."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import contracts.migrations


def migrate(database_url: str) -> None:
    """
    Run every migration that the database has not seen, one process at a time.

    Call it outside a running event loop: alembic's environment starts one of its own.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(contracts.migrations.__file__).parent))
    config.attributes["url"] = database_url
    command.upgrade(config, "head")

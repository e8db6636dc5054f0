"""What is imported when: the client is light, and `--help` does not wait for what it needs not."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"asyncpg", "alembic", "faststream", "httpx", "litestar", "nats", "rich", "sqlalchemy"}


def _imported(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after a statement."""
    report = f"{statement}\nimport sys\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=20
    )
    return {name.partition(".")[0] for name in result.stdout.split()}


def test_the_package_itself_imports_nothing_heavy() -> None:
    assert not _imported("import groundswell") & {*HEAVY, "msgspec"}


def test_the_client_needs_httpx_and_msgspec_and_nothing_else_of_ours() -> None:
    imported = _imported("from groundswell import AsyncClient, Client, GroundswellError, calls")

    assert {"httpx", "msgspec", "contracts"} <= imported
    assert not imported & ((HEAVY - {"httpx", "rich"}) | {"packageurl", "services", "typer"})


@pytest.mark.parametrize("module", ["groundswell.cli"])
def test_the_command_line_waits_for_nothing_that_help_does_not_need(module: str) -> None:
    assert not _imported(f"import {module}") & HEAVY

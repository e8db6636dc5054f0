"""A server with every stream, a connection to it, and settings that point there."""

import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from groundswell.stack import nats as stack
from groundswell.stack import ports
from groundswell.stack.processes import spawn
from services.runtime import streams
from services.runtime.settings import Runtime
from tests.support.nats import PASSWORD
from tests.support.waiting import until


@pytest.fixture
def settings(declared: str) -> Runtime:
    return Runtime(database_url="postgresql://nowhere", nats_url=declared, port=0)


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server with every stream, which a test may stop in its tracks."""
    server = stack.Server(tmp_path, ports.free_port(), PASSWORD)
    stack.prepare(server)
    child = spawn(stack.program(server), tmp_path / "log")
    try:
        await until(lambda: stack.is_ready(server))
        await streams.apply(server.url)
        yield server.url, child
    finally:
        child.send_signal(signal.SIGCONT)
        child.terminate()
        child.wait(10)

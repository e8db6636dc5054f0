"""What a stack tells about itself."""

import os
from datetime import UTC, datetime

from groundswell.stack.processes import Process, identify
from groundswell.stack.state import Running, State


def a_state(supervisor: Process | None = None, *children: Running) -> State:
    """Of one that runs, as this process does."""
    return State(
        supervisor=supervisor or identify(os.getpid()) or Process(0, ""),
        started_at=datetime(2026, 11, 21, tzinfo=UTC),
        serving=True,
        api_url="http://127.0.0.1:8000",
        database_url="postgresql://127.0.0.1/groundswell",
        nats_url="nats://127.0.0.1",
        children=children,
    )

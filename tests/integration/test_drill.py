"""What the pipeline promises when its parts are killed: nothing lost, nothing twice, in order."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(150)
async def test_nothing_is_lost_or_doubled_when_every_part_is_killed_at_work():
    drill = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.drill", "--readings", "2000", "--days", "2"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await drill.communicate()

    figures = msgspec.json.decode(output.splitlines()[-1])["figures"]
    assert ["ingest", "relay", "nats", "postgres"] == figures["killed"]
    assert all(figures["in_flight"].values())
    assert (2_000, 20) == (figures["readings"], figures["dead"])
    assert {"lost": 0, "doubled": 0, "unexpected": 0, "out_of_order": 0} == {
        name: figures[name] for name in ("lost", "doubled", "unexpected", "out_of_order")
    }
    assert 0 == drill.returncode

"""
How long it takes until a catalogue of first contacts is served, beside a bare COPY of its rows.

A whole stack is started; `groundswell import` is the process that a user starts. The bare limit
copies the same rows into the same table of an empty database on the same server, with the same
indexes, before and after.

    python -m benchmarks.catalogue_import ../shared/corpus/catalog.tsv.gz
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import msgspec

from contracts import identity
from contracts.readings.listing import Entry
from contracts.vocabulary import Source
from groundswell.importing import formats
from groundswell.importing.columns import Columns
from groundswell.importing.entries import entry
from groundswell.migrate import migrate
from groundswell.stack import places, state
from groundswell.stack.stack import Stack

_COLUMNS: Final = (
    *("purl", "kind", "source", "namespace", "name", "description", "latest_version"),
    *("read_at", "tracked", "listed"),
)
_AT_ONCE: Final = 5_000
_GLANCE: Final = 0.05


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="groundswell-benchmark-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        with state.locked(places.make(folder)):
            print(msgspec.json.encode(asyncio.run(_measure(folder, arguments.file))).decode())
    finally:
        shutil.rmtree(folder)


async def _measure(folder: Path, file: Path) -> dict[str, Any]:
    rows = _rows(file)
    stack = Stack(places.make(folder), 0, lambda: None)
    try:
        await stack.start()
        stack.serve()
        before = await _time_copy(stack, rows)
        seconds, peak = await asyncio.to_thread(_time_import, folder, file)
        await _check(stack, rows)
        peak_ingest = _peak(stack, "ingest")
        again, _ = await asyncio.to_thread(_time_import, folder, file)
        after = await _time_copy(stack, rows)
    finally:
        await stack.stop()
    bare = (before + after) / 2
    return {
        "benchmark": "catalogue_import",
        "figures": {
            "rows": len(rows),
            "seconds": round(seconds, 1),
            "rows_per_second": round(len(rows) / seconds),
            "bare_seconds": round(bare, 1),
            "bare_per_second": round(len(rows) / bare),
            "again_seconds": round(again, 1),
            "peak_import_mb": round(peak / 1_000),
            "peak_ingest_mb": round(peak_ingest / 1_000),
        },
        "ratios": {"import_to_bare": round(bare / seconds, 3)},
    }


def _rows(file: Path) -> list[tuple[Any, ...]]:
    """The rows as they stand in `artifacts`."""
    columns, now = Columns({}), datetime.now(UTC)
    told = (entry(row.cells, columns, None) for row in formats.read(file) if row.cells)
    return list({row[0]: row for one in told if one for row in [_row(*one, now)]}.values())


def _row(source: Source, told: Entry, now: datetime) -> tuple[Any, ...]:
    purl = identity.parse(identity.package(source, told.name))
    version, about = told.version, told.description
    named = (str(purl), purl.kind, source, purl.namespace, purl.name)
    return (*named, about, version, now, True, True)


async def _time_copy(stack: Stack, rows: list[tuple[Any, ...]]) -> float:
    """Seconds for a bare COPY into a database of its own."""
    connection = await asyncpg.connect(stack.database_url)
    await connection.execute("CREATE DATABASE bare")
    url = stack.database_url.rpartition("/")[0] + "/bare"
    await asyncio.to_thread(migrate, url)
    bare = await asyncpg.connect(url)
    started = time.perf_counter()
    for start in range(0, len(rows), _AT_ONCE):
        await bare.copy_records_to_table(
            "artifacts", records=rows[start : start + _AT_ONCE], columns=_COLUMNS
        )
    seconds = time.perf_counter() - started
    await bare.close()
    await connection.execute("DROP DATABASE bare")
    await connection.close()
    print(f"bare: {seconds:.1f} s, {len(rows) / seconds:.0f}/s", flush=True)
    return seconds


def _time_import(folder: Path, file: Path) -> tuple[float, int]:
    """Seconds of the command from its start to its end, and its peak memory in kB."""
    started = time.perf_counter()
    command = ("-m", "groundswell", "import", str(file), "--data-dir", str(folder))
    process, peak = subprocess.Popen([sys.executable, *command]), 0
    while process.poll() is None:
        # What the system says of a child at its end counts the memory of its parent, too.
        peak = max(peak, _peak_of(process.pid))
        time.sleep(_GLANCE)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"the import failed with {process.returncode}")
    return seconds, peak


async def _check(stack: Stack, rows: list[tuple[Any, ...]]) -> None:
    """Every row is there, and the API answers with the last one."""
    connection = await asyncpg.connect(stack.database_url)
    found = await connection.fetchval("SELECT count(*) FROM artifacts WHERE tracked")
    await connection.close()
    async with httpx.AsyncClient(trust_env=False) as client:
        asked = {"purl": rows[-1][0]}
        answer = await client.get(f"{stack.api_url}/api/v1/artifacts/lookup", params=asked)
    if found != len(rows) or not answer.json()["data"]:
        raise RuntimeError(f"{found} of {len(rows)} are there, {answer.text}")


def _peak(stack: Stack, name: str) -> int:
    """The most memory that a child ever had, in kB."""
    child = next(c for c in stack.supervisor.children if c.program.name == name)
    if child.process is None:
        raise RuntimeError(f"{name} does not run")
    return _peak_of(child.process.pid)


def _peak_of(pid: int) -> int:
    """0 for a process that is at its end."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    peak = status.partition("VmHWM:")[2].split()
    return int(peak[0]) if peak else 0


if __name__ == "__main__":
    main()

"""
`groundswell up`: start the stack, collect, serve, and stop in order when asked to.

Everything here runs in the main thread of one process, since Linux ties the children to it.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from msgspec import Struct

from contracts.responses import Run, Stats
from contracts.vocabulary import RunStatus
from groundswell import calls
from groundswell.client import AsyncClient
from groundswell.errors import GroundswellError
from groundswell.stack import collecting, places, screen, state, watchlist
from groundswell.stack.errors import StackError
from groundswell.stack.places import Places
from groundswell.stack.screen import Screen, View
from groundswell.stack.stack import Stack

_LOOK_SECONDS = 1.0
_SHOWN_RUNS = 6
_WATCHED_AT_ONCE = 1_000
_INTERRUPTED = 130


class UpOptions(Struct, frozen=True, kw_only=True):
    """
    What the command line says. `port` 0 is any free one; `once` collects what is due and stops;
    without `collect` no upstream is asked; `watchlist` is a file of packages to watch as well.
    """

    data_dir: Path | None = None
    port: int = 8000
    once: bool = False
    collect: bool = True
    watchlist: Path | None = None


def up(options: UpOptions) -> int:
    """Run the stack until it is asked to stop; the exit code of the command."""
    try:
        wanted = watchlist.read(options.watchlist) if options.watchlist else None
        folder = places.make(places.data_dir(options.data_dir))
        with state.locked(folder), screen.opened() as shown:
            for name in state.end_leftovers(folder):
                shown.say(f"Ended {name}, which an earlier `up` had left behind.")
            return asyncio.run(_Up(options, folder, wanted, shown).run())
    except (StackError, GroundswellError) as error:
        print(error, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"{error.filename} is closed to this user: {error.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


class _Up:
    """One run of the command."""

    def __init__(
        self, options: UpOptions, folder: Places, wanted: list[str] | None, shown: Screen
    ) -> None:
        self._options = options
        self._wanted = wanted
        self._screen = shown
        self._stats: Stats | None = None
        self._runs: tuple[Run, ...] = ()
        self._stack = Stack(
            folder, options.port, self._show, watchlist.schedules(options.watchlist)
        )
        self._url = self._stack.api_url
        # A transport of its own, since the proxies of the environment have no say on 127.0.0.1.
        self._client = AsyncClient(self._url, transport=httpx.AsyncHTTPTransport())

    async def run(self) -> int:
        """Work until done or told to stop, and leave nothing running."""
        work = asyncio.create_task(self._work())
        _on_signals(work, self._stack.supervisor.hurry)
        try:
            return await work
        except asyncio.CancelledError:
            self._screen.say("Stopping.")
            return _INTERRUPTED if self._options.once else 0
        finally:
            await self._client.close()
            await self._stack.stop()

    async def _work(self) -> int:
        await self._stack.start()
        await self._watch()
        if self._options.collect:
            await self._stack.start_collector()
        self._stack.serve()
        self._screen.say(f"Groundswell serves {self._url} (documentation: {self._url}/docs)")
        self._screen.say(f"Searches are answered by {self._stack.engine}.")
        looking = asyncio.create_task(self._look())
        try:
            return await (self._collect_once() if self._options.once else _for_ever())
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _watch(self) -> None:
        """Watch what the user's file names; a stack that watches nothing gets the starter list."""
        purls = self._wanted
        if purls is None and (await self._client.stats()).watches == 0:
            purls = watchlist.read(watchlist.STARTER)
        added = known = 0
        for start in range(0, len(purls or ()), _WATCHED_AT_ONCE):
            watched = await self._client.watch((purls or [])[start : start + _WATCHED_AT_ONCE])
            added, known = added + watched.added, known + watched.known
        if purls:
            self._screen.say(f"Watching {added} more, {known} as before.")

    async def _collect_once(self) -> int:
        if not self._options.collect:
            return 0
        collected = await collecting.collect(
            self._stack.nats_url,
            self._stack.database_url,
            self._stack.started_at,
            indexed=self._stack.index is not None,
        )
        for line in collecting.summary(collected):
            self._screen.say(line)
        return collecting.exit_code(collected)

    async def _look(self) -> None:
        while True:
            # While the API is being started again, its line on the screen says so.
            with contextlib.suppress(GroundswellError):
                self._stats = await self._client.stats()
                runs = (await self._client.ask(calls.runs(page_size=_SHOWN_RUNS))).data
                self._runs = tuple(run for run in runs if _is_worth_showing(run))
            self._show()
            await asyncio.sleep(_LOOK_SECONDS)

    def _show(self) -> None:
        children = tuple(self._stack.supervisor.children)
        self._screen.show(
            View(url=self._url, children=children, stats=self._stats, runs=self._runs)
        )


async def _for_ever() -> int:
    forever: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    return await forever


def _is_worth_showing(run: Run) -> bool:
    return run.status in (RunStatus.PENDING, RunStatus.RUNNING) or run.error is not None


def _on_signals(work: asyncio.Task[int], hurry: Callable[[], None]) -> None:
    """The first signal stops in order, the second one at once."""

    def stop() -> None:
        if not work.cancelling() and not work.done():
            work.cancel()
        else:
            hurry()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)

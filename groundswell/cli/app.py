"""The commands, put together, and what becomes of their errors: one line and an exit code."""

from __future__ import annotations

import sys

import typer

from groundswell.cli import (
    asking,
    collecting,
    importing,
    indexing,
    operating,
    promoting,
    sources,
    tailing,
    watching,
)

app = typer.Typer(
    name="groundswell",
    help="Watch open source: rankings, search, history, dependents and what changed.",
    no_args_is_help=True,
    # Help by rich takes a quarter of a second longer to come.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(operating.up)
app.command()(operating.run)
app.command()(operating.migrate)
app.command()(operating.streams)
app.command()(operating.replay)
app.command("import")(importing.import_file)
app.command()(promoting.promote)
app.command()(indexing.reindex)
app.command()(operating.schema)
app.command()(collecting.collect)
app.add_typer(watching.app, name="watch")
app.add_typer(sources.app, name="sources")
app.command()(asking.search)
app.command()(asking.top)
app.command()(asking.show)
app.command()(tailing.changes)


def main() -> int:
    """Run a command; the exit code: 0 done, 1 failed, 2 wrongly asked."""
    try:
        app(prog_name="groundswell")
    except SystemExit as end:
        return int(end.code or 0)
    except BrokenPipeError:
        # The reader of a pipe has seen enough; Python must not complain of it on its way out.
        sys.stderr.close()
    except _expected() as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


def _expected() -> tuple[type[Exception], ...]:
    """What may go wrong without being a mistake of ours; looked up once something did."""
    from asyncpg import InterfaceError, PostgresError
    from nats.errors import Error as NatsError

    from contracts.identity import InvalidPurl
    from groundswell.errors import GroundswellError
    from groundswell.importing.errors import ImportFailed
    from groundswell.promotion.errors import PromotionFailed
    from groundswell.stack.errors import StackError
    from services.runtime.database import DatabaseError
    from services.runtime.publishing import PublishFailed
    from services.runtime.settings import SettingsError
    from services.runtime.streams import StreamsError
    from services.search.errors import IndexFailed

    return (
        DatabaseError,
        GroundswellError,
        ImportFailed,
        IndexFailed,
        InterfaceError,
        InvalidPurl,
        NatsError,
        OSError,
        PostgresError,
        PromotionFailed,
        PublishFailed,
        SettingsError,
        StackError,
        StreamsError,
    )

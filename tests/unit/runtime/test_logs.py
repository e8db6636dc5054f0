"""What the logs show, and what they never do."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog
from msgspec.structs import replace

from contracts.envelope import Event
from contracts.readings.gone import Gone
from contracts.vocabulary import Environment
from services.runtime import logs
from services.runtime.settings import Runtime

EVENT = Event(
    id="e1",
    type="npm.gone.v1",
    source="collector",
    subject="pkg:npm/react",
    time=datetime(2026, 1, 2, tzinfo=UTC),
    data=Gone(status=404, url="https://registry.npmjs.org/react"),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def settings(log_format: str = "json", log_level: str = "info") -> Runtime:
    return Runtime(
        database_url="postgresql://u:p@h/d",
        nats_url="nats://h",
        port=1,
        log_format=log_format,  # type: ignore[arg-type]
        log_level=log_level,  # type: ignore[arg-type]
    )


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_json_with_service_level_and_time(capsys: pytest.CaptureFixture[str]):
    logs.configure("ingest", settings())
    structlog.get_logger("somewhere").info("batch written", readings=500)

    (line,) = lines(capsys)
    assert "batch written" == line["event"]
    assert ("ingest", "info", "somewhere", 500) == (
        line["service"],
        line["level"],
        line["logger"],
        line["readings"],
    )
    assert str(line["timestamp"]).endswith("Z")


def test_a_line_says_from_which_environment_it_comes(capsys: pytest.CaptureFixture[str]):
    logs.configure("ingest", replace(settings(), environment=Environment.STAGING))
    structlog.get_logger("somewhere").info("batch written")

    assert ["staging"] == [line["environment"] for line in lines(capsys)]


def test_lines_for_people_are_no_json(capsys: pytest.CaptureFixture[str]):
    logs.configure("ingest", settings("console"))
    structlog.get_logger("somewhere").info("batch written", readings=500)

    out = capsys.readouterr().out
    assert "batch written" in out
    assert "readings=500" in out
    assert not out.startswith("{")


def test_event_and_trace_stand_in_every_line_inside(capsys: pytest.CaptureFixture[str]):
    logs.configure("ingest", settings())
    log = structlog.get_logger("x")
    with logs.bind_event(EVENT):
        log.info("inside")
        logging.getLogger("a.library").warning("inside too")
    log.info("outside")

    inside, too, outside = lines(capsys)
    assert ("e1", "0af7651916cd43dd8448eb211c80319c") == (inside["event_id"], inside["trace_id"])
    assert "e1" == too["event_id"]
    assert "event_id" not in outside


def test_below_the_level_nothing_is_said(capsys: pytest.CaptureFixture[str]):
    logs.configure("ingest", settings(log_level="warning"))
    structlog.get_logger("x").info("quiet")
    logging.getLogger("a.library").info("quiet")

    assert [] == lines(capsys)


def test_libraries_that_tell_every_step_are_heard_from_warnings_on(
    capsys: pytest.CaptureFixture[str],
):
    logs.configure("ingest", settings(log_level="debug"))
    logging.getLogger("httpx").info("HTTP Request: GET …")
    logging.getLogger("httpx").warning("odd")

    assert ["odd"] == [line["event"] for line in lines(capsys)]


def test_no_password_leaves_in_a_value_a_message_or_a_traceback(
    capsys: pytest.CaptureFixture[str],
):
    logs.configure("ingest", settings())
    log = structlog.get_logger("x")
    url = "postgresql://me:sesame@db:5432/gs"
    log.info("using %s", url, url=url, error=OSError(url), several=[url], both={"a": url})
    try:
        raise OSError(url)
    except OSError:
        log.exception("failed")

    out = capsys.readouterr().out
    assert "sesame" not in out
    assert "postgresql://me:***@db:5432/gs" in out


def test_what_json_does_not_know_is_shown_as_it_is_written(capsys: pytest.CaptureFixture[str]):
    logs.configure("ingest", settings())
    structlog.get_logger("x").info("odd", thing=object)

    assert "<class 'object'>" == lines(capsys)[0]["thing"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:sesame@h/d", "postgresql://me:***@h/d"),
        ("nats://a:b@x,nats://c:d@y", "nats://a:***@x,nats://c:***@y"),
        ("postgresql://me:se@s:ame@h/d", "postgresql://me:***@h/d"),
        ("https://registry.npmjs.org/@vue/core", "https://registry.npmjs.org/@vue/core"),
        ("http://localhost:8000/a@b", "http://localhost:8000/a@b"),
        ("postgresql://h/d", "postgresql://h/d"),
    ],
)
def test_only_the_password_of_a_url_is_hidden(url: str, shown: str):
    assert shown == logs.without_password(url)

"""The command line over a scripted API: what it prints, what it asks, and how it exits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from contracts.responses import (
    ArtifactDetail,
    History,
    MetricValue,
    Point,
    Run,
    SourceStatus,
    Version,
    Watch,
)
from contracts.vocabulary import JobKind, Priority, RunStatus, Source
from groundswell import Client
from groundswell.cli import app, operating, places
from groundswell.stack import up
from groundswell.stack.up import UpOptions
from tests.support.answers import NOW, Reply, Script, artifact, ok, problem, stream

Command = Callable[..., tuple[int, Script]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command line against replies: its exit code, and what was asked."""

    def run(*arguments: str, replies: tuple[Reply, ...] = ()) -> tuple[int, Script]:
        script = Script(*replies)

        def client(_url: str | None, _data_dir: Path | None) -> Client:
            return Client(transport=httpx.MockTransport(script), retries=0)

        monkeypatch.setattr(places, "client", client)
        monkeypatch.setattr(sys, "argv", ["groundswell", *arguments])
        return app.main(), script

    return run


def _run(status: RunStatus, **fields: Any) -> Run:
    plain: dict[str, Any] = {
        "id": 7,
        "source": Source.NPM,
        "job": "refresh",
        "status": status,
        "planned": 100,
        "items": 0,
        "failed": 0,
        "error": None,
        "requested_at": NOW,
        "started_at": NOW,
        "completed_at": None,
    }
    return Run(**(plain | fields))


def _source(name: Source, **fields: Any) -> SourceStatus:
    plain: dict[str, Any] = {
        **dict.fromkeys(SourceStatus.__struct_fields__),
        "source": name,
        "healthy": True,
        "configured": True,
        "watches": 7,
        "overdue": 1,
        "failing": 0,
        "jobs": {"refresh": 7},
        "lag_seconds": 0.0,
    }
    return SourceStatus(**(plain | fields))


def _detail() -> ArtifactDetail:
    plain = msgspec.structs.asdict(artifact("pkg:npm/react", keywords=["react"]))
    reading = MetricValue(
        value=51_000_000, previous=50_000_000, unit="downloads", observed_at=NOW, changed_at=NOW
    )
    return ArtifactDetail(
        **plain,
        readings={"downloads_week": reading},
        version_count=2,
        dependency_count=1,
        dependent_count=1234,
        file_count=0,
        problem_count=0,
        organization=None,
        aliases=[],
        filled=[],
        extra={},
    )


def test_top_prints_the_ranking_with_its_measure(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    react, vue = artifact("pkg:npm/react"), artifact("pkg:npm/vue", metrics={})
    code, script = command("top", "--source", "npm", "-n", "2", replies=(ok([react, vue]),))

    assert code == 0
    assert script.targets == ["/api/v1/artifacts?source=npm&sort=hot&limit=2"]
    assert capsys.readouterr().out.splitlines() == [
        "1\tpkg:npm/react\t51,000,000\tdownloads_week\tA library for user interfaces",
        "2\tpkg:npm/vue\t-\tdownloads_week\tA library for user interfaces",
    ]


def test_top_ranks_by_any_metric(command: Command) -> None:
    _, script = command("top", "--sort", "maintainers", replies=(ok([]),))

    assert script.targets == ["/api/v1/artifacts?sort=maintainers&limit=20"]


def test_an_unknown_sort_is_a_wrong_question(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    code, script = command("top", "--sort", "starz")

    assert code == 2
    assert script.requests == []
    assert "'starz' is none of latest, hot, used, stars" in capsys.readouterr().err


def test_search_joins_its_words(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    hit = msgspec.structs.asdict(artifact("pkg:npm/react", description="long " * 40))
    code, script = command("search", "user", "interfaces", replies=(ok([hit | {"score": 1.0}]),))
    (line,) = capsys.readouterr().out.splitlines()

    assert code == 0
    assert script.targets == ["/api/v1/search?q=user+interfaces&limit=20"]
    assert line.startswith("pkg:npm/react\t51,000,000\tlong long")
    assert line.endswith("…")


def test_search_counts_its_hits_by_facets(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    hit = msgspec.structs.asdict(artifact("pkg:npm/react")) | {"score": 1.0}
    counts = {"kind": {"package": 1200, "repository": 3}, "tag": {}}
    replies = (ok([hit]), ok([hit], facets=counts))
    _, script = command("search", "x", "--facet", "kind", "--facet", "tag", replies=replies)

    assert script.targets[1] == "/api/v1/search?q=x&facets=kind%2Ctag&limit=1"
    assert capsys.readouterr().out.splitlines()[:2] == [
        "kind: package 1,200, repository 3",
        "tag: none",
    ]


def test_search_says_what_may_have_been_meant(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command("search", "asgo", replies=(ok([]), ok([], suggestion="asgi")))

    assert capsys.readouterr().out == "Nothing is found; did you mean 'asgi'?\n"
    command("search", "zzzz", replies=(ok([]), ok([])))
    assert capsys.readouterr().out == "Nothing is found.\n"


def test_search_answers_json_for_programs(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    hit = msgspec.structs.asdict(artifact("pkg:npm/react")) | {"score": 1.0}
    command("search", "x", "--json", replies=(ok([hit]),))

    (found,) = msgspec.json.decode(capsys.readouterr().out)
    assert (found["purl"], found["score"]) == ("pkg:npm/react", 1.0)


def test_show_tells_everything_about_an_artifact(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    points = [
        Point(at=NOW, value=value, carried=False, origin=None) for value in (None, 10, 30, 20)
    ]
    history = History(
        purl="pkg:npm/react", metric="downloads_week", unit="downloads", step="day", points=points
    )
    version = Version(
        version="19.2.0",
        published_at=NOW,
        prerelease=False,
        yanked=False,
        deprecated=None,
        channels=["latest"],
    )
    code, script = command("show", "npm/react", replies=(ok(_detail()), ok(history), ok([version])))
    out = capsys.readouterr().out

    assert code == 0
    assert script.targets == [
        "/api/v1/artifacts/pkg:npm%2Freact",
        "/api/v1/artifacts/pkg:npm%2Freact/history?metric=downloads_week&days=60&step=day",
        "/api/v1/artifacts/pkg:npm%2Freact/versions?limit=5",
    ]
    for part in ("A library for user interfaces", "MIT", "2: 19.2.0", "1234", "·▁█▅"):
        assert part in out
    assert "downloads_week            51,000,000 downloads  (before: 50,000,000)" in out


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("react", 1, "'react' names no registry; write npm/react or pypi/react"),
        ("brew/react", 1, "no source reads purls of type 'brew'"),
        ("pkg:npm/", 1, "Error: "),
    ],
)
def test_a_name_that_names_nothing_is_said_so_in_one_line(
    command: Command, capsys: pytest.CaptureFixture[str], name: str, code: int, message: str
) -> None:
    exit_code, script = command("show", name)
    err = capsys.readouterr().err

    assert exit_code == code
    assert script.requests == []
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "purl"),
    [
        ("npm/react", "pkg:npm/react"),
        ("npm/@vue/core", "pkg:npm/%40vue/core"),
        ("pypi/Zope.Interface", "pkg:pypi/zope-interface"),
        ("pkg:npm/%40vue/core", "pkg:npm/%40vue/core"),
    ],
)
def test_names_may_be_short(text: str, purl: str) -> None:
    assert places.purl(text) == purl


def test_an_error_of_the_api_is_one_line(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = command(
        "show", "npm/nope", replies=(problem(404, "ARTIFACT_NOT_FOUND", "no artifact nope"),)
    )

    assert code == 1
    assert capsys.readouterr().err == "Error: no artifact nope\n"


def test_collect_follows_a_run_until_it_has_ended(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundswell.cli.collecting._LOOK_SECONDS", 0)
    code, script = command(
        "collect",
        "npm",
        replies=(
            ok(_run(RunStatus.PENDING, planned=0)),
            ok(_run(RunStatus.RUNNING, items=40)),
            ok(_run(RunStatus.PARTIAL, items=98, failed=2, error="2 timed out")),
        ),
    )

    assert code == 0
    assert script.targets == ["/api/v1/scrape?source=npm", *["/api/v1/scrapes/7"] * 2]
    assert capsys.readouterr().out.splitlines() == [
        "npm: pending",
        "npm: running",
        "npm: partial, 98 of 100 read, 2 failed: 2 timed out",
    ]


def test_collect_fails_when_a_run_does(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = command(
        "collect", "npm", replies=(ok(_run(RunStatus.ERROR, error="npm cannot be reached")),)
    )

    assert code == 1
    assert capsys.readouterr().out == "npm: error, 0 of 100 read: npm cannot be reached\n"


def test_watch_add_says_what_is_new(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    code, script = command(
        "watch", "add", "npm/react", "pypi/Litestar", replies=(ok({"added": 1, "known": 1}),)
    )

    assert code == 0
    assert script.requests[0].content == b'{"purls":["pkg:npm/react","pkg:pypi/litestar"]}'
    assert capsys.readouterr().out == "1 newly watched, 1 watched before.\n"


def test_watch_remove_says_how_many(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    _, script = command("watch", "remove", "npm/react", replies=(ok({"removed": 1}),))

    assert script.requests[0].method == "DELETE"
    assert capsys.readouterr().out == "1 of 1 no longer watched.\n"


def test_watch_import_sends_a_whole_watchlist(
    command: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "list.toml"
    file.write_text('[npm]\npackages = ["react", "@vue/core"]\n[pypi]\npackages = ["litestar"]\n')
    _, script = command("watch", "import", str(file), replies=(ok({"added": 3}),))

    assert msgspec.json.decode(script.requests[0].content)["purls"] == [
        "pkg:npm/react",
        "pkg:npm/%40vue/core",
        "pkg:pypi/litestar",
    ]
    assert capsys.readouterr().out == "3 newly watched, 0 watched before.\n"


def test_watch_import_of_a_missing_file_is_an_error_in_one_line(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = command("watch", "import", "/nowhere/list.toml")

    assert code == 1
    assert capsys.readouterr().err.startswith("Error: /nowhere/list.toml is not a watchlist")


def test_watch_list_tells_how_it_goes(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch(
        purl="pkg:npm/react",
        source=Source.NPM,
        job=JobKind.DEPENDENCIES,
        priority=Priority.HIGH,
        cadence_seconds=86_400,
        next_due_at=NOW,
        failures=1,
        last_error="npm answered 503",
        last_success_at=None,
    )
    command("watch", "list", "--source", "npm", replies=(ok([watch]),))

    purl, job, priority, read, _, error = capsys.readouterr().out.strip().split("\t")
    assert (purl, job, priority) == ("pkg:npm/react", "npm dependencies", "high")
    assert (read, error) == ("never", "npm answered 503")


def test_watch_add_sends_priority_and_job(command: Command) -> None:
    _, script = command(
        "watch",
        "add",
        "github/Litestar-Org",
        "--job",
        "enrich",
        "--priority",
        "low",
        replies=(ok({"added": 1}),),
    )

    assert msgspec.json.decode(script.requests[0].content) == {
        "purls": ["pkg:github/litestar-org"],
        "priority": "low",
        "job": "enrich",
    }


def test_collect_follows_another_job_of_a_source(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"job": "discover", "planned": 300, "items": 120, "notes": "one of two lists"}
    code, script = command(
        "collect", "npm", "--job", "discover", replies=(ok(_run(RunStatus.SUCCESS, **found)),)
    )

    assert code == 0
    assert script.targets == ["/api/v1/scrape?source=npm&job=discover"]
    assert capsys.readouterr().out == (
        "npm discover: success, 120 new of 300 found: one of two lists\n"
    )


def test_collect_does_another_job_where_something_is_watched_for_it(command: Command) -> None:
    sources = [_source(Source.NPM), _source(Source.GITHUB, jobs={"refresh": 3, "dependencies": 3})]
    run = _run(RunStatus.SUCCESS, source=Source.GITHUB, job="dependencies")
    _, script = command("collect", "--job", "dependencies", replies=(ok(sources), ok(run)))

    assert script.targets[1:] == ["/api/v1/scrape?source=github&job=dependencies"]


def test_collect_of_what_is_new_needs_a_source(command: Command) -> None:
    assert command("collect", "--job", "discover")[0] == 2


def test_sources_tells_how_each_is(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    statuses = [
        _source(
            Source.NPM,
            requests_remaining=42,
            requests_limit=60,
            lag_seconds=7_300.0,
            last_success_at=NOW,
        ),
        _source(Source.MAVEN),
        _source(Source.PYPI, healthy=False, parked_at=NOW, parked_reason="pypi.org answered 403"),
        _source(Source.LIBRARIESIO, healthy=False, configured=False, needs="a key"),
        _source(
            Source.GITHUB,
            healthy=False,
            last_failure="timed out",
            last_failure_at=NOW,
            jobs={"enrich": 1, "refresh": 2},
        ),
    ]
    command("sources", replies=(ok(statuses),))

    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows] == [
        ["npm", "healthy"],
        ["maven", "idle"],
        ["pypi", "parked"],
        ["librariesio", "not configured"],
        ["github", "failing"],
    ]
    assert [rows[0][column] for column in (2, 4, 5)] == ["7", "2 h", "42/60"]
    assert rows[4][2] == "enrich 1, refresh 2"
    assert [row[7] for row in rows] == ["", "", "pypi.org answered 403", "needs a key", "timed out"]


def test_sources_resume_tells_a_parked_one_to_go_on(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    code, script = command("sources", "resume", "pypi", replies=(ok(_source(Source.PYPI)),))

    assert code == 0
    assert [(one.method, one.url.path) for one in script.requests] == [
        ("POST", "/api/v1/sources/pypi/resume")
    ]
    assert capsys.readouterr().out == "pypi is asked again within a minute.\n"


def test_changes_prints_a_line_for_each(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    code, script = command(
        "changes", "--source", "npm", "--after", "40", "-n", "2", replies=(stream(41, 42),)
    )
    lines = capsys.readouterr().out.splitlines()

    assert code == 0
    assert script.targets == ["/api/v1/changes/stream?source=npm"]
    assert script.requests[0].headers["Last-Event-ID"] == "40"
    assert len(lines) == 2
    assert lines[0].endswith("pkg:npm/react  downloads_week 40 → 41 (+1)")


def test_changes_prints_json_for_programs(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command("changes", "--json", "-n", "1", "--purl", "npm/react", replies=(stream(41),))

    line = msgspec.json.decode(capsys.readouterr().out)
    assert (line["sequence"], line["change"]["new"]) == (41, 41)


def test_a_command_without_a_stack_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["groundswell", "top", "--data-dir", str(tmp_path)])
    monkeypatch.delenv("GROUNDSWELL_URL", raising=False)

    assert app.main() == 1
    assert capsys.readouterr().err == (
        f"Error: Nothing runs on {tmp_path}: start it with `groundswell up`, name another"
        " --data-dir, or give --url.\n"
    )


@pytest.mark.parametrize("arguments", [["--nope"], ["nope"], ["show"], ["top", "--limit", "0"]])
def test_a_wrong_command_line_exits_with_2(command: Command, arguments: list[str]) -> None:
    code, _ = command(*arguments)

    assert code == 2


@pytest.mark.parametrize("name", ["up", "run", "migrate", "streams", "reindex", "schema", "watch"])
def test_every_command_has_help(
    command: Command, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, _ = command(name, "--help")

    assert code == 0
    assert f"Usage: groundswell {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], UpOptions()),
        (["--data-dir", "/d", "--port", "0"], UpOptions(data_dir=Path("/d"), port=0)),
        (["--once", "--no-collect"], UpOptions(once=True, collect=False)),
        (["--watchlist", "/w.toml"], UpOptions(watchlist=Path("/w.toml"))),
    ],
)
def test_up_hands_its_flags_on(
    command: Command, monkeypatch: pytest.MonkeyPatch, flags: list[str], options: UpOptions
) -> None:
    given: list[UpOptions] = []

    def start(options: UpOptions) -> int:
        given.append(options)
        return 3

    monkeypatch.delenv("GROUNDSWELL_DATA_DIR", raising=False)
    monkeypatch.setattr(up, "up", start)

    assert command("up", *flags)[0] == 3
    assert given == [options]


@pytest.mark.parametrize("service", ["collector", "ingest", "search", "api"])
def test_run_starts_a_service_and_exits_as_it_does(
    command: Command, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setattr(f"services.{service}.app.main", lambda: 2)

    assert command("run", service)[0] == 2


def test_run_of_an_unknown_service_is_a_wrong_question(command: Command) -> None:
    assert command("run", "postgres")[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [[], ["--dead", "--since", "1h"], ["--since", "yesterday"], ["--since", "12"]],
    ids=" ".join,
)
def test_replay_wants_to_know_what(command: Command, arguments: list[str]) -> None:
    code, _ = command("replay", *arguments, "--nats-url", "nats://127.0.0.1:1")

    assert code == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T03:00:00Z", datetime(2026, 11, 20, 3, tzinfo=UTC)),
        ("2026-11-20T03:00:00", datetime(2026, 11, 20, 3, tzinfo=UTC)),
        ("2026-11-20T05:00:00+02:00", datetime(2026, 11, 20, 3, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
    ],
)
def test_a_moment_is_meant_in_utc(text: str, moment: datetime) -> None:
    assert operating._moment(text) == moment


@pytest.mark.parametrize(
    ("text", "ago"),
    [("30min", timedelta(minutes=30)), ("36h", timedelta(hours=36)), ("7d", timedelta(days=7))],
)
def test_a_moment_may_be_so_long_ago(text: str, ago: timedelta) -> None:
    before = datetime.now(UTC)
    moment = operating._moment(text)

    assert before - ago <= moment <= datetime.now(UTC) - ago

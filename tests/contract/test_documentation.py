"""Documentation that cannot rot: what a user can set, call, follow or watch is written down."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import textwrap
import tomllib
from functools import cache
from pathlib import Path

import msgspec
import pytest

from contracts import streams
from contracts.envelope import EVENTS
from contracts.vocabulary import METRIC_BY_NAME, RANKED_BY
from groundswell import AsyncClient, reference, schema
from groundswell.cli import manual
from services.collector.sources import SOURCES
from services.runtime.settings import describe

ROUTES = [
    (method.upper(), path)
    for path, methods in msgspec.json.decode(
        (schema.ROOT / "contracts/generated/openapi.json").read_bytes()
    )["paths"].items()
    for method in methods
    if method in {"get", "post", "put", "delete", "patch"}
]
PAGES = sorted(
    path.relative_to(schema.ROOT)
    for folder in ("docs", ".")
    for path in (schema.ROOT / folder).glob("**/*.md" if folder == "docs" else "*.md")
)

TOP_LEVEL_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


@cache
def _text(page: str) -> str:
    return (schema.ROOT / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_is_in_the_documentation_of_the_api(method: str, path: str) -> None:
    assert f"`{method} {path}`" in _text("api.md")


def test_the_documentation_of_the_api_names_no_route_that_is_not_there() -> None:
    named = set(re.findall(r"`(GET|POST|PUT|DELETE|PATCH) (/api/v1[^`?]*)`", _text("api.md")))

    assert named <= set(ROUTES)


@pytest.mark.parametrize("service", reference.SERVICES)
def test_every_setting_is_in_the_reference(service: str) -> None:
    settings = describe(reference.SERVICES[service], service)

    assert settings
    assert [
        s.variable for s in settings if f"`{s.variable}`" not in _text("reference/settings.md")
    ] == []


def test_every_setting_says_what_it_is_for() -> None:
    silent = [
        setting.variable
        for service, cls in reference.SERVICES.items()
        for setting in describe(cls, service)
        if not setting.description
    ]

    assert silent == []


@pytest.mark.parametrize("command", manual.commands())
def test_every_command_is_in_the_reference(command: str) -> None:
    assert f"## {command}\n" in _text("reference/cli.md")


def test_every_option_says_what_it_is_for() -> None:
    silent = [
        f"{name} {parameter.name}"
        for name, command in manual.commands().items()
        for parameter in command.params
        if not parameter.help
    ]

    assert silent == []


@pytest.mark.parametrize("name", [*METRIC_BY_NAME, *reference.own_metrics()])
def test_every_metric_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in _text("reference/metrics.md")


@pytest.mark.parametrize("type_", EVENTS)
def test_every_event_type_is_in_the_reference(type_: str) -> None:
    assert f"`{type_}`" in _text("reference/events.md")


@pytest.mark.parametrize("stream", streams.STREAMS, ids=lambda stream: stream.name)
def test_every_stream_is_in_the_reference(stream: streams.Stream) -> None:
    assert f"| {stream.name} |" in _text("reference/events.md")


@pytest.mark.parametrize("sort", RANKED_BY)
def test_every_sort_is_in_the_documentation_of_the_api(sort: str) -> None:
    assert f"`{sort}`" in _text("api.md")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_source_has_a_section(source: type) -> None:
    assert f"\n## {source.name}\n" in _text("sources.md")  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", [name for name in dir(AsyncClient) if not name.startswith("_")])
def test_every_method_of_the_client_is_documented(method: str) -> None:
    assert f"`{method}(" in _text("client.md")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = (schema.ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
    broken = [link for link in links if not (schema.ROOT / page.parent / link).exists()]

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_has_one_title(page: Path) -> None:
    text = re.sub(
        r"```.*?```", "", (schema.ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL
    )

    assert len(re.findall(r"^# ", text, flags=re.MULTILINE)) == 1


def _examples(page: Path) -> list[str]:
    text = (schema.ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```python\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


@pytest.mark.parametrize("page", [page for page in PAGES if _examples(page)], ids=str)
def test_examples_in_python_import_what_is_there(page: Path) -> None:
    """The source that CONTRIBUTING adds, crates, is the one that is not there yet."""
    for example in _examples(page):
        tree = compile(example, str(page), "exec", ast.PyCF_ONLY_AST | TOP_LEVEL_AWAIT)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module != "__future__":
                names = {alias.name for alias in node.names} - {"crates"}

                assert [name for name in names if not _is_in(node.module or "", name)] == []


def _is_in(module: str, name: str) -> bool:
    """Whether a module has a name, or a module of that name in it."""
    found = importlib.import_module(module)
    return hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}") is not None


def test_the_verbs_of_make_that_pages_name_are_there() -> None:
    verbs = set(
        re.findall(r"^([a-z-]+):", (schema.ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    )
    named = {
        verb
        for page in PAGES
        for verb in re.findall(
            r"(?:^|`)make ([a-z-]+)", (schema.ROOT / page).read_text(), re.MULTILINE
        )
    }

    assert named
    assert named <= verbs


def test_the_extras_that_pages_name_are_there() -> None:
    project = tomllib.loads((schema.ROOT / "pyproject.toml").read_text())["project"]
    named = {
        extra
        for page in PAGES
        for extra in re.findall(r"groundswell\[([a-z,]+)\]", (schema.ROOT / page).read_text())
    }

    assert named <= set(project["optional-dependencies"])

"""
`pyproject.toml`, `setup.cfg` and `Pipfile`.

Source: https://packaging.python.org/en/latest/specifications/pyproject-toml/,
https://packaging.python.org/en/latest/specifications/dependency-groups/,
https://python-poetry.org/docs/dependency-specification/,
https://docs.astral.sh/uv/concepts/projects/dependencies/,
https://setuptools.pypa.io/en/latest/userguide/declarative_config.html and
https://github.com/pypa/pipfile (checked 2026-11-21).
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from msgspec import structs

from contracts.identity import normalize_pypi
from contracts.vocabulary import Scope
from services.ingest import shapes
from services.ingest.manifests.python_lines import logical_lines, requirement
from services.ingest.manifests.requirement import (
    Broken,
    Ecosystem,
    Parsed,
    Requirement,
    ask,
    present,
    purl_of,
    rows,
    table,
)
from services.ingest.manifests.tree import Tree

_LABEL: Final = 80
_ADDRESSES: Final = ("git", "url", "hg", "svn", "file")
_FOLDERS: Final = ("path", "workspace")
_PIPFILE: Final = {"packages": Scope.RUNTIME}
_PIPFILE_OTHERS: Final = frozenset({"source", "requires", "scripts", "pipenv", "pipfile"})

Asked = tuple[Any, Scope, dict[str, Any]]


def parse_pyproject(path: str, tree: Tree) -> Parsed:
    """
    The standard tables, and those of Poetry, uv and PDM beside them.

    Raises:
        Broken: no TOML.
    """
    data = tree.toml(path)
    project, tool = table(data.get("project")), table(data.get("tool"))
    sources = {
        normalize_pypi(name): told
        for name, told in table(table(tool.get("uv")).get("sources")).items()
    }
    groups = table(data.get("dependency-groups"))
    found: list[Requirement] = []
    problems = list(_group_problems(groups))
    for text, scope, extra in _standard(data, project, groups, tool):
        one = requirement(text, scope, path, extra=extra)
        if one is None:
            problems.append(f"not a requirement: {shapes.line(str(text)[:120], 120)!r}")
        else:
            found.append(_from_source(one, sources))
    poetry = table(tool.get("poetry"))
    return Parsed(
        requirements=(*found, *present(_poetry(poetry, path))),
        provides=_provides(project.get("name"), poetry.get("name")),
        problems=tuple(problems),
    )


def parse_setup_cfg(path: str, tree: Tree) -> Parsed:
    """
    The declarative settings of setuptools.

    Raises:
        Broken: no sections of settings.
    """
    settings = configparser.RawConfigParser(strict=False, delimiters=("=",))
    try:
        settings.read_string(tree.text(path))
    except configparser.Error as error:
        raise Broken(f"not a setup.cfg: {' '.join(str(error).split())[:200]}") from error
    found: list[Requirement] = []
    problems: list[str] = []
    for text, scope, extra in _setup_lists(settings):
        for line in logical_lines(text):
            one = requirement(line, scope, path, extra=extra)
            if one is not None:
                found.append(one)
            elif not line.startswith(("file:", "attr:")):
                problems.append(f"not a requirement: {shapes.line(line[:120], 120)!r}")
    return Parsed(
        requirements=tuple(found),
        provides=_provides(settings.get("metadata", "name", fallback=None)),
        problems=tuple(problems),
    )


def parse_pipfile(path: str, tree: Tree) -> Parsed:
    """
    `packages` are needed to run, those of every other category to work on it.

    Raises:
        Broken: no TOML.
    """
    found: list[Requirement | None] = []
    for category, wanted in tree.toml(path).items():
        if category in _PIPFILE_OTHERS:
            continue
        scope = _PIPFILE.get(category, Scope.DEV)
        for name, told in table(wanted).items():
            found.append(described(name, told, scope, path))
    return Parsed(requirements=present(found))


def described(name: Any, told: Any, scope: Scope, path: str, **more: Any) -> Requirement | None:
    """A dependency of Poetry or Pipenv: a range, or a table with one, an address or a folder."""
    if not isinstance(told, dict):
        return ask(Ecosystem.PYPI, name, told, scope, path, **more)
    extra = dict(more.pop("extra", {}))
    python = shapes.line(told.get("python"), 100)
    marker = shapes.line(told.get("markers"), 500) or (f"python {python}" if python else None)
    extra |= {
        "features": sorted(one for one in rows(told.get("extras")) if isinstance(one, str)),
        "markers": [marker] if marker else [],
    }
    address = next((told[key] for key in _ADDRESSES if isinstance(told.get(key), str)), None)
    local = any(told.get(key) for key in _FOLDERS) or (
        address is not None and "://" not in address and "@" not in address
    )
    return ask(
        Ecosystem.PYPI,
        name,
        f"@ {address}" if address and not local else told.get("version"),
        Scope.OPTIONAL if told.get("optional") is True and scope is Scope.RUNTIME else scope,
        path,
        local=local,
        extra=extra,
        **more,
    )


def _standard(
    data: Mapping[str, Any],
    project: Mapping[str, Any],
    groups: Mapping[str, Any],
    tool: Mapping[str, Any],
) -> Iterator[Asked]:
    """Each requirement as it is written. A group that includes another adds nothing to it."""
    for text in rows(table(data.get("build-system")).get("requires")):
        yield text, Scope.BUILD, {}
    for text in rows(project.get("dependencies")):
        yield text, Scope.RUNTIME, {}
    for extra, texts in table(project.get("optional-dependencies")).items():
        for text in rows(texts):
            yield text, Scope.OPTIONAL, {"extras": _label(extra)}
    pdm = table(table(tool.get("pdm")).get("dev-dependencies"))
    for group, texts in [*groups.items(), *pdm.items()]:
        for text in rows(texts):
            if not isinstance(text, dict):
                yield text, Scope.DEV, {"groups": _label(group)}
    for text in rows(table(tool.get("uv")).get("dev-dependencies")):
        yield text, Scope.DEV, {"groups": ["dev"]}


def _group_problems(groups: Mapping[str, Any]) -> Iterator[str]:
    """Groups that include themselves, or one that is not there (PEP 735)."""
    includes: dict[str, list[str]] = {}
    for group, texts in groups.items():
        told = [table(text).get("include-group") for text in rows(texts)]
        names = [normalize_pypi(one) for one in told if isinstance(one, str)]
        includes[normalize_pypi(group)] = names
    for group, names in includes.items():
        for name in names:
            if name not in includes:
                yield f"group {group[:80]!r} includes {name[:80]!r}, which is not there"
    try:
        TopologicalSorter(includes).prepare()
    except CycleError as error:
        yield f"groups include each other: {' -> '.join(error.args[1])[:200]}"


def _from_source(one: Requirement, sources: Mapping[str, Any]) -> Requirement:
    """Where uv takes some packages from a folder, the workspace or an address instead."""
    told = sources.get(one.name)
    for source in rows(told) or [told]:
        if any(table(source).get(key) for key in _FOLDERS):
            return structs.replace(one, purl=None, local=True)
        address = table(source).get("git") or table(source).get("url")
        if isinstance(address, str):
            again = ask(one.ecosystem, one.name, f"@ {address}", one.scope, one.path)
            return structs.replace(one, requirement=again.requirement) if again else one
    return one


def _poetry(poetry: Mapping[str, Any], path: str) -> Iterator[Requirement | None]:
    """`python` itself is no package."""
    yield from _poetry_table(poetry.get("dependencies"), Scope.RUNTIME, path, {})
    yield from _poetry_table(poetry.get("dev-dependencies"), Scope.DEV, path, {"groups": ["dev"]})
    for group, told in table(poetry.get("group")).items():
        wanted = table(told).get("dependencies")
        main = group == "main"
        extra = {} if main else {"groups": _label(group)}
        yield from _poetry_table(wanted, Scope.RUNTIME if main else Scope.DEV, path, extra)


def _poetry_table(
    wanted: Any, scope: Scope, path: str, extra: dict[str, Any]
) -> Iterator[Requirement | None]:
    for name, told in table(wanted).items():
        if name.lower() == "python":
            continue
        for one in told if isinstance(told, list) else [told]:
            yield described(name, one, scope, path, extra=extra)


def _setup_lists(
    settings: configparser.RawConfigParser,
) -> Iterator[tuple[str, Scope, dict[str, Any]]]:
    for option, scope in (
        ("install_requires", Scope.RUNTIME),
        ("setup_requires", Scope.BUILD),
        ("tests_require", Scope.DEV),
    ):
        yield settings.get("options", option, fallback="") or "", scope, {}
    if settings.has_section("options.extras_require"):
        for extra, text in settings.items("options.extras_require"):
            yield text or "", Scope.OPTIONAL, {"extras": _label(extra)}


def _provides(*names: Any) -> tuple[str, ...]:
    told = (shapes.line(name, 214) for name in names)
    found = (purl_of(Ecosystem.PYPI, name) for name in told if name)
    return tuple(dict.fromkeys(purl for purl in found if purl))


def _label(name: Any) -> list[str]:
    label = shapes.line(name, _LABEL)
    return [label] if label else []

"""
`build.gradle`, `build.gradle.kts` and version catalogs, as far as a program can be read without
running it: dependencies that are written out, aliases of a catalog, and variables set to a text.

Source: https://docs.gradle.org/current/userguide/declaring_dependencies_basics.html and
https://docs.gradle.org/current/userguide/version_catalogs.html (checked 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.vocabulary import Scope
from services.ingest.manifests.requirement import (
    Broken,
    Ecosystem,
    Parsed,
    Requirement,
    ask,
    present,
    rows,
    table,
)
from services.ingest.manifests.tree import Tree

_TOKEN: Final = re.compile(
    r"(?P<text>\"\"\".*?(?:\"\"\"|\Z)|\"(?:[^\"\\\n]|\\.)*+(?:\"|$|\Z)|'(?:[^'\\\n]|\\.)*+(?:'|$|\Z))"
    r"|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))",
    re.DOTALL | re.MULTILINE,
)
_BLOCK: Final = re.compile(r"\bdependencies\s{0,20}\{")
_BRACE: Final = re.compile(r"[{}]")
_VARIABLE: Final = re.compile(
    r"(?:\b(?:def|val|var|String)[ \t]{1,20}|\bext\.|\bset\(\s{0,20}[\"']|^[ \t]{0,40})"
    r"(?P<name>[A-Za-z_]\w{0,80})(?:[\"']\s{0,20},|(?:[ \t]{0,20}:[ \t]{0,20}String)?[ \t]{0,20}=)"
    r"[ \t]{0,20}[\"'](?P<value>[^\"'\n$]{1,200})[\"']",
    re.MULTILINE,
)
_CALL: Final = re.compile(
    r"^[ \t]{0,200}[\"']?(?P<configuration>[A-Za-z]\w{0,80})[\"']?[ \t]{0,20}[( \t]\s{0,20}"
    r"(?P<rest>\S[^\n]{0,1000})",
    re.MULTILINE,
)
_COORDINATES: Final = re.compile(
    r"[\"'](?P<name>[\w.-]{1,150}:[\w.${}-]{1,150})(?::(?P<version>[^\"':@\n]{1,200}))?[^\"'\n]{0,200}[\"']"
)
_NAMED: Final = re.compile(
    r"\b(?P<key>group|name|version)[ \t]{0,20}[:=][ \t]{0,20}[\"'](?P<value>[^\"'\n]{1,200})[\"']"
)
_KOTLIN: Final = re.compile(
    r"\bkotlin\([\"'](?P<module>[\w-]{1,80})[\"'](?:,\s?[\"'](?P<version>[^\"'\n]{1,80})[\"'])?"
)
_ALIAS: Final = re.compile(r"\b(?P<catalog>[a-z]\w{0,40})\.(?P<alias>[A-Za-z][\w.]{0,200})")
_PLACEHOLDER: Final = re.compile(r"\$\{?([A-Za-z_][\w.]{0,80})\}?")
# Words that open a line of a `dependencies` block without being a configuration.
_OTHER_WORDS: Final = frozenset(
    {
        "exclude",
        "if",
        "else",
        "for",
        "because",
        "version",
        "strictly",
        "prefer",
        "require",
        "reject",
    }
    | {
        "transitive",
        "return",
        "def",
        "val",
        "var",
        "artifact",
        "capabilities",
        "constraints",
        "type",
    }
    | {"extension", "name", "group", "attributes", "attribute", "requireCapability", "force"}
)
_BUILD: Final = frozenset({"classpath", "annotationprocessor", "kapt", "ksp", "signature"})
_PEER: Final = frozenset(
    {"compileonly", "compileonlyapi", "provided", "providedcompile", "providedruntime"}
)
_CATALOG: Final = ".versions.toml"
# A bundle may be taken as often as one likes.
_MAX_FOUND: Final = 20_000
# Their members are no libraries.
_NO_CATALOGS: Final = frozenset(
    {"project", "projects", "rootProject", "sourceSets", "configurations", "gradle", "tasks"}
    | {"file", "files", "fileTree", "this", "it", "ext", "extra", "dependencies", "kotlin"}
)


def parse(path: str, tree: Tree) -> Parsed:
    """What the `dependencies` blocks of a script name, and the aliases that no catalog knows."""
    text = _TOKEN.sub(lambda found: found["text"] or " ", tree.text(path))
    variables = {found["name"]: found["value"] for found in _VARIABLE.finditer(text)}
    catalogs: dict[str, dict[str, list[Requirement]]] = tree.once("catalogs", _catalogs)
    found: list[Requirement | None] = []
    unknown: list[str] = []
    for configuration, rest in (call for block in _blocks(text) for call in _calls(block)):
        if len(found) > _MAX_FOUND:
            break
        scope = _scope(configuration)
        found.extend(_written(rest, scope, variables, path))
        for catalog, alias in _aliases(rest):
            taken = _taken(catalog, alias, catalogs)
            found.extend(
                ask(Ecosystem.MAVEN, one.name, one.requirement, scope, path) for one in taken
            )
            if not taken:
                unknown.append(f"{catalog}.{alias}")
    problem = f"aliases of no catalog that was read: {', '.join(dict.fromkeys(unknown))}"
    return Parsed(requirements=present(found), problems=(problem,) if unknown else ())


def parse_catalog(path: str, tree: Tree) -> Parsed:
    """
    The libraries of a catalog. Those count as asked for where a script takes them, or here if no
    script is in the repository that could.

    Raises:
        Broken: no TOML.
    """
    scripts = any(other.rpartition("/")[2].startswith("build.gradle") for other in tree)
    found = _libraries(path, tree, direct=not scripts)
    return Parsed(requirements=tuple(found.values()))


def _catalogs(tree: Tree) -> dict[str, dict[str, list[Requirement]]]:
    """`libs.versions.toml` is `libs` in scripts; aliases are written with dots."""
    found: dict[str, dict[str, list[Requirement]]] = {}
    for path in tree:
        if path.endswith(_CATALOG):
            try:
                libraries = _libraries(path, tree, direct=True)
                bundles = table(tree.toml(path).get("bundles"))
            except Broken:
                continue
            known = found.setdefault(path.rpartition("/")[2].removesuffix(_CATALOG), {})
            for alias, library in libraries.items():
                known[_dotted(alias)] = [library]
            for alias, members in bundles.items():
                known[f"bundles.{_dotted(alias)}"] = [
                    libraries[member]
                    for member in rows(members)
                    if isinstance(member, str) and member in libraries
                ]
    return found


def _libraries(path: str, tree: Tree, *, direct: bool) -> dict[str, Requirement]:
    data = tree.toml(path)
    versions = table(data.get("versions"))
    found: dict[str, Requirement] = {}
    for alias, told in table(data.get("libraries")).items():
        one = _library(told, versions, path, direct=direct)
        if one is not None:
            found[alias] = one
    return found


def _library(
    told: Any, versions: Mapping[str, Any], path: str, *, direct: bool
) -> Requirement | None:
    """A text of coordinates, or a table of them with a version, a reference or a rich version."""
    if isinstance(told, str):
        name, _, version = told.rpartition(":") if told.count(":") > 1 else (told, "", None)
        return ask(Ecosystem.MAVEN, name, version, Scope.RUNTIME, path, direct=direct)
    data = table(told)
    name = data.get("module") or f"{data.get('group')}:{data.get('name')}"
    wanted = data.get("version")
    if isinstance(wanted, dict) and isinstance(wanted.get("ref"), str):
        wanted = versions.get(wanted["ref"])
    if isinstance(wanted, dict):
        wanted = next(
            (wanted[key] for key in ("strictly", "require", "prefer") if key in wanted), None
        )
    return ask(Ecosystem.MAVEN, name, wanted, Scope.RUNTIME, path, direct=direct)


def _blocks(text: str) -> Iterator[str]:
    """What stands between the braces after `dependencies`."""
    at = 0
    while found := _BLOCK.search(text, at):
        depth, at = 1, found.end()
        for brace in _BRACE.finditer(text, at):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                yield text[at : brace.start()]
                at = brace.end()
                break
        else:
            return


def _calls(block: str) -> Iterator[tuple[str, str]]:
    """A configuration and what it is given; a line that ends in a comma goes on in the next."""
    for found in _CALL.finditer(re.sub(r",[ \t]{0,80}\n", ", ", block)):
        if found["configuration"] not in _OTHER_WORDS:
            yield found["configuration"], found["rest"]


def _written(
    rest: str, scope: Scope, variables: Mapping[str, str], path: str
) -> Iterator[Requirement | None]:
    """`'group:name:version'`, `group: …, name: …, version: …` and `kotlin("stdlib")`."""
    for found in _COORDINATES.finditer(rest):
        version = _filled(found["version"] or "", variables)
        if version.count("{") != version.count("}"):
            version = ""  # an expression with texts of its own
        yield ask(Ecosystem.MAVEN, _filled(found["name"], variables), version, scope, path)
    told = {found["key"]: _filled(found["value"], variables) for found in _NAMED.finditer(rest)}
    if "group" in told and "name" in told:
        name = f"{told['group']}:{told['name']}"
        yield ask(Ecosystem.MAVEN, name, told.get("version"), scope, path)
    for found in _KOTLIN.finditer(rest):
        name = f"org.jetbrains.kotlin:kotlin-{found['module']}"
        yield ask(Ecosystem.MAVEN, name, found["version"], scope, path)


def _aliases(rest: str) -> Iterator[tuple[str, str]]:
    """Catalog and alias of `libs.guava`, `platform(libs.bom)` and several with commas."""
    for found in _ALIAS.finditer(_TOKEN.sub(" ", rest)):
        if found["catalog"] not in _NO_CATALOGS:
            yield found["catalog"], found["alias"].removesuffix(".get")


def _taken(
    catalog: str, alias: str, catalogs: Mapping[str, Mapping[str, list[Requirement]]]
) -> list[Requirement]:
    """The library or bundle; scripts may give the one catalog another name."""
    only = next(iter(catalogs.values())) if len(catalogs) == 1 else {}
    return catalogs.get(catalog, only).get(alias, [])


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda one: variables.get(one[1].rpartition(".")[2], one[0]), text)


def _dotted(alias: str) -> str:
    return re.sub(r"[-_]", ".", alias)


def _scope(configuration: str) -> Scope:
    """What a configuration is for, by its name: those of plug-ins follow the same words."""
    name = configuration.lower()
    if "test" in name or name.startswith(("jmh", "benchmark", "developmentonly")):
        return Scope.DEV
    if name in _BUILD or name.endswith(("annotationprocessor", "kapt", "ksp")):
        return Scope.BUILD
    return Scope.PEER if name in _PEER or name.endswith("compileonly") else Scope.RUNTIME

"""
`pom.xml`, with its parents and bills of materials as far as they are in the same repository.

Source: https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html and
https://maven.apache.org/ref/current/maven-model-builder/ (checked 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

from contracts.vocabulary import Scope
from services.ingest import shapes
from services.ingest.manifests.requirement import (
    Broken,
    Ecosystem,
    Parsed,
    Requirement,
    ask,
    purl_of,
)
from services.ingest.manifests.tree import Tree

_SCOPES: Final = {
    "test": Scope.DEV,
    "provided": Scope.PEER,
    "system": Scope.PEER,
}
_PLACEHOLDER: Final = re.compile(r"\$\{([^${}]{1,200})\}")
_PLUGINS: Final = "org.apache.maven.plugins"
_MAX_PARENTS: Final = 20
_MAX_ROUNDS: Final = 20
_MAX_TEXT: Final = 1_000
_MAX_PROBLEMS: Final = 20
_DEPENDENCY: Final = "dependency"
_PLUGIN: Final = "plugin"

Fields: TypeAlias = dict[str, str]
Managed: TypeAlias = dict[tuple[str, str], Fields]


def parse(path: str, tree: Tree) -> Parsed:
    """
    What a module asks for, in any profile. Versions come from its parents and what they manage;
    what is not in the repository leaves a `${…}` as it stands, or no version.

    Raises:
        Broken: no XML.
    """
    lineage = _lineage(path, tree)
    properties = _properties(lineage)
    managed = _managed(lineage, properties, tree)
    found: list[Requirement] = []
    problems: list[str] = []
    for fields, kind in _asked(lineage[0]):
        one = _requirement(fields, kind, properties, managed, path)
        if one is None or one.purl is None:
            named = shapes.line(fields.get("artifactId"), 100)
            problems.append(f"cannot tell which artifact {named!r} is")
        if one is not None:
            found.append(one)
    own = purl_of(
        Ecosystem.MAVEN,
        f"{properties.get('project.groupId')}:{properties.get('project.artifactId')}",
    )
    return Parsed(
        requirements=tuple(found),
        provides=(own,) if own else (),
        problems=tuple(problems[:_MAX_PROBLEMS]),
    )


def _requirement(
    fields: Fields,
    kind: str,
    properties: Mapping[str, str],
    managed: Managed,
    path: str,
) -> Requirement | None:
    plugin = kind == _PLUGIN
    group = _filled(fields.get("groupId", _PLUGINS if plugin else ""), properties)
    artifact = _filled(fields.get("artifactId", ""), properties)
    known = {} if plugin else managed.get((group, artifact), {})
    version = fields.get("version") or known.get("version")
    scope = _filled(fields.get("scope") or known.get("scope", ""), properties)
    optional = _filled(fields.get("optional", ""), properties) == "true"
    return ask(
        Ecosystem.MAVEN,
        f"{group}:{artifact}",
        _filled(version or "", properties),
        Scope.BUILD if plugin else _scope(scope, optional=optional),
        path,
    )


def _scope(scope: str, *, optional: bool) -> Scope:
    found = _SCOPES.get(scope, Scope.RUNTIME)
    return Scope.OPTIONAL if optional and found is Scope.RUNTIME else found


def _asked(project: Element) -> Iterator[tuple[Fields, str]]:
    """Dependencies and plugins of the module and of its profiles."""
    for part in [project, *_all(project, "profiles", "profile")]:
        for element in _all(part, "dependencies", "dependency"):
            yield _fields(element), _DEPENDENCY
        for element in _all(part, "build", "plugins", "plugin"):
            yield _fields(element), _PLUGIN
            for inner in _all(element, "dependencies", "dependency"):
                yield _fields(inner), _PLUGIN
        for element in _all(part, "build", "extensions", "extension"):
            yield _fields(element), _PLUGIN


def _lineage(path: str, tree: Tree) -> list[Element]:
    """
    The module and its parents, nearest first, as far as they are in the repository.

    Raises:
        Broken: the module itself is no XML. Of parents that is their own problem.
    """
    found, seen = [tree.xml(path)], {path}
    while len(found) < _MAX_PARENTS:
        parent = _child(found[-1], "parent")
        at = None if parent is None else _where(path, _fields(parent), tree)
        if at is None or at in seen:
            break
        try:
            found.append(tree.xml(at))
        except Broken:
            break
        seen.add(at)
        path = at
    return found


def _where(path: str, parent: Fields, tree: Tree) -> str | None:
    """
    The parent stands where `relativePath` says, `../pom.xml` if it does not, or under its name.

    A file that is there and is another artifact is not the parent.
    """
    known: dict[tuple[str, str], str] = tree.once("poms", _poms)
    named = known.get((parent.get("groupId", ""), parent.get("artifactId", "")))
    relative = tree.beside(path, parent.get("relativePath", "../pom.xml"))
    for at in (relative or "", f"{relative}/pom.xml"):
        if at in tree and _child_text(_safe(tree, at), "artifactId") == parent.get("artifactId"):
            return at
    return named


def _poms(tree: Tree) -> dict[tuple[str, str], str]:
    """Group and name of each module, the group possibly that of its parent."""
    found: dict[tuple[str, str], str] = {}
    for path in tree:
        if path.rpartition("/")[2] == "pom.xml" and (project := _safe(tree, path)) is not None:
            parent = _child(project, "parent")
            group = _child_text(project, "groupId") or _child_text(parent, "groupId")
            found.setdefault((group, _child_text(project, "artifactId")), path)
    return found


def _properties(lineage: list[Element]) -> dict[str, str]:
    """Those of the module over those of its parents, and what it says of itself."""
    found: dict[str, str] = {}
    for project in reversed(lineage):
        for profile in _all(project, "profiles", "profile"):
            found.update(
                {k: v for k, v in _fields(_child(profile, "properties")).items() if k not in found}
            )
        found.update(_fields(_child(project, "properties")))
    module = lineage[0]
    parent = _fields(_child(module, "parent"))
    for key in ("groupId", "artifactId", "version"):
        told = _child_text(module, key) or parent.get(key, "")
        for prefix in ("project.", "pom.", ""):
            found[prefix + key] = told
        found[f"project.parent.{key}"] = parent.get(key, "")
    return {key: _filled(value, found) for key, value in found.items()}


def _managed(lineage: list[Element], properties: Mapping[str, str], tree: Tree) -> Managed:
    """What is managed, the nearest first; a bill of materials is read if it is in the tree."""
    found: Managed = {}
    known: dict[tuple[str, str], str] = tree.once("poms", _poms)
    for fields in (told for project in lineage for told in _managed_here(project, tree)):
        name = _name(fields, properties)
        if fields.get("scope") == "import" and name in known:
            for key, told in _imported(known[name], tree).items():
                found.setdefault(key, told)
        else:
            found.setdefault(name, fields)
    return found


def _imported(path: str, tree: Tree) -> Managed:
    """What a bill of materials and its parents manage; one that it imports in turn is left."""

    def read(tree: Tree) -> Managed:
        lineage = _lineage(path, tree)
        properties = _properties(lineage)
        found: Managed = {}
        for fields in (told for project in lineage for told in _managed_here(project, tree)):
            filled = {key: _filled(value, properties) for key, value in fields.items()}
            found.setdefault(_name(fields, properties), filled)
        return found

    managed: Managed = tree.once(f"imported {path}", read)
    return managed


def _managed_here(project: Element, tree: Tree) -> list[Fields]:
    """A parent is asked once for each of its modules, and taken apart once."""

    def read(_tree: Tree) -> list[Fields]:
        elements = _all(project, "dependencyManagement", "dependencies", "dependency")
        return [_fields(element) for element in elements]

    found: list[Fields] = tree.once(f"managed {id(project)}", read)
    return found


def _name(fields: Fields, properties: Mapping[str, str]) -> tuple[str, str]:
    group, artifact = fields.get("groupId", ""), fields.get("artifactId", "")
    return _filled(group, properties), _filled(artifact, properties)


def _filled(text: str, properties: Mapping[str, str]) -> str:
    """Properties put in, also those in properties; what is unknown or goes in circles stays."""
    if "${" not in text:
        return text.strip()
    for _ in range(_MAX_ROUNDS):
        filled = _PLACEHOLDER.sub(lambda one: properties.get(one[1].strip(), one[0]), text)
        if filled == text or len(filled) > _MAX_TEXT:
            break
        text = filled
    return text.strip()


def _safe(tree: Tree, path: str) -> Element | None:
    try:
        return tree.xml(path)
    except Broken:
        return None


def _tag(element: Element) -> str:
    """The name without its namespace."""
    return element.tag.rpartition("}")[2]


def _child(element: Element | None, name: str) -> Element | None:
    if element is None:
        return None
    return next((child for child in element if _tag(child) == name), None)


def _child_text(element: Element | None, name: str) -> str:
    child = _child(element, name)
    return (child.text or "").strip() if child is not None else ""


def _all(element: Element, *names: str) -> Iterator[Element]:
    """The elements at a path of names."""
    found: list[Element] = [element]
    for name in names:
        found = [child for one in found for child in one if _tag(child) == name]
    yield from found


def _fields(element: Element | None) -> Fields:
    """The texts in an element by their names."""
    if element is None:
        return {}
    told = ((_tag(child), (child.text or "").strip()) for child in element)
    return {name: text[:_MAX_TEXT] for name, text in told if text}

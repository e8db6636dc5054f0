"""
Identity: the Package URL (purl, ECMA-427) of an artifact, always in its canonical form.

An artifact is the thing, not one release of it: version and qualifiers are dropped. The subpath of
a repository stays, because a skill is a folder in one. Who owns repositories or models has a purl
too, without a name behind it: `pkg:github/litestar-org`.

Two registries need more than packageurl-python does: npm has old packages that differ in case
alone (`JSONStream`, `jsonstream`), so npm names keep theirs; PyPI folds `.`, `_` and `-` into
one (PEP 503), so its names are folded. `docs/adr/0002-identity.md` has the reasons.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from msgspec import Struct
from packageurl import PackageURL

from contracts.vocabulary import Kind, Source

PARTITIONS: Final = 64

_SOURCE_BY_TYPE: Final = {
    "github": Source.GITHUB,
    "gitlab": Source.GITLAB,
    "bitbucket": Source.BITBUCKET,
    "npm": Source.NPM,
    "pypi": Source.PYPI,
    "cargo": Source.CRATES,
    "maven": Source.MAVEN,
    "huggingface": Source.HUGGINGFACE,
}
_TYPE_BY_SOURCE: Final = {source: type_ for type_, source in _SOURCE_BY_TYPE.items()}
_KIND_BY_TYPE: Final = {
    "github": Kind.REPOSITORY,
    "gitlab": Kind.REPOSITORY,
    "bitbucket": Kind.REPOSITORY,
    "huggingface": Kind.MODEL,
}
# A scope or owner is part of the name for these types, and must be there.
_NAMESPACED: Final = frozenset({"github", "gitlab", "bitbucket", "maven"})
_FLAT: Final = frozenset({"pypi", "cargo"})
_REPOSITORIES: Final = frozenset({"github", "gitlab", "bitbucket"})
_OWNED: Final = _REPOSITORIES | {"huggingface"}
# What stands before the owner of a dataset; nobody of that name has models.
_DATASETS: Final = "datasets/"
_MAX_LENGTH: Final = 512


class InvalidPurl(ValueError):
    """This is not the Package URL of an artifact."""


class Purl(Struct, frozen=True):
    """
    A canonical purl, taken apart. `str()` puts it together again.

    Names are unescaped here (`@vue`, not `%40vue`); `name` of a package with a scope is
    without it. `namespace` and `subpath` may be empty.
    """

    type: str
    namespace: str
    name: str
    subpath: str = ""

    def __str__(self) -> str:
        path = "/".join(_escape(part) for part in (*self.namespace.split("/"), self.name) if part)
        subpath = "/".join(_escape(part) for part in self.subpath.split("/") if part)
        return f"pkg:{self.type}/{path}" + (f"#{subpath}" if subpath else "")

    @property
    def full_name(self) -> str:
        """Namespace and name as the upstream writes them: `@vue/core`, `org.slf4j:slf4j-api`."""
        separator = ":" if self.type == "maven" else "/"
        return f"{self.namespace}{separator}{self.name}" if self.namespace else self.name

    @property
    def source(self) -> Source:
        """The upstream that this artifact is read from."""
        return Source.SKILLS if self.subpath else _SOURCE_BY_TYPE[self.type]

    @property
    def kind(self) -> Kind:
        """What the purl names."""
        if self.subpath:
            return Kind.SKILL
        if self.type == "huggingface" and f"{self.namespace}/".startswith(_DATASETS):
            return Kind.DATASET
        return _KIND_BY_TYPE.get(self.type, Kind.PACKAGE)


def parse(text: str) -> Purl:
    """
    Take a purl apart, in any spelling, and make it canonical.

    Raises:
        InvalidPurl: not a purl, or of a type that no source reads.
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidPurl(f"a purl has at most {_MAX_LENGTH} characters, this one has {len(text)}")
    if not unquote(text).isprintable():
        raise InvalidPurl(f"{text!r} holds control characters")
    try:
        url = PackageURL.from_string(text)
    except ValueError as error:
        raise InvalidPurl(str(error)) from error
    namespace, name = url.namespace or "", url.name
    if url.type == "npm":
        # packageurl-python lower-cases the name, so it is read from the text itself.
        namespace, name = _npm_name(text)
    subpath = (url.subpath or "") if url.type in _REPOSITORIES else ""
    return build(url.type, namespace, name, subpath)


def owner(purl: Purl) -> Purl | None:
    """
    Who owns a repository, a model or a dataset: `pkg:github/litestar-org`. Groups of GitLab may
    stand in groups. None where the upstream has no page about its owners.
    """
    path = purl.namespace.removeprefix(_DATASETS)
    if purl.type not in _OWNED or not path:
        return None
    namespace, _, name = path.rpartition("/")
    return Purl(purl.type, namespace, name)


def parse_owner(text: str) -> Purl:
    """
    Take the purl of an owner apart, in any spelling, and make it canonical.

    Raises:
        InvalidPurl: not a purl, or of a type that knows no owners.
    """
    # An owner is what stands before the name of anything that it owns.
    found = owner(parse(f"{text}/any"))
    if found is None:
        raise InvalidPurl(f"{text!r} is not the purl of an owner")
    return found


def build(type_: str, namespace: str, name: str, subpath: str = "") -> Purl:
    """
    Make a canonical purl from unescaped parts.

    Raises:
        InvalidPurl: a part is missing or not allowed for this type.
    """
    if type_ not in _SOURCE_BY_TYPE:
        known = ", ".join(sorted(_SOURCE_BY_TYPE))
        raise InvalidPurl(f"no source reads purls of type {type_!r}; known types: {known}")
    if type_ in _NAMESPACED and not namespace:
        raise InvalidPurl(f"a purl of type {type_!r} needs a namespace")
    if type_ in _FLAT and namespace:
        raise InvalidPurl(f"a purl of type {type_!r} has no namespace")
    if not name or "/" in name:
        raise InvalidPurl(f"{name!r} is not a name")
    if subpath and type_ not in _REPOSITORIES:
        raise InvalidPurl(f"a purl of type {type_!r} has no subpath")
    if type_ == "pypi":
        name = normalize_pypi(name)
    elif type_ in _REPOSITORIES:
        namespace, name = namespace.lower(), name.lower()
    elif type_ == "npm":
        namespace = namespace.lower()
        if namespace and not namespace.startswith("@"):
            raise InvalidPurl(f"the scope of an npm package begins with '@', not {namespace!r}")
    return Purl(type_, namespace, name, subpath)


@lru_cache(maxsize=65_536)
def canonical(text: str) -> str:
    """
    The one spelling of a purl that tables and events use.

    Raises:
        InvalidPurl: see `parse`.
    """
    return str(parse(text))


@lru_cache(maxsize=65_536)
def package(source: Source, full_name: str) -> str:
    """
    The canonical purl of a package under the name that its registry uses: `@vue/core`.

    Raises:
        InvalidPurl: not a name of that registry, or the source has no packages.
    """
    if source not in _TYPE_BY_SOURCE:
        raise InvalidPurl(f"{source} has no packages of its own")
    separator = ":" if source is Source.MAVEN else "/"
    namespace, _, name = full_name.rpartition(separator)
    if len(full_name) > _MAX_LENGTH or not full_name.isprintable():
        raise InvalidPurl(f"{full_name[:80]!r} is not a name")
    return str(build(_TYPE_BY_SOURCE[source], namespace, name))


def partition(purl: str) -> int:
    """Which of the `PARTITIONS` of CHANGES this artifact's changes go to."""
    return zlib.crc32(purl.encode()) % PARTITIONS


def normalize_pypi(name: str) -> str:
    """PEP 503: runs of `.`, `_` and `-` are one `-`, case does not matter."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _escape(part: str) -> str:
    return quote(part, safe=":.-_~")


def _npm_name(text: str) -> tuple[str, str]:
    path = re.split(r"[?#]", text, maxsplit=1)[0].partition(":")[2].strip("/")
    scope, _, name = unquote(path.partition("/")[2]).strip("/").rpartition("/")
    return scope, name[0] + name[1:].partition("@")[0]

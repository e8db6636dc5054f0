"""
What was typed, in every form in which it is compared: as words, as a name, as a name mistyped, and
as what it may name outright. Nothing here knows of an engine.
"""

from __future__ import annotations

import re
from itertools import islice, product
from string import ascii_lowercase, digits
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from contracts import identity
from contracts.documents import SYNONYMS
from contracts.names import compact
from contracts.vocabulary import Source

_NO_LETTERS: Final = re.compile(r"[\W_]+")
_BETWEEN: Final = re.compile(r'[^\w\s"-]|_|(?<=\w)-|-(?!["\w])')
_STARRED: Final = re.compile(r"(?<!\S)(\w{3,})\*(?!\S)")
_WITHOUT: Final = re.compile(r'(?:^|(?<=\s))-(?:"[^"]*"?|\S+)')
# Quotes, `-without`, `or` and `begin*` are for the words; no name is meant by them.
_OPERATORS: Final = re.compile(r'"|(?:^|\s)-\S|\bor\b|\w\*(?:\s|$)', re.IGNORECASE)
_OR: Final = re.compile(r'\s+or\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', re.IGNORECASE)
# What means the same as something else; whole phrases and words that are not wanted say only that.
_MEANINGS: Final = {one: group for group in SYNONYMS for one in group}
_LONGEST_FIRST: Final = "|".join(map(re.escape, sorted(_MEANINGS, key=len, reverse=True)))
_PARTS: Final = re.compile(rf'-?"[^"]*"|(?<!\S)(?:{_LONGEST_FIRST})(?!\S)|\S+', re.IGNORECASE)
_MOST_SIDES: Final = 12
_LETTERS: Final = ascii_lowercase + digits
_SHORTEST_MIXED: Final = 4
_LONGEST_MIXED: Final = 30
_OWNER_AND_NAME: Final = re.compile(r"[\w.-]+/[\w.-]+")
_HOSTS: Final = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "huggingface.co": "huggingface",
    "hf.co": "huggingface",
}
# Where the pages of packages are: host, what stands before the name, the registry.
_PAGES: Final = (
    ("npmjs.com", "package/", Source.NPM),
    ("pypi.org", "project/", Source.PYPI),
    ("crates.io", "crates/", Source.CRATES),
    ("central.sonatype.com", "artifact/", Source.MAVEN),
    ("mvnrepository.com", "artifact/", Source.MAVEN),
)
_PARTS_OF_A_PATH: Final = 2


class Spelling(Struct, frozen=True):
    """
    What a search compares, and the `text` as it was typed.

    `words` is for `websearch_to_tsquery`, `plain` are the words that are wanted, `beginnings` those
    that only begin one. `name` is None where no name is meant; it `goes_on` where it ends with what
    separates words, as half a name does.
    """

    text: str
    words: str
    plain: str
    beginnings: list[str]
    name: str | None
    goes_on: bool
    purls: list[str]


def spell(text: str) -> Spelling:
    """Every form of what was typed."""
    beginnings = [word.lower() for word in _STARRED.findall(text)]
    rest = _STARRED.sub(" ", text)
    words = _BETWEEN.sub(" ", rest)
    plain = _NO_LETTERS.sub(" ", _WITHOUT.sub(" ", rest)).strip()
    name = None if _OPERATORS.search(text) else compact(text) or None
    goes_on = text.rstrip().endswith(("-", "_", ".", "/", ":"))
    return Spelling(
        text,
        words,
        plain,
        beginnings,
        name,
        goes_on,
        named(text.strip()),
    )


def sides_of(words: str) -> list[str]:
    """What stands on each side of every `or`."""
    return _OR.split(words)


def with_synonyms(words: str) -> str:
    """
    The same words, or with any of them said otherwise: `k8s api` is `kubernetes api` too. Each side
    of an `or` becomes twelve at the most, as it was typed first.
    """
    if words.count('"') % 2:
        # A phrase that is not closed goes on to the end, whatever is put after it.
        return words
    return " or ".join(
        " ".join(said)
        for side in sides_of(words)
        for said in islice(product(*map(_said, _PARTS.findall(side))), _MOST_SIDES)
    )


def _said(part: str) -> list[str]:
    others = _MEANINGS.get(part.lower(), ())
    return [part, *(f'"{other}"' for other in others if other != part.lower())]


def swapped(name: str) -> list[str]:
    """Every spelling with two neighbours the other way round: `djagno` has `django` among them."""
    pairs = range(1, len(name) if _SHORTEST_MIXED <= len(name) <= _LONGEST_MIXED else 0)
    return [name[: i - 1] + name[i] + name[i - 1] + name[i + 1 :] for i in pairs]


def mixed(name: str) -> list[str]:
    """
    The letters, in order, of `name` and of every name with one letter more, less or another one:
    `djagno` and `django` have the same.
    """
    if not _SHORTEST_MIXED <= len(name) <= _LONGEST_MIXED:
        return []
    less = {name[:place] + name[place + 1 :] for place in range(len(name))}
    more = {one + letter for one in (*less, name) for letter in _LETTERS}
    return list({"".join(sorted(one)) for one in (name, *less, *more)})


def named(text: str) -> list[str]:
    """The purls that a text may stand for: a purl, a URL of an upstream, `owner/name`, `@a/b`."""
    if text.startswith("pkg:"):
        return _canonical(text)
    if "://" in text:
        return _at(text)
    if text.startswith("@") and "/" in text:
        return _package(Source.NPM, text)
    if text.count(":") == 1 and "." in text:
        return _package(Source.MAVEN, text)
    if not _OWNER_AND_NAME.fullmatch(text):
        return []
    owners = ("github", "huggingface", "gitlab", "bitbucket")
    return [purl for type_ in owners for purl in _canonical(f"pkg:{type_}/{text}")]


def _at(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    host = (parts.hostname or "").removeprefix("www.")
    path = unquote(parts.path).strip("/")
    for page, before, source in _PAGES:
        if host == page and path.startswith(before):
            return _package(source, _name_in(path.removeprefix(before), source))
    if host not in _HOSTS:
        return []
    most = _PARTS_OF_A_PATH + path.startswith("datasets/")
    place = path if host == "gitlab.com" else "/".join(path.split("/")[:most])
    place = place.partition("/-/")[0].removesuffix(".git")
    return _canonical(f"pkg:{_HOSTS[host]}/{place}")


def _name_in(path: str, source: Source) -> str:
    """The name at the beginning of a path that may lead on to a version."""
    parts = path.split("/")
    if source is Source.MAVEN:
        return ":".join(parts[:_PARTS_OF_A_PATH])
    return "/".join(parts[:_PARTS_OF_A_PATH] if path.startswith("@") else parts[:1])


def _package(source: Source, name: str) -> list[str]:
    try:
        return [identity.package(source, name)]
    except identity.InvalidPurl:
        return []


def _canonical(text: str) -> list[str]:
    try:
        return [identity.canonical(text)]
    except identity.InvalidPurl:
        return []

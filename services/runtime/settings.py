"""
Settings: one frozen Struct per service, read from the environment, wrong ones all told at once.

`GROUNDSWELL_<SERVICE>_<FIELD>` wins over `GROUNDSWELL_<FIELD>`, which every service shares; with
`_FILE` behind its name a variable names a file that holds the value. An empty value counts as none.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import NODEFAULT, Meta, Struct, inspect
from msgspec.structs import FieldInfo, fields

from contracts.vocabulary import Environment

_PREFIX: Final = "GROUNDSWELL_"
_FILE: Final = "_FILE"
_SERVICES: Final = ("COLLECTOR", "INGEST", "API", "SEARCH")
# Set for the command line and for the tests; services see them and have no use for them.
_FOREIGN: Final = (
    *("GROUNDSWELL_DATA_DIR", "GROUNDSWELL_TEST_", "GROUNDSWELL_URL"),
    # And these for search, which has settings of this name.
    *("GROUNDSWELL_MEILISEARCH_URL", "GROUNDSWELL_MEILISEARCH_KEY"),
)

_INTRODUCTION: Final = """\
<!-- Written by `groundswell schema`. -->

# Settings

Every setting is an environment variable. What stands under "Every service" may also be given to one
service alone, under its name: `GROUNDSWELL_INGEST_LOG_LEVEL`. With `_FILE` behind its name, a
variable names a file that holds the value. An empty value counts as none, and a variable that
begins with `GROUNDSWELL_` and is not listed here is an error."""

SECRET: Final = {"secret": True}

Text = Annotated[str, Meta(min_length=1)]


class SettingsError(Exception):
    """The environment does not make valid settings; `problems` has one line for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Runtime(Struct, frozen=True, kw_only=True):
    """What every service is told; services add their own fields."""

    environment: Annotated[
        Environment,
        Meta(description="Where this runs: it marks streams, metrics, logs, traces and answers."),
    ] = Environment.DEVELOPMENT
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="From where on to log.")
    ] = "info"
    log_format: Annotated[
        Literal["console", "json"], Meta(description="Lines for people or for machines.")
    ] = "console"
    database_url: Annotated[
        Text, Meta(description="postgresql://user:password@host:port/database", extra=SECRET)
    ]
    nats_url: Annotated[
        Text, Meta(description="nats://user:password@host:port; several with commas", extra=SECRET)
    ]
    host: Annotated[Text, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port to listen on.", ge=0, le=65_535)]
    otlp_endpoint: Annotated[
        str | None,
        Meta(description="Where traces go, http://collector:4318; without it there are none."),
    ] = None


SettingsT = TypeVar("SettingsT", bound=Runtime)


class Described(Struct, frozen=True):
    """One setting, for the reference. `default` is empty for one that must be given."""

    variable: str
    type: str
    default: str
    description: str


def load(cls: type[SettingsT], service: str, environ: Mapping[str, str]) -> SettingsT:
    """
    Read the settings of a service.

    Raises:
        SettingsError: something is missing, wrong or unknown; it names every such variable.
    """
    problems = list(_unknown(cls, service, environ))
    values: dict[str, Any] = {}
    for field in fields(cls):
        try:
            given = _find(field.name, service, environ)
            if given is not None:
                values[field.name] = _convert(field, *given)
            elif field.required:
                problems.append(f"{_variable(field, service)} is not set")
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError(problems)
    try:
        return cls(**values)
    except ValueError as error:  # from __post_init__, about settings that do not go together
        raise SettingsError([str(error)]) from error


def describe(cls: type[Runtime], service: str) -> list[Described]:
    """Every setting of a service, those that it shares with the others included."""
    return [
        Described(
            variable=_variable(field, service),
            type=_type_name(field.type),
            default=_default(field),
            description=_description(field),
        )
        for field in fields(cls)
    ]


def render_reference(services: Mapping[str, type[Runtime]]) -> str:
    """`docs/reference/settings.md`: the settings of every service, by its name."""
    shared = [field for field in fields(Runtime) if not field.required or _is_secret(field)]
    names = {_variable(field, "") for field in shared}
    lines = [_INTRODUCTION, *_table("Every service", describe(Runtime, ""), names.__contains__)]
    for service, cls in services.items():
        lines += _table(service, describe(cls, service), lambda name: name not in names)
    return "\n".join(lines) + "\n"


def _table(title: str, settings: list[Described], wanted: Callable[[str], bool]) -> list[str]:
    lines = [f"\n## {title}\n", "| variable | value | default | meaning |", "| --- " * 4 + "|"]
    for one in filter(lambda setting: wanted(setting.variable), settings):
        default = f"`{one.default}`" if one.default else "must be given"
        lines.append(f"| `{one.variable}` | {one.type} | {default} | {one.description} |")
    return lines


def _variable(field: FieldInfo, service: str) -> str:
    """Its usual variable: the shared one, unless the service has made the field its own."""
    own, shared = _candidates(field.name, service)
    same = [one for one in fields(Runtime) if one.name == field.name]
    return shared if same and same[0].default == field.default else own


def _candidates(name: str, service: str) -> Iterator[str]:
    yield f"{_PREFIX}{service.upper()}_{name.upper()}"
    yield f"{_PREFIX}{name.upper()}"


def _find(name: str, service: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that counts and its value, read from its file where it is a file."""
    for variable in _candidates(name, service):
        value, path = environ.get(variable), environ.get(variable + _FILE)
        if value and path:
            raise ValueError(f"{variable} and {variable}{_FILE} are both set; one is enough")
        if path:
            return variable, _read(variable + _FILE, path)
        if value:
            return variable, value
    return None


def _read(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{variable}: {path} cannot be read: {error.strerror}") from error


def _convert(field: FieldInfo, variable: str, text: str) -> Any:
    kind = inspect.type_info(field.type)
    value: Any = text
    if _is(kind, inspect.VarTupleType, inspect.ListType, inspect.SetType, inspect.FrozenSetType):
        value = [part.strip() for part in text.split(",") if part.strip()]
    try:
        if _is(kind, inspect.TimeDeltaType):
            return timedelta(seconds=msgspec.convert(text, float, strict=False))
        return msgspec.convert(value, field.type, strict=False)
    except (msgspec.ValidationError, OverflowError):
        shown = "its value" if _is_secret(field) else repr(text)
        raise ValueError(f"{variable}: {shown} is not {_type_name(field.type)}") from None


def _unknown(cls: type[Runtime], service: str, environ: Mapping[str, str]) -> Iterator[str]:
    names = [v for field in fields(cls) for v in _candidates(field.name, service)]
    known = {*names, *(name + _FILE for name in names)}
    others = tuple(f"{_PREFIX}{name}_" for name in _SERVICES if name != service.upper())
    for variable in sorted(environ):
        if not variable.startswith(_PREFIX) or variable in known:
            continue
        if variable.startswith((*others, *_FOREIGN)):
            continue
        close = difflib.get_close_matches(variable, known, n=1)
        yield f"{variable} is not a setting" + (f"; did you mean {close[0]}?" if close else "")


def _is(kind: inspect.Type, *types: type[inspect.Type]) -> bool:
    return any(isinstance(one, types) for one in _alternatives(kind))


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _alternatives(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _alternatives(one)
    else:
        yield kind


def _type_name(annotation: Any) -> str:
    """How a value has to look, in words that follow "is not" and stand in a table."""
    kinds = _alternatives(inspect.type_info(annotation))
    return " or ".join(_kind_name(kind) for kind in kinds if not isinstance(kind, inspect.NoneType))


def _kind_name(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case inspect.EnumType(cls=enum):
            return "one of " + ", ".join(str(member.value) for member in enum)
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
            noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return noun + _range(low, high)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return f"a list with commas, each {_kind_name(next(_alternatives(item)))}"
        case _:
            return _NAMES.get(type(kind), type(kind).__name__.removesuffix("Type").lower())


_NAMES: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.TimeDeltaType: "a number of seconds",
}


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    return "" if high is None else f" of at most {high}"


def _metadata(field: FieldInfo) -> list[Meta]:
    return [part for part in getattr(field.type, "__metadata__", ()) if isinstance(part, Meta)]


def _is_secret(field: FieldInfo) -> bool:
    return any((meta.extra or {}).get("secret") for meta in _metadata(field))


def _description(field: FieldInfo) -> str:
    return next((meta.description for meta in _metadata(field) if meta.description), "")


def _default(field: FieldInfo) -> str:
    if field.default_factory is not NODEFAULT:
        factory: Callable[[], Any] = field.default_factory
        return _shown(factory())
    return "" if field.default is NODEFAULT else _shown(field.default) or "none"


def _shown(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case timedelta():
            return f"{value.total_seconds():g}"
        case tuple() | list() | set() | frozenset():
            return ",".join(_shown(item) for item in value)
        case _:
            return str(getattr(value, "value", value))

"""The reference of the command line, made from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import typer.main

from groundswell.cli.app import app


def commands() -> dict[str, Any]:
    """Every command that does something, by its whole name."""
    return dict(_walk(typer.main.get_command(app), "groundswell"))


def sections() -> Iterator[str]:
    """A section of Markdown for each command."""
    for name, command in commands().items():
        yield from _section(name, command)


def _walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    parts = getattr(command, "commands", None)
    if parts is None:
        yield name, command
        return
    for part in parts:
        yield from _walk(parts[part], f"{name} {part}")


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    yield f"## {name}"
    yield ""
    yield inspect.cleandoc(command.help or "")
    yield ""
    yield "```sh"
    yield " ".join([name, *(_argument(argument) for argument in arguments), "[OPTIONS]"])
    yield "```"
    yield ""
    for argument in arguments:
        yield f"- `{_metavar(argument)}`: {argument.help}{_choices(argument)}"
    for option in options:
        yield f"- {_option(option)}: {option.help}{_choices(option)}{_default(option)}"
    yield ""


def _metavar(argument: Any) -> str:
    return str(argument.name).strip("_").upper()


def _argument(argument: Any) -> str:
    shown = _metavar(argument) + ("..." if argument.nargs == -1 else "")
    return shown if argument.required else f"[{shown}]"


def _option(option: Any) -> str:
    value = "" if option.is_flag else f" {option.name.upper()}"
    return ", ".join(f"`{name}{value}`" for name in option.opts)


def _choices(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    if not (inspect.isclass(kind) and issubclass(kind, StrEnum)):
        return ""
    return f" One of {', '.join(kind)}."


def _default(option: Any) -> str:
    variable = f" Also `{option.envvar}`." if option.envvar else ""
    if option.default is None or option.is_flag:
        return variable
    return f" Default: {getattr(option.default, 'value', option.default)}.{variable}"

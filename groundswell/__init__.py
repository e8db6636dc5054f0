"""
What a user installs: the command line, the Python client and the one-machine stack.

`from groundswell import Client` needs msgspec and httpx and nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from groundswell import calls
    from groundswell.client import AsyncClient, Client
    from groundswell.errors import (
        Denied,
        Failed,
        Gap,
        GroundswellError,
        Invalid,
        NotFound,
        RateLimited,
        Unavailable,
        UnexpectedAnswer,
    )

__all__ = [
    "AsyncClient",
    "Client",
    "Denied",
    "Failed",
    "Gap",
    "GroundswellError",
    "Invalid",
    "NotFound",
    "RateLimited",
    "Unavailable",
    "UnexpectedAnswer",
    "calls",
]

_CLIENTS: Final = ("AsyncClient", "Client")


def __getattr__(name: str) -> Any:
    """Import on first use: the services and the stack live under this name too, without httpx."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "calls":
        return import_module("groundswell.calls")
    return getattr(import_module(f"groundswell.{'client' if name in _CLIENTS else 'errors'}"), name)


def __dir__() -> list[str]:
    return __all__

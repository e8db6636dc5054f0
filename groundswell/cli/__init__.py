"""
The command line: every command finds a running `groundswell up` by its data directory, or is told
where to go.

Commands import what they need when they run, so that `groundswell --help` does not wait for
clients, drivers and frameworks that it has no use for.
"""

from groundswell.cli.app import main

__all__ = ["main"]

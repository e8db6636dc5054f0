"""
What can go wrong with an import.

ImportFailed
└── BrokenRow               one row; the others go on
"""

from __future__ import annotations


class ImportFailed(Exception):
    """The file cannot be imported; says what to do about it."""


class BrokenRow(ImportFailed):
    """This row tells nothing that can be used."""

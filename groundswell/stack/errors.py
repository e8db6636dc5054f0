"""
What keeps the stack from starting or from going on.

StackError
├── Occupied        another `groundswell up` works on this data directory, or a port is taken
├── Unreachable     a folder is closed to the account that PostgreSQL runs as
├── Incomplete      a program that the stack needs is not installed
└── ChildFailed     a child did not come up; carries the last lines of its log
"""


class StackError(Exception):
    """The message is for the person at the terminal: what is wrong and what to do about it."""


class Occupied(StackError):
    """Someone else is there already."""


class Unreachable(StackError):
    """A folder is in the way."""


class Incomplete(StackError):
    """A part is missing."""


class ChildFailed(StackError):
    """A child did not come up."""

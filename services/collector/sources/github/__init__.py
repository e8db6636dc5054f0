"""
GitHub: repositories and their owners, by GraphQL where there is a token, by REST where there is
none; what each room asks stands in its own module.
"""

from services.collector.sources.github.source import GitHub

__all__ = ["GitHub"]

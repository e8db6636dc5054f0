"""Skills, which live in repositories of GitHub and are counted by skills.sh."""

from services.collector.sources.skills.source import Skills

__all__ = ["Skills"]

"""What can go wrong with a promotion."""

from __future__ import annotations


class PromotionFailed(Exception):
    """Nothing more is promoted; what was promoted stays."""

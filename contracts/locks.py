"""
The advisory locks of PostgreSQL, each a number of its own: who holds one has its work for himself.

Any numbers will do, as long as they differ and stay the same; some stand in migrations too.
"""

from __future__ import annotations

from typing import Final

MIGRATION: Final = 7_114_509
PARTITIONS: Final = 7_114_510
RELAY: Final = 7_114_511
# Shared by every batch of readings, and held alone by whoever changes what a purl stands for.
NAMES: Final = 7_114_512
RANKS: Final = 7_114_513
# Held by whoever reads rows to write them to the index, until that is queued.
INDEX: Final = 7_114_514
REINDEX: Final = 7_114_515
PROMOTION: Final = 7_114_519

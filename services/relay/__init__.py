"""
The relay: what batches left in the outbox is published to CHANGES.

It is a process of its own, so that ingest is at the next batch meanwhile.
"""

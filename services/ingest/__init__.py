"""Ingest: understands readings, writes them in batches and publishes what really changed."""

"""
The search service: changes in, documents out.

It reads what changed from PostgreSQL and writes it to Meilisearch, whole; nothing is kept here.
"""

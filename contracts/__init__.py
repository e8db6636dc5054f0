"""
What the services agree on: words, identities, events, subjects, streams, tables and answers.

Declarations only. Nothing here does I/O, and nothing here imports a service.
"""

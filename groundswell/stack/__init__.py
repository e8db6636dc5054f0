"""
The one-machine stack: PostgreSQL, nats-server and every service as children of one process.

Everything listens on 127.0.0.1 and keeps what it writes below one data directory.
"""

"""Asks upstreams, politely, and publishes what they answered. It knows nothing of what it means."""

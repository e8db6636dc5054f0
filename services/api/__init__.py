"""Answers and streams. It writes nothing but what its users send."""

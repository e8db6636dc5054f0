"""The routes: functions that take a question apart, ask, and wrap what comes back."""

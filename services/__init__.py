"""The processes: each service is a package, and imports only the runtime and the contracts."""

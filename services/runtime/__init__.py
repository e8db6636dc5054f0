"""What every process needs and no domain knows: settings, logs, health, broker, database."""

"""What a user installs: the command line, the Python client and the one-machine stack."""

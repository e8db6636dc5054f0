"""`python -m groundswell` is the `groundswell` command."""

import sys

from groundswell.cli import main

if __name__ == "__main__":
    sys.exit(main())

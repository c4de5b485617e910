"""``python -m analyzer.cli``: the command where it is not installed."""

import sys

from analyzer.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""Lets ``python -m flimage`` do what the command ``flimage`` does."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m scopegate``."""

from __future__ import annotations

import sys

from scopegate._command_line import main

if __name__ == "__main__":
    sys.exit(main())

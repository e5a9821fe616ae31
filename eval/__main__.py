"""``python -m eval`` is ``youju eval``."""

from __future__ import annotations

import sys

from assistant.commands.app import run

if __name__ == "__main__":
    sys.exit(run(["eval", *sys.argv[1:]]))

"""The ``youju`` command. Its help imports no model, no page and no database."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from assistant.commands.app import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 it could not be done, 2 bad input, 130 interrupted."""
    sys.exit(run(arguments))


if __name__ == "__main__":
    main()

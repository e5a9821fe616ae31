"""All benchmarks, one after the other, each in a process of its own: ``python -m eval.bench [NAME…]``.

Those that need data sets read the folder that ``YOUJU_DATA`` names, and are left out, saying so, without it.
"""

from __future__ import annotations

import os
import subprocess
import sys

OWN = ("startup", "engine", "llamacpp", "ingest", "scale", "overhead")
WITH_DATA = ("retrieval", "mixed", "sentiment", "translate", "training")


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; the exit code is the number that failed to run."""
    data = os.environ.get("YOUJU_DATA", "")
    failed = 0
    for name in names or [*OWN, *WITH_DATA]:
        print(f"\n== {name}", flush=True)
        if name in WITH_DATA and not data:
            print("left out: set YOUJU_DATA to the folder of data sets")
            continue
        failed += subprocess.run([sys.executable, "-m", f"eval.bench.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

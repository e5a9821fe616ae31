"""Where benchmarks leave their figures: one JSON file each, and a table on the terminal."""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent / "results"
LIBRARIES = ("torch", "transformers", "bitsandbytes", "gradio", "lancedb", "sentence-transformers")


@dataclass(frozen=True)
class Row:
    """One figure."""

    name: str
    value: float
    unit: str = ""
    target: str = ""
    """The bar it should pass, e.g. ``>= 0.9``; empty where it is only reported."""
    beside: str = ""
    """What it was measured against in the same run."""
    n: int = 0
    """Cases behind it."""

    @property
    def passed(self) -> bool | None:
        """Whether the bar is passed; ``None`` without one."""
        if not self.target:
            return None
        sign, bar = self.target.split()
        return self.value >= float(bar) if sign == ">=" else self.value <= float(bar)


def save(name: str, rows: Sequence[Row]) -> Path:
    """Print the rows and write ``results/<name>.json`` with the machine and the versions that made them."""
    print(table(rows))
    found = {
        "benchmark": name,
        "command": f"python -m eval.bench.{name}",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {"system": platform.platform(), "cpu": _cpu(), "python": platform.python_version()},
        "versions": {library: version(library) for library in LIBRARIES},
        "rows": [{**asdict(row), "passed": row.passed} for row in rows],
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def table(rows: Sequence[Row]) -> str:
    """Rows as aligned text."""
    mark = {True: "ok", False: "MISSED", None: ""}
    cells = [
        (row.name, f"{row.value:.3f} {row.unit}".strip(), row.target, mark[row.passed], row.beside)
        for row in rows
    ]
    widths = [max(len(cell[i]) for cell in cells) for i in range(4)]
    lines = ["  ".join([*(cell[i].ljust(widths[i]) for i in range(4)), cell[4]]).rstrip() for cell in cells]
    return "\n".join(lines)


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} x {len(names)}" if names else platform.processor()

"""The report in short, as Markdown; and the words that the page shares with it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from assistant.schema import Estimate
from eval.report import words, worst
from eval.report.findings import Report
from eval.schema import Undefined

WORST = 10
"""Cases named; report.html has more."""
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|!~&$])")


def markdown(report: Report) -> str:
    """What was measured on what, the figures, the worst cases, what is missing, and how to do it again."""
    manifest = report.run.manifest
    lines = [f"# {_plain(manifest.suite)}", "", _what(report), ""]
    lines += ["## Figures", "", *_table(report), ""]
    if report.worst:
        lines += ["## Worst cases", "", *_worst(report), ""]
    if missing := not_measured(report):
        lines += ["## What could not be measured", "", *(f"- {_plain(line)}" for line in missing), ""]
    lines += ["## Measured again by", "", "```sh", command(report).replace("```", ""), "```", ""]
    return "\n".join(lines)


def command(report: Report) -> str:
    """What measures the same once more."""
    manifest = report.run.manifest
    subject, options = manifest.subject, manifest.subject.get("options", {})
    parts = ["youju", "eval", "run", manifest.suite, "--seed", str(manifest.seed)]
    if manifest.limit is not None:
        parts += ["--limit", str(manifest.limit)]
    if url := subject.get("url") or subject.get("base_url"):
        parts += ["--url", str(url)]
    if base := subject.get("base"):
        parts += ["--base", str(base)]
    parts += ["--adapter", _adapter(subject)]
    parts += ["--no-retrieval"] if options.get("retrieval") is False else []
    parts += ["--oracle"] if options.get("oracle") else []
    return shlex.join(parts)


def not_measured(report: Report) -> list[str]:
    """Metrics without a value, cases that failed, cases that were not done; each with the reason."""
    lines = []
    if left := len(report.run.manifest.cases) - report.n:
        lines.append(f"{left} cases are not done: the run was stopped")
    for reason in dict.fromkeys(report.failed.values()):
        names = [name for name, each in report.failed.items() if each == reason]
        lines.append(f"{len(names)} failed and count as wrong ({', '.join(names[:5])}): {reason}")
    for name, value in report.metrics.items():
        if isinstance(value, Undefined):
            lines.append(f"{name}: {value.reason}")
    return lines


def fact_rows(report: Report) -> Iterator[tuple[str, str]]:
    """What was measured: suite, assistant, machine, cost."""
    manifest, cost = report.run.manifest, report.cost
    yield "suite", f"{manifest.suite} version {manifest.version}, {manifest.licence or 'no licence said'}"
    yield "file", f"sha256 {manifest.sha256}"
    yield "cases", f"{report.n} of {len(manifest.cases)}, seed {manifest.seed}"
    for key, value in manifest.subject.items():
        yield key.replace("_", " "), _flat(value)
    for key, unit in _COSTS.items():
        if cost.get(key) is not None:
            yield unit[0], f"{words.number(cost[key])} {unit[1]}"


_COSTS = {
    "tokens_s": ("speed", "tokens/s over all at once"),
    "seconds_p50": ("a case, half of them within", "s"),
    "seconds_p95": ("a case, 95 % of them within", "s"),
    "first_token_p50": ("first word, half of them within", "s"),
    "first_token_p95": ("first word, 95 % of them within", "s"),
    "prepare_s": ("preparing", "s"),
    "predict_s": ("answering", "s"),
    "peak_memory_mb": ("memory at most", "MB"),
    "peak_gpu_mb": ("GPU memory at most", "MB"),
}


def _what(report: Report) -> str:
    manifest, subject = report.run.manifest, report.run.manifest.subject
    base, adapter = _plain(str(subject.get("base", "the assistant"))), _plain(_adapter(subject))
    device = subject.get("device") or {}
    said = [
        f"{base} (adapter: {adapter}) on {report.n} of {len(manifest.cases)} cases of "
        f"{_plain(manifest.suite)} version {manifest.version}, {manifest.date[:10]}."
    ]
    if isinstance(device, Mapping) and device.get("name"):
        said.append(f"Machine: {_plain(str(device['name']))}.")
    if (pace := report.cost.get("seconds_p50")) is not None:
        said.append(f"Half of the cases took less than {words.number(pace)} s.")
    return " ".join(said)


def _table(report: Report) -> list[str]:
    rows = ["| metric | value | 95 % interval | n | baselines |", "| --- | --- | --- | --- | --- |"]
    for name, value in report.metrics.items():
        if words.is_baseline(name) or "[" in name:
            continue
        if isinstance(value, Estimate):
            beside = words.baselines(name, report.metrics).items()
            said = ", ".join(f"{rule} {words.number(each.mean)}" for rule, each in beside)
            low, high = words.number(value.low), words.number(value.high)
            rows.append(f"| `{name}` | {words.number(value.mean)} | {low} to {high} | {value.n} | {said} |")
        else:
            rows.append(f"| `{name}` | – | {_plain(value.reason)} | {value.n} | |")
    return rows


def _worst(report: Report) -> Iterator[str]:
    for bad in report.worst[:WORST]:
        score = "failed" if bad.found.error else words.number(bad.score)
        asked, found = worst.question(bad.case), bad.found.output or "(nothing)"
        if bad.found.declined:
            found = "(declined)"
        yield f"- {score} `{bad.case.id.replace('`', '')}` {_one_line(asked)} → {_one_line(found)}"


def _adapter(subject: Mapping[str, Any]) -> str:
    adapter = subject.get("adapter")
    return str(adapter["name"]) if isinstance(adapter, Mapping) else str(adapter or "none")


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(each)}" for key, each in value.items())
    return "none" if value is None else str(value)


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return _plain(text if len(text) <= 160 else text[:160] + "…")


def _plain(text: str) -> str:
    """Foreign text that stays text in Markdown."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))

"""The report as one page that stands alone: no script, nothing loaded, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from markupsafe import Markup

from assistant.schema import Estimate, Language
from eval.report import cases, charts, words
from eval.report.findings import Measured, Report
from eval.report.text import command, fact_rows, not_measured
from eval.schema import Undefined

STYLES = (Path(__file__).with_name("report.css"), Path(__file__).with_name("pieces.css"))
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The suite's text is foreign: should any of it ever come through unescaped, nothing of it runs or loads."""
SLICED = 4
"""Charts of slices at most."""


def html(report: Report) -> str:
    """The whole page."""
    manifest = report.run.manifest
    title = f"{manifest.suite}: report"
    lead = Markup("<p>{} of {} cases, {}</p>").format(report.n, len(manifest.cases), manifest.date[:16])
    parts = [
        Markup("<header><h1>{}</h1>{}</header>").format(manifest.suite, lead),
        figures(report.metrics),
        _section("Charts", Markup('<div class="charts">{}</div>').format(drawn(report))),
        _section("All figures", table(report.metrics)),
        _missing(report),
        _section(f"Worst cases ({len(report.worst)})", cases.html(report.worst)),
        _section("What was measured", _facts(report)),
    ]
    return document(title, Markup("").join(parts))


def document(title: str, body: Markup) -> str:
    """A page around ``body``."""
    style = Markup("").join(Markup(path.read_text(encoding="utf-8")) for path in STYLES)
    return str(
        Markup(
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta http-equiv="Content-Security-Policy" content="{}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark"><title>{}</title><style>{}</style></head>'
            '<body class="report"><main>{}</main></body></html>\n'
        ).format(POLICY, title, style, body)
    )


def figures(metrics: Measured, language: Language = "en") -> Markup:
    """The few numbers that a manager reads, each with its interval in words."""
    return Markup('<div class="figures">{}</div>').format(
        Markup("").join(
            Markup("<div><b>{}</b><span>{}</span><p>{}</p></div>").format(
                *_big(metrics[name], language), words.title(name, language)
            )
            for name in words.headlines(metrics)
        )
    )


def _big(value: Estimate | Undefined, language: Language) -> tuple[str, str]:
    if isinstance(value, Undefined):
        return "–", words.said(value, language)
    mean, said = words.number(value.mean), words.said(value, language)
    return mean, said.removeprefix(mean).lstrip(", ，")


def drawn(report: Report, language: Language = "en") -> Markup:
    """The charts that this run has something for."""
    return Markup("").join(
        Markup("<figure><figcaption><b>{}</b>{}</figcaption>{}</figure>").format(title, note, svg)
        for title, note, svg in _charts(report, language)
    )


def _charts(report: Report, language: Language) -> Iterator[tuple[str, str, Markup]]:
    place = 1 if language == "zh" else 0
    if report.reliability:
        yield *_CAPTIONS["reliability"][place], charts.reliability(report.reliability, language)
    if report.risk_coverage:
        yield *_CAPTIONS["risk"][place], charts.risk_coverage(report.risk_coverage, language)
    if report.confusion:
        yield *_CAPTIONS["confusion"][place], charts.confusion(report.confusion, language)
    for name in words.headlines(report.metrics)[:SLICED]:
        found = sliced(name, report.metrics)
        if len(found) > 1:
            yield (
                words.title(name, language),
                _CAPTIONS["slices"][place][1],
                charts.slices(name, found, language),
            )


_CAPTIONS = {
    "reliability": (
        ("Does confidence mean what it says?", "On the line: of cases with 0.8, eight in ten are so."),
        ("置信度可信吗？", "落在虚线上：置信度 0.8 的问题，十个里有八个如其所言。"),
    ),
    "risk": (
        ("Fewer answers, fewer errors", "The surest first: the error when only so many are answered."),
        ("少答一些，错得更少", "从最有把握的开始：只作答这么多时，答案错了多少。"),
    ),
    "confusion": (
        ("What was taken for what", "Rows are the truth, columns what the assistant did."),
        ("什么被当成了什么", "行是事实，列是助手的判断。"),
    ),
    "slices": (
        ("", "Over all cases and by kind, with 95 % intervals."),
        ("", "全部与各类的分数，带 95% 区间。"),
    ),
}


def sliced(name: str, metrics: Measured) -> dict[str, Estimate]:
    """A metric and its slices, those that have a value."""
    return {
        each: value
        for each, value in metrics.items()
        if isinstance(value, Estimate) and (each == name or each.startswith(f"{name}["))
    }


def table(metrics: Measured, language: Language = "en") -> Markup:
    """Every figure with its interval, baselines beside the metric they stand for; slices fold away."""
    whole = {name: value for name, value in metrics.items() if "[" not in name}
    parts = {name: value for name, value in metrics.items() if "[" in name}
    zh = language == "zh"
    folded = Markup("<details><summary>{}</summary>{}</details>").format(
        "按类别" if zh else "By kind of case", _rows(parts, {}, language)
    )
    return _rows(whole, metrics, language) + (folded if parts else Markup(""))


_HEADS = (("metric", "value", "95 % interval", "n", "baselines"), ("指标", "数值", "95% 区间", "n", "基线"))


def _rows(chosen: Measured, metrics: Measured, language: Language) -> Markup:
    heads = list(_HEADS[1 if language == "zh" else 0])
    beside = {name: words.baselines(name, metrics) for name in chosen}
    if not any(beside.values()):
        heads.pop()
    rows = Markup("").join(
        _row(name, value, beside[name], language, len(heads))
        for name, value in chosen.items()
        if not words.is_baseline(name)
    )
    return Markup(
        '<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(Markup("").join(Markup("<th>{}</th>").format(head) for head in heads), rows)


def _row(
    name: str, value: Estimate | Undefined, beside: Mapping[str, Estimate], language: Language, columns: int
) -> Markup:
    head = Markup("<td>{}<small>{}</small></td>").format(words.title(name, language), name)
    if isinstance(value, Undefined):
        span = columns - 1
        return Markup('<tr>{}<td colspan="{}">{}</td></tr>').format(head, span, words.said(value, language))
    said = ", ".join(f"{key} {words.number(each.mean)}" for key, each in beside.items())
    last = Markup("<td>{}</td>").format(said) if columns == 5 else Markup("")
    return Markup("<tr>{}<td><b>{}</b></td><td>{} – {}</td><td>{}</td>{}</tr>").format(
        head, words.number(value.mean), words.number(value.low), words.number(value.high), value.n, last
    )


def _missing(report: Report) -> Markup:
    lines = not_measured(report)
    if not lines:
        return Markup("")
    items = Markup("").join(Markup("<li>{}</li>").format(line) for line in lines)
    return _section("What could not be measured", Markup("<ul>{}</ul>").format(items))


def _facts(report: Report) -> Markup:
    rows = Markup("").join(
        Markup("<tr><td>{}</td><td>{}</td></tr>").format(key, value) for key, value in fact_rows(report)
    )
    again = Markup("<p>Measured again by</p><pre>{}</pre>").format(command(report))
    return Markup('<div class="scroll"><table class="facts"><tbody>{}</tbody></table></div>{}').format(
        rows, again
    )


def _section(title: str, *parts: Markup) -> Markup:
    return Markup("<section><h2>{}</h2>{}</section>").format(title, Markup("").join(parts))

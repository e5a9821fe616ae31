"""comparison.html: which of two runs is better, and the answers that changed side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from assistant.schema import Language
from eval.comparison import Compared, Comparison
from eval.report import cases, page, words, worst
from eval.runs import Run

NAME = "comparison.html"
MOST = 50
"""Changed cases shown, of those that became worse and of those that became better."""
HEADS = (
    ("metric", "verdict", "B less A", "95 % interval", "A", "B", "won / lost"),
    ("指标", "结论", "B 减 A", "95% 区间", "A", "B", "变好 / 变差"),
)
VERDICTS = {
    "better": ("better", "更好"),
    "worse": ("worse", "更差"),
    "no_worse": ("no worse than {margin}", "不差于 {margin}"),
    "different": ("different", "有差别"),
    "unclear": ("can't tell", "分不出"),
}
MORE = ("about {more} more cases needed", "约还需 {more} 个问题")


def save(found: Comparison | Mapping[str, Comparison], runs: Sequence[Run], folder: Path) -> Path:
    """Write comparison.html, whole or not at all; of several comparisons, one below the other."""
    parts = {"": found} if isinstance(found, Comparison) else found
    by_folder = {str(run.folder): run for run in runs}
    body = Markup("").join(
        html(each, by_folder[each.a], by_folder[each.b], title=name) for name, each in parts.items()
    )
    suite = next(iter(parts.values())).suite
    path, part = folder / NAME, folder / f"{NAME}.part"
    part.write_text(page.document(f"{suite}: comparison", body), encoding="utf-8")
    return part.replace(path)


def html(found: Comparison, a: Run, b: Run, *, title: str = "", language: Language = "en") -> Markup:
    """One comparison: what was compared, the table, the changed answers."""
    zh = language == "zh"
    lead = f"{found.n} 个问题两次都做过" if zh else f"{found.n} cases in both runs"
    if found.left_out:
        lead += (
            f"，{found.left_out} 个只做过一次，未计入" if zh else f", {found.left_out} in one only left out"
        )
    head = Markup("<header><h1>{}</h1><p>{}</p><p>A: {}</p><p>B: {}</p></header>").format(
        title or found.suite, lead, a.folder.name, b.folder.name
    )
    return head + _table(found, language) + _changed(found, a, b, language)


def _table(found: Comparison, language: Language) -> Markup:
    place = 1 if language == "zh" else 0
    heads = Markup("").join(Markup("<th>{}</th>").format(head) for head in HEADS[place])
    rows = Markup("").join(_row(each, found.margin, language) for each in found.metrics)
    rows += Markup("").join(
        Markup('<tr><td>{}<small>{}</small></td><td colspan="6">– {}</td></tr>').format(
            words.title(name, language), name, reason
        )
        for name, reason in found.undefined.items()
    )
    return Markup(
        '<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(heads, rows)


def _row(each: Compared, margin: float, language: Language) -> Markup:
    gap = each.difference
    return Markup(
        '<tr><td>{}<small>{}</small></td><td><span class="tag {}">{}</span></td><td><b>{}</b></td>'
        "<td>{} {} {}</td><td>{}</td><td>{}</td><td>{} / {}</td></tr>"
    ).format(
        words.title(each.metric, language), each.metric, each.verdict, said(each, margin, language),
        f"{gap.mean:+.3f}", f"{gap.low:+.3f}", "至" if language == "zh" else "to", f"{gap.high:+.3f}",
        words.number(each.a), words.number(each.b), len(each.won), len(each.lost),
    )  # fmt: skip


def said(each: Compared, margin: float, language: Language = "en") -> str:
    """A verdict in words."""
    place = 1 if language == "zh" else 0
    words_ = VERDICTS[each.verdict][place].format(margin=f"{margin:g}")
    if each.verdict != "unclear" or each.more is None:
        return words_
    return words_ + ("：" if language == "zh" else ": ") + MORE[place].format(more=each.more)


def _changed(found: Comparison, a: Run, b: Run, language: Language) -> Markup:
    """By the first metric, in the order of the headlines, in which any case changed."""
    by_name = {each.metric: each for each in found.metrics}
    order = [by_name[name] for name in words.HEADLINES if name in by_name] + list(found.metrics)
    chosen = next((each for each in order if each.won or each.lost), None)
    if chosen is None:
        return Markup("")
    zh, title = language == "zh", words.title(chosen.metric, language)
    parts = [
        (f"变差的回答（{title}）" if zh else f"Answers that became worse: {title}", chosen.lost),
        (f"变好的回答（{title}）" if zh else f"Answers that became better: {title}", chosen.won),
    ]
    return Markup("").join(
        Markup('<section><h2>{} ({})</h2><div class="cases">{}</div></section>').format(
            name, len(ids), Markup("").join(_sides(each, a, b, language) for each in ids[:MOST])
        )
        for name, ids in parts
        if ids
    )


def _sides(name: str, a: Run, b: Run, language: Language) -> Markup:
    case = next(case for case in a.suite.cases if case.id == name)
    one, other = (next(each for each in run.predictions if each.id == name) for run in (a, b))
    asked = worst.question(case)
    right = Markup("").join(Markup('<p class="words">{}</p>').format(each) for each in worst.references(case))
    say = cases.LABELS
    place = 1 if language == "zh" else 0
    return Markup(
        '<details><summary>{} <small>{}</small></summary><dl lang="{}">'
        '<dt>{}</dt><dd><p class="words">{}</p></dd>'
        "<dt>{}</dt><dd>{}</dd><dt>A</dt><dd>{}</dd><dt>B</dt><dd>{}</dd></dl></details>"
    ).format(
        asked[:160], name, case.lang, say["asked"][place], asked[: cases.LONGEST], say["reference"][place],
        right, cases.answer(one, language), cases.answer(other, language),
    )  # fmt: skip

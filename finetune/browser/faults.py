"""The list of what to mend: what stops first, then what is only to be looked at."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from assistant.web.pages.bridge import Reader
from finetune.browser.works import Found

SHOWN = 30
"""Rows of a list on the page; all of them are in the file."""
KINDS_ZH: Mapping[str, str] = {
    "missing": "缺少内容：请补上，或删去这一行",
    "empty": "内容为空：请补上，或删去这一行",
    "type": "类型不对：请按要求的类型填写",
    "text": "有损坏或不能用的字符：请用 UTF-8 重新保存",
    "role": "角色或顺序不对：用户和助手轮流说话，以助手的回答结束",
    "label": "标签不对",
    "language": "语言与标注不符",
    "json": "不是正确的 JSON",
    "csv": "表格格式有误",
    "encoding": "编码不对：请用 UTF-8 保存",
    "file": "无法读取这个文件",
    "format": "认不出格式",
    "size": "文件或行太大",
    "passages": "段落有问题",
    "uncited": "答案不在所给段落里，无法引用",
    "conflict": "同样的输入有不同的标签或答案：请留下对的那一个",
    "control": "含有控制符号：请从文字中去掉",
    "duplicate": "与另一行完全相同：请留一行",
    "near-duplicate": "与另一行几乎相同",
    "cut": "太长，答案会被截掉：请缩短，或拆成几行",
    "template": "模型的模板写不出这段对话",
    "overlap-suite": "与评测题重合：拿它训练，分数就不可信了",
    "overlap-index": "与文档库里的原文重合",
    "personal-email": "含有邮箱：如不需要学，请去掉",
    "personal-phone": "含有电话号码：如不需要学，请去掉",
    "personal-identity": "含有身份证号：请去掉",
    "personal-card": "含有银行卡号：请去掉",
}
"""The checks by their kind, for who reads Chinese; the exact reason stays beside them, in English."""


def html(reader: Reader, checked: Found, url: str) -> Markup:
    """Both lists, and where the whole of them can be had."""
    if checked.state != "done":
        return Markup("")
    found = checked.content.get("faults", [])
    rows = checked.content.get("counts", {}).get("rows", 0)
    if not found:
        clean = Markup('<p class="clean">✓ {}</p>').format(reader.say("tune_clean", rows=f"{rows:,}"))
        return clean + sample(reader, checked)
    hard = [fault for fault in found if fault.get("hard", True)]
    soft = [fault for fault in found if not fault.get("hard", True)]
    whole = Markup('<p><a class="plain" href="{}" download>{}</a></p>').format(url, reader.say("tune_list"))
    return (
        _part(reader, "hard", hard)
        + _part(reader, "soft", soft)
        + (whole if url else "")
        + sample(reader, checked)
    )


def table(content: Mapping[str, Any]) -> bytes:
    """All of it as CSV, as spreadsheets open it; no cell begins a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("file", "row", "field", "what", "kind", "stops"))
    for fault in content.get("faults", []):
        cells = (fault.get(key, "") for key in ("file", "row", "field", "reason", "kind"))
        writer.writerow([*map(_plain, cells), "yes" if fault.get("hard", True) else "no"])
    return out.getvalue().encode("utf-8-sig")


def sample(reader: Reader, checked: Found) -> Markup:
    """A few rows as the model gets them, what is learnt of each marked."""
    rows = checked.content.get("sample") or []
    if checked.state != "done" or not rows:
        return Markup("")
    marked = {True: Markup("<mark>{}</mark>"), False: Markup("{}")}
    shown = Markup("").join(
        Markup("<p><small>{}</small><span>{}</span></p>").format(
            f"{Path(str(row['file'])).name}, {row['row']}",
            Markup("").join(marked[bool(learnt)].format(text) for text, learnt in row["tokens"]),
        )
        for row in rows
    )
    lead = reader.say("tune_sample_lead")
    return Markup('<details class="sample"><summary>{}</summary><p class="hint">{}</p>{}</details>').format(
        reader.say("tune_sample"), lead, shown
    )


def _part(reader: Reader, weight: str, found: Sequence[Mapping[str, Any]]) -> Markup:
    if not found:
        return Markup("")
    say = reader.say
    heads = Markup("").join(
        Markup("<th>{}</th>").format(say(f"tune_{key}")) for key in ("file", "row", "field", "reason")
    )
    rows = Markup("").join(_row(reader, fault) for fault in found[:SHOWN])
    more = say("tune_more", n=len(found) - SHOWN) if len(found) > SHOWN else ""
    return Markup(
        '<details class="faults {}"{}><summary>{} {}</summary><p class="hint">{}</p>'
        '<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div><p class="hint">{}</p></details>'
    ).format(
        weight, Markup(" open") if weight == "hard" else "", "✕" if weight == "hard" else "~",
        say(f"tune_{weight}", n=f"{len(found):,}"), say(f"tune_{weight}_lead"), heads, rows, more,
    )  # fmt: skip


def _row(reader: Reader, fault: Mapping[str, Any]) -> Markup:
    kind = KINDS_ZH.get(str(fault.get("kind"))) if reader.language == "zh" else None
    what = (
        Markup("{}<small>{}</small>").format(kind, fault.get("reason", ""))
        if kind
        else fault.get("reason", "")
    )
    name = Path(str(fault.get("file", ""))).name
    return Markup("<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>").format(
        name, fault.get("row", ""), fault.get("field", ""), what
    )


def _plain(value: Any) -> str:
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

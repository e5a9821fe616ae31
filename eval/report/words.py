"""What the numbers are called, for people. The fixed names stay beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.schema import Estimate, Language
from eval.schema import Undefined

METRICS: dict[str, tuple[str, str]] = {
    "accuracy": ("Judged right", "判断正确"),
    "macro_f1": ("F1, mean of the three feelings", "三类情感的平均 F1"),
    "brier": ("Brier score, lower is better", "Brier 分数，越低越好"),
    "ece": ("Calibration error, lower is better", "校准误差，越低越好"),
    "em": ("Exactly the right answer", "与答案完全一致"),
    "f1": ("Agreement with the right answer (F1)", "与正确答案的吻合度（F1）"),
    "f1_answerable": ("Agreement, where there is an answer", "有答案的问题：吻合度"),
    "em_answerable": ("Exactly right, where there is an answer", "有答案的问题：完全一致"),
    "refusal_precision": ("Refusals that were right", "拒答有理的比例"),
    "refusal_recall": ("Unanswerable questions refused", "无答案的问题被拒答的比例"),
    "refusal_f1": ("Refusal, F1", "拒答 F1"),
    "refusal_auroc": ("Answerable told from unanswerable (AUROC)", "区分有无答案的能力（AUROC）"),
    "aurc": ("Area under risk-coverage, lower is better", "风险—覆盖曲线下面积，越低越好"),
    "contains_answer": ("Answers that hold the right words", "回答中含有正确答案"),
    "citation_precision": ("Citations that hold the answer", "引用中含有答案的比例"),
    "citation_recall": ("Answers cited where they stand", "答案所在处被引用的比例"),
    "supported_share": ("Sentences supported by their source", "有原文支持的句子"),
    "rouge1": ("Words shared with people's summaries (ROUGE-1)", "与人写摘要共有的词（ROUGE-1）"),
    "rouge2": ("Word pairs shared (ROUGE-2)", "共有的词对（ROUGE-2）"),
    "rougeL": ("Longest shared sequence (ROUGE-L)", "最长共有序列（ROUGE-L）"),
    "chrf": ("Character n-grams shared (chrF)", "共有的字符片段（chrF）"),
    "compression": ("Length beside the source", "相对原文的长度"),
    "faithful_share": ("Numbers and names that stand in the source", "原文中确有的数字与名称"),
    "coverage_share": ("Parts of the source that are covered", "原文各部分被覆盖的比例"),
    "handled": ("Met as its kind asks", "按问题类型处理得当"),
    "right_answers": ("Right, where the documents answer", "文档能回答的问题：答对"),
    "declined_answerable": (
        "Declined, though the documents answer, lower is better",
        "文档能回答却拒答，越低越好",
    ),
    "wrong_answers": ("Wrong among the answers given, lower is better", "所作回答中的错误，越低越好"),
    "evidence_shown": ("Evidence among the passages shown", "所示段落中含有依据"),
    "refusal_right": ("Answered or declined rightly", "作答或拒答得当"),
    "declined": ("Declined", "拒答的比例"),
    "answer_f1": ("Words shared with a person's answer (F1)", "与人的回答共有的词（F1）"),
    "answer_chrf": (
        "Character n-grams shared with a person's answer (chrF)",
        "与人的回答共有的字符片段（chrF）",
    ),
    "rewrite_chrf": ("Likeness to a person's rewriting (chrF)", "与人改写的相似度（chrF）"),
    "gain_last1": ("Ahead of the question as it is (chrF)", "比原问题高出（chrF）"),
    "gain_last2": ("Ahead of the last two questions (chrF)", "比最后两问相连高出（chrF）"),
    "unchanged_share": ("Questions that stand alone left as they are", "可独立理解的问题保持原样"),
    "verdict_right": ("Claims judged right", "论断判断正确"),
    "verdict_balanced": (
        "Claims told right, both kinds alike (balanced accuracy)",
        "论断判断正确（平衡准确率）",
    ),
    "verdict_auroc": ("Supported claims told from others (AUROC)", "区分论断有无依据的能力（AUROC）"),
    "check_strict": ("Instructions followed (strict)", "遵循指令（严格）"),
    "check_loose": ("Instructions followed (loose)", "遵循指令（宽松）"),
    "reference_f1": ("Words shared with a good reply", "与参考回复共有的词"),
    "distinct1": ("Different words", "不同的词"),
    "distinct2": ("Different word pairs", "不同的词对"),
    "length": ("Length of a reply", "回复长度"),
    "repetition": ("Repetition, lower is better", "重复，越低越好"),
    "recall": ("Passage among the first {k}", "前 {k} 个段落中含有答案段落"),
    "ndcg": ("Order of the first {k} (nDCG)", "前 {k} 个段落的排序（nDCG）"),
    "mrr": ("How high the first hit stands (MRR@{k})", "首个命中的位置（MRR@{k}）"),
}
PREFIXES: dict[str, tuple[str, str]] = {
    "dense": ("by meaning", "语义检索"),
    "bm25": ("by words", "关键词检索"),
    "hybrid": ("both together", "混合检索"),
    "lead1": ("first sentence", "首句"),
    "lead3": ("first three sentences", "前三句"),
    "random1": ("random sentences", "随机句"),
    "last1": ("the question as it is", "原问题"),
    "last2": ("the last two questions", "最后两问相连"),
    "overlap": ("by shared words", "按共有的词"),
}
BASELINES = ("lead1", "lead3", "random1", "last1", "last2", "overlap")
HEADLINES = (
    "right_answers", "wrong_answers", "handled", "evidence_shown", "refusal_right", "answer_f1",
    "rewrite_chrf", "unchanged_share", "verdict_balanced", "verdict_auroc",
    "accuracy", "macro_f1", "ece", "contains_answer", "refusal_f1", "citation_precision", "supported_share",
    "rougeL", "faithful_share", "coverage_share", "check_strict", "hybrid.recall@5", "hybrid.ndcg@10",
)  # fmt: skip
"""What a manager reads; the first four of these that a run has."""
CHARTS: dict[str, str] = {
    "confidence": "置信度",
    "share that was right": "其中正确的比例",
    "share answered": "作答的比例",
    "error among them": "其中的错误率",
    "answered": "作答",
    "declined": "拒答",
    "answerable": "有答案",
    "unanswerable": "无答案",
    "negative": "负面",
    "neutral": "中性",
    "positive": "正面",
    "as it should be": "理想情况",
    "all": "全部",
    "score": "分数",
    "lang=en": "英文",
    "lang=zh": "中文",
    "answerable=yes": "有答案",
    "answerable=no": "无答案",
    "supported": "有依据",
    "partly": "部分有依据",
    "unsupported": "无依据",
    "partial": "部分有答案",
    "underspecified": "问得不明",
    "answerability=answerable": "有答案",
    "answerability=partial": "部分有答案",
    "answerability=unanswerable": "无答案",
    "answerability=underspecified": "问得不明",
    "kind=direct": "直接提问",
    "kind=yesno": "是非问",
    "kind=condition": "条件",
    "kind=howto": "做法",
    "kind=number": "数字",
    "kind=list": "列举",
    "kind=cross": "跨语言",
    "kind=followup": "追问",
    "kind=code": "编号",
    "kind=nearmiss": "相近但未写明",
    "kind=other": "其他话题",
    "kind=premise": "错误前提",
    "kind=smalltalk": "寒暄",
    "kind=task": "任务",
    "length=short": "短",
    "length=medium": "中等长度",
    "length=long": "长",
}
"""The words in charts, in Chinese."""
_NAME = re.compile(r"(?:(?P<prefix>[a-z]+\d*)\.)?(?P<bare>\w+?)(?:@(?P<k>\d+))?$")


def title(name: str, language: Language = "en") -> str:
    """A metric in words; one that has none is its name."""
    place = 1 if language == "zh" else 0
    bare, _, slice_ = name.partition("[")
    parts = _NAME.match(bare)
    if parts is None or parts["bare"] not in METRICS:
        return name
    said = METRICS[parts["bare"]][place].format(k=parts["k"])
    if prefix := PREFIXES.get(parts["prefix"] or ""):
        said += f"，{prefix[place]}" if language == "zh" else f", {prefix[place]}"
    if not slice_:
        return said
    kind = slice_.rstrip("]")
    return f"{said}，{CHARTS.get(kind, kind)}" if language == "zh" else f"{said} [{slice_}"


def number(value: float | None) -> str:
    """Two places; more where the number is small, none where it is large."""
    if value is None:
        return "–"
    if value and abs(value) < 0.01:
        return f"{value:.4f}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def said(value: Estimate | Undefined, language: Language = "en") -> str:
    """``0.78, between 0.73 and 0.82``."""
    if isinstance(value, Undefined):
        return f"no value: {value.reason}" if language == "en" else f"没有数值：{value.reason}"
    low, high = number(value.low), number(value.high)
    if language == "zh":
        return f"{number(value.mean)}，在 {low} 与 {high} 之间"
    return f"{number(value.mean)}, between {low} and {high}"


def headlines(metrics: Mapping[str, Estimate | Undefined]) -> list[str]:
    """The names that a manager reads."""
    chosen = [name for name in HEADLINES if isinstance(metrics.get(name), Estimate)]
    return chosen[:4] or [name for name in metrics if "[" not in name][:4]


def is_baseline(name: str) -> bool:
    """A rule's figure, which stands beside the metric's own."""
    return name.split(".", 1)[0] in BASELINES


def baselines(name: str, metrics: Mapping[str, Estimate | Undefined]) -> dict[str, Estimate]:
    """What simple rules reach on the same cases: by rule."""
    found = {rule: metrics.get(f"{rule}.{name}") for rule in BASELINES}
    return {rule: value for rule, value in found.items() if isinstance(value, Estimate)}

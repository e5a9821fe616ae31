"""Figures of summaries: rouge-score and sacrebleu called directly, and by hand; English and Chinese."""

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from eval.metrics import evaluating, scores
from eval.metrics.summarize import Units
from eval.schema import Prediction, Suite, SummarizeCase, Undefined

EN = "Anna Berg opened the shop in 2019. It sells 40 kinds of tea. Rents rose sharply later. The town bought the house. She left for Oslo. The shop closed in May."
ZH = "图书馆去年借出41200册书。访问人数上升了4%。自习室每天坐满。运行费用为31万元。新馆长从上海来。儿童读物保持稳定。"


def case(text: str, *references: str, lang: str = "en") -> SummarizeCase:
    return SummarizeCase("s1", lang, text, references)  # type: ignore[arg-type]


def judged(one: SummarizeCase, summary: str) -> dict[str, float]:
    return scores(one, Prediction("s1", "summarize", summary), Suite("s", 1, "", (one,), (), ""))


WORDS = st.lists(
    st.sampled_from(["Tea", "the", "shop,", "2019", "don't", "sold.", "U.S."]), min_size=1, max_size=12
).map(" ".join)


@given(WORDS, st.lists(WORDS, min_size=1, max_size=3))
def test_english_as_rouge_score_and_sacrebleu_have_it(summary: str, references: list[str]) -> None:
    got = judged(case(EN, *references), summary)
    direct = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"]).score_multi(references, summary)
    for name in ("rouge1", "rouge2", "rougeL"):
        assert got[name] == pytest.approx(direct[name].fmeasure, abs=1e-9)
    assert got["chrf"] == pytest.approx(sacrebleu.sentence_chrf(summary, references).score / 100, abs=1e-9)


@given(*[st.text(alphabet="图书馆去年借出４4。，", min_size=1, max_size=12)] * 2)
def test_chinese_as_rouge_score_with_blanks_between_characters(summary: str, reference: str) -> None:
    got = judged(case(ZH, reference, lang="zh"), summary)
    # The default tokenizer knows ASCII only: each character as a word of its own.
    names = {character: f"c{index}" for index, character in enumerate("图书馆去年借出")}

    def spelt(text: str) -> str:
        folded = text.replace("４", "4")
        return "".join(f" {names[each]} " if each in names else each for each in folded)

    direct = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"]).score(spelt(reference), spelt(summary))
    for name, value in direct.items():
        assert got[name] == pytest.approx(value.fmeasure, abs=1e-9)


def test_han_characters_and_words() -> None:
    assert Units().tokenize("在 GitHub 上有１2个项目") == ["在", "github", "上", "有", "12", "个", "项", "目"]


@pytest.mark.parametrize(
    ("text", "summary", "share"),
    [
        (EN, "Anna Berg opened it in 2019, with 40 kinds.", 1.0),
        (EN, "In 2018 Anna Berg sold 40 kinds.", 2 / 3),
        (EN, "The owner met Clara Stein.", 0.0),
        (ZH, "去年借出41200册，访问上升5%。", 1 / 2),
        (ZH, "新馆长从北京来。", 0.0),
        (EN, "One of them, Anna Berg, left for Oslo.", 1.0),
    ],
)
def test_numbers_and_names_that_stand_in_the_source(text: str, summary: str, share: float) -> None:
    assert judged(case(text, "x"), summary)["faithful_share"] == pytest.approx(share)


def test_a_summary_without_numbers_and_names_has_no_share() -> None:
    assert "faithful_share" not in judged(case(EN, "x"), "It was sold.")


@pytest.mark.parametrize(
    ("text", "summary", "share"),
    [
        (EN, "Anna Berg opened the shop in 2019.", 1 / 3),
        (EN, "Anna Berg opened the shop in 2019. The town bought the house. The shop closed in May.", 1.0),
        (EN, "Elephants sleep.", 0.0),
        (ZH, "图书馆去年借出41200册书。", 1 / 3),
        (ZH, "图书馆去年借出41200册书。儿童读物保持稳定。", 2 / 3),
        ("One sentence only.", "One sentence only.", 1.0),
    ],
)
def test_thirds_of_the_source_that_are_covered(text: str, summary: str, share: float) -> None:
    assert judged(case(text, "x"), summary)["coverage_share"] == pytest.approx(share)


def test_rules_stand_beside_and_do_not_look_at_the_summary() -> None:
    one = case(EN, "Anna Berg opened the shop in 2019.")
    suite = Suite("s", 1, "", (one, SummarizeCase("s2", "en", EN, one.references)), (), "")
    found = [Prediction("s1", "summarize", ""), Prediction("s2", "summarize", "", error="gone")]
    got = evaluating.measure(suite, suite.cases, found).metrics
    assert got["lead1.rougeL"].mean == 1.0  # type: ignore[union-attr]
    assert 0 < got["lead3.rougeL"].mean < 1  # type: ignore[union-attr]
    assert got["random1.rouge1"] == evaluating.measure(suite, suite.cases, found).metrics["random1.rouge1"]
    assert got["rougeL"].mean == got["chrf"].mean == got["coverage_share"].mean == 0  # type: ignore[union-attr]
    assert got["compression"].n == 1


def test_texts_without_references_have_no_overlap() -> None:
    one = case(EN)
    got = evaluating.measure(
        Suite("s", 1, "", (one,), (), ""), [one], [Prediction("s1", "summarize", "Tea.")]
    ).metrics
    assert isinstance(got["rouge1"], Undefined)

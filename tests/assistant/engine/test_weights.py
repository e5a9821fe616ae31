"""One flow on the embedded model, as it is pulled and served."""

import pytest
from readers import Reader, behind, tokens_of

from assistant.engine.local import LocalGenerator
from assistant.models import pull
from assistant.models.catalog import resolve
from assistant.schema import Finish, Message

pytestmark = pytest.mark.weights


def served(name, models_dir):
    entry = resolve(name)
    folder = pull.installed(entry, models_dir)
    if folder is None:
        pytest.skip(f"the model is missing: youju models pull {name}")
    return LocalGenerator(folder, name=entry.name)


@pytest.fixture(scope="module")
def smollm2(models_dir):
    engine = served("smollm2-135m", models_dir)
    yield engine
    engine.close()


@pytest.mark.parametrize("name", ["smollm2-135m", "qwen2.5-coder-0.5b"])
def test_each_word_is_the_likeliest_to_transformers(name, models_dir):
    """Up to what 16 bit can tell apart; with drafts, for the answer repeats the question's words."""
    engine = served(name, models_dir)
    try:
        text = "Repeat: The receipt is handed in within 30 days of the trip, and nothing is paid back without it."
        prompt, tokens = tokens_of(engine, text, 40)
        assert behind(engine.model, prompt, tokens) <= 0.5
    finally:
        engine.close()


def test_it_answers_several_readers_at_once(smollm2):
    readers = [
        Reader(smollm2, "What is the capital of France?", max_new_tokens=24),
        Reader(smollm2, "Tell me about the sea.", max_new_tokens=24, temperature=0.7, seed=1),
    ]
    (paris, _), (sea, finish) = [reader.result(200) for reader in readers]
    assert "Paris" in paris
    assert sea
    assert finish in (Finish.STOP, Finish.LENGTH)


def test_it_ends_its_turn_by_itself(smollm2):
    text, finish = Reader(smollm2, "Count to ten", max_new_tokens=120).result(250)
    assert finish is Finish.STOP
    assert "<|im_end|>" not in text


def test_it_knows_its_template(smollm2, models_dir):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(pull.installed(resolve("smollm2-135m"), models_dir))
    chat = [Message("user", "Hello 你好"), Message("assistant", "Hi"), Message("user", "Bye")]
    expected = tokenizer.apply_chat_template(
        [{"role": message.role, "content": message.text} for message in chat],
        add_generation_prompt=True,
        return_dict=False,
    )
    assert smollm2.renderer.ids(chat, open_reply=True) == expected


def test_it_prefers_the_likelier_reply(smollm2):
    question = [Message("user", "Is Paris in France? Answer yes or no.")]
    right, wrong = smollm2.score(question, ["Yes", "Giraffe"])
    assert right > wrong

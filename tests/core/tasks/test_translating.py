"""A text is translated sentence by sentence, and its layout stays."""

import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.errors import UserError
from newleaf.core.progress import Cancelled
from newleaf.core.tasks.performing import Performer, perform
from newleaf.core.tasks.template import teach_to_chat

BOTH = [["en", "zh"], ["zh", "en"]]
ENGLISH = "The weather is very fine today, and we shall go for a long walk in the woods."
CHINESE = "今天天气很好，我们要到树林里去散步。"


class Translator(Performer):
    """A model that says each sentence louder, and remembers what it was asked."""

    asked: list

    def write(self, task, messages):
        self.asked = [*getattr(self, "asked", []), messages]
        yield from ()
        return messages[-1]["content"].upper().strip()


@pytest.fixture(scope="module")
def tokenizer(prepared, tmp_path_factory):
    return teach_to_chat(prepared / "models" / "tiny", tmp_path_factory.mktemp("taught") / "tokenizer")


@pytest.fixture(scope="module")
def translator(tokenizer):
    """A function from pairs of languages to a model that knows them; None: one that was not taught."""

    def make(pairs=BOTH, chats=False, context=512):
        model = types.SimpleNamespace(config=types.SimpleNamespace(context=context))
        taught = {} if pairs is None else {"translate": {"languages": pairs}}
        return Translator("m", types.SimpleNamespace(model=model, tokenizer=tokenizer), taught, chats)

    return make


def translate(performer, text, to="de", source="en"):
    told = list(perform(performer, "translate", {"text": text, "to": to, "from": source}))
    done = told[-1]["done"]
    assert "".join(each["delta"]["text"] for each in told if "delta" in each) == done["text"]
    return done["text"], told


LAYOUT = """# A title

  An indented line. It goes on!
- an item
  * an item in it
1. first
2) second

> a quotation, 3.14 of it

\t---
42

12:30 - 14:00
the end  """


def test_lines_indents_marks_empty_lines_and_numbers_stay(translator):
    model = translator([["en", "de"]])
    text, told = translate(model, LAYOUT)
    assert text == LAYOUT.upper()
    assert told[-1]["done"] | {"text": ""} == {"text": "", "from": "en", "to": "de", "sentences": 9}
    asked = [messages[-1]["content"] for messages in model.asked]
    assert asked == [
        "A title",
        *("An indented line.", "It goes on!", "an item", "an item in it", "first", "second"),
        *("a quotation, 3.14 of it", "the end"),
    ]
    assert {messages[0]["content"] for messages in model.asked} == {"Translate from English to German."}


PIECES = st.sampled_from(
    ["A fox", " came", ".", "! ", "? ", " ", "\n", "\n\n", "- ", "1. ", "3.14", "\t", "## ", "Now", ". ", ", ", "\r\n"]
)


@given(text=st.lists(PIECES, min_size=1, max_size=20).map("".join).filter(str.strip))
@settings(max_examples=200)
def test_nothing_is_lost_and_nothing_comes_in_between(translator, text):
    assert translate(translator([["en", "de"]]), text)[0] == text.upper()


def test_into_a_language_with_spaces_there_is_one_between_sentences(translator):
    text, _told = translate(translator([["zh", "en"]]), "好。坏。好。\n好吗？好。", "en", "zh")
    assert text == "好。 坏。 好。\n好吗？ 好。"


def test_into_a_language_without_spaces_there_is_none(translator):
    text, _told = translate(translator([["en", "zh"]]), "  One. Two.  Three.\r\n- Four. Five.\n", "zh", "en")
    assert text == "  ONE.TWO.THREE.\r\n- FOUR.FIVE.\n"


def test_a_sentence_that_is_too_long_is_translated_in_parts(translator):
    sentence = ", ".join(f"the {number}th of the foxes came home" for number in range(30)) + "."
    model = translator([["en", "de"]], context=128)
    text, told = translate(model, sentence)
    assert text == sentence.upper()
    assert 8 < told[-1]["done"]["sentences"] < 40
    model = translator([["en", "de"]], context=128)
    assert translate(model, "x" * 500)[0].replace(" ", "") == "X" * 500
    model = translator([["zh", "en"]], context=128)
    text, _told = translate(model, "狐狸来了，" * 30, "en", "zh")
    assert text.replace(" ", "") == "狐狸来了，" * 30
    for messages in model.asked:
        assert messages[-1]["content"].strip()


def test_how_far_it_is_is_told_and_a_cancel_ends_it(translator):
    model = translator([["en", "de"]])
    _text, told = translate(model, "One.\nTwo.\n\nThree.")
    done = [each["reading"]["done"] for each in told if "reading" in each]
    assert done == sorted(done) and told[-2] == {"reading": {"done": 14, "total": 14}}
    model.cancelled = lambda: len(model.asked) > 4
    with pytest.raises(Cancelled):
        list(perform(model, "translate", {"text": "One. " * 20, "to": "de"}))
    assert len(model.asked) == 5


def test_nothing_is_nothing_to_translate(translator):
    with pytest.raises(UserError, match="nothing to translate"):
        list(perform(translator(), "translate", {"text": " \n", "to": "zh"}))


# From which language to which.


@pytest.mark.parametrize(
    ("pairs", "text", "source", "to", "expected"),
    [
        (BOTH, ENGLISH, None, None, ("en", "zh")),
        (BOTH, CHINESE, None, None, ("zh", "en")),
        (BOTH, ENGLISH, None, "Chinese", ("en", "zh")),
        (BOTH, "x", "zh", None, ("zh", "en")),
        ([["en", "zh"]], CHINESE, None, None, ("en", "zh")),
        ([["en", "zh"], ["de", "zh"]], ENGLISH, None, None, ("en", "zh")),
        ([["en", "zh"], ["en", "de"]], ENGLISH, None, "de", ("en", "de")),
        ([["en", "zh-tw"]], ENGLISH, None, "zh-TW", ("en", "zh-tw")),
    ],
)
def test_the_languages_are_found(translator, pairs, text, source, to, expected):
    told = list(perform(translator(pairs), "translate", {"text": text, "to": to, "from": source}))
    assert (told[-1]["done"]["from"], told[-1]["done"]["to"]) == expected
    assert not any("notice" in each for each in told)


@pytest.mark.parametrize(
    ("pairs", "source", "to", "words"),
    [
        (BOTH, None, "de", r"m was not taught to translate from any language to German; it knows: en → zh, zh → en\."),
        (BOTH, "de", None, "from German to any language"),
        (BOTH, "en", "en", "from English to English"),
        (BOTH, None, "klingon", "klingon is no language; write a code such as en or zh"),
        ([["en", "zh"], ["en", "de"]], "en", None, r"Say into which language: --to zh\|de"),
        (None, None, "zh", "was not taught translation. Teach it: newleaf finetune m DATA --task translate"),
    ],
)
def test_languages_that_cannot_be_are_told(translator, pairs, source, to, words):
    with pytest.raises(UserError, match=words):
        list(perform(translator(pairs), "translate", {"text": ENGLISH, "to": to, "from": source}))


def test_one_that_only_chats_does_what_it_can_and_says_so(translator):
    model = translator(None, chats=True)
    told = list(perform(model, "translate", {"text": ENGLISH, "to": "fr", "from": None}))
    assert told[0]["notice"] == "m was not taught translation: it follows the instruction as well as it can."
    assert (told[-1]["done"]["from"], told[-1]["done"]["to"]) == ("en", "fr")
    with pytest.raises(UserError, match="--to zh"):
        list(perform(model, "translate", {"text": ENGLISH}))


def test_a_task_that_there_is_not_is_told(translator):
    with pytest.raises(UserError, match="no task sing; there are: translate, summary, qa, classify"):
        perform(translator(), "sing", {"text": "x"})

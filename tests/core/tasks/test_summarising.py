"""A text of any length is summed up: in one go, by sections, or by its own sentences."""

import re
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.chat import encode_chat
from newleaf.core.errors import UserError
from newleaf.core.progress import Cancelled
from newleaf.core.tasks.extracts import extract
from newleaf.core.tasks.performing import Performer, perform
from newleaf.core.tasks.template import teach_to_chat

TAUGHT = {"summary": {}}
STORY = " ".join(f"In year {n} the fox {n} met a goose and said that it would come back." for n in range(60))


LARGE, SMALL = 10**10, 10**6  # parameters


class Summariser(Performer):
    """A model that says the first four words of what it reads; `asked` is all that it was asked."""

    @property
    def asked(self):
        return self.writer.asked

    @property
    def longest(self):
        return max(len(encode_chat(self.writer.tokenizer, messages)) for messages in self.asked)

    def write(self, task, messages):
        self.asked.append(messages)
        text = self.answer(read(messages))
        yield {"delta": {"index": 0, "text": text}}
        return text

    def answer(self, text):
        return " ".join(text.split()[:4])


class Lister(Summariser):
    """One that says them in lines."""

    def answer(self, text):
        return "\n".join(f"- {word}" for word in text.split()[:4])


class Parrot(Summariser):
    """One that says all that it reads, and more."""

    def answer(self, text):
        return f"{text} And more of it."


def read(messages):
    """The text that is to be summed up, whether an instruction stands before it or not."""
    content = messages[-1]["content"]
    return content.partition(":\n\n")[2] or content


@pytest.fixture(scope="module")
def tokenizer(prepared, tmp_path_factory):
    return teach_to_chat(prepared / "models" / "tiny", tmp_path_factory.mktemp("taught") / "tokenizer")


@pytest.fixture(scope="module")
def summariser(tokenizer):
    """A function that gives a model; one that was taught nothing and does not chat, without arguments."""

    def make(taught=(), chats=False, context=256, kind=Summariser, parameters=LARGE):
        model = types.SimpleNamespace(config=types.SimpleNamespace(context=context, parameters=parameters))
        return kind("m", types.SimpleNamespace(model=model, tokenizer=tokenizer, asked=[]), dict(taught), chats)

    return make


def sum_up(performer, text, **request):
    told = list(perform(performer, "summary", {"text": text, **request}))
    done = told[-1]["done"]
    shown = "".join(each["delta"]["text"] for each in told if "delta" in each)
    assert shown == done["text"]
    return done, told


def read_texts(model):
    return [read(messages) for messages in model.asked]


def test_a_short_text_is_read_once_and_streams(summariser):
    model = summariser(TAUGHT)
    done, told = sum_up(model, "  The fox said that it would come back.\n")
    assert done == {"text": "The fox said that", "sections": 1, "way": "taught"}
    assert read_texts(model) == ["The fox said that it would come back."]
    assert model.asked[0][0]["content"] == "Summarize the text." and len(told) == 2


@pytest.mark.parametrize("chats", [False, True])
def test_of_a_long_text_every_section_is_visited(summariser, chats):
    model = summariser({} if chats else TAUGHT, chats)
    done, told = sum_up(model, STORY)
    sections = read_texts(model)[: done["sections"]]
    assert done["sections"] > 5 and " ".join(sections) == STORY
    assert done["way"] == ("asked" if chats else "taught")
    assert [each["reading"]["done"] for each in told if "reading" in each] == [*range(1, done["sections"] + 1)]
    assert model.longest <= model.room
    for section in sections:  # cut between sentences, each of about the same size
        assert section.startswith("In year") and section.endswith("back.")
    assert min(map(len, sections)) > 0.4 * max(map(len, sections))
    if not chats:
        assert done["text"] == " ".join(" ".join(section.split()[:4]) for section in sections)


def test_one_that_chats_sums_up_its_summaries_until_they_are_short(summariser):
    model = summariser(chats=True)
    done, told = sum_up(model, STORY, words=10)
    assert len(done["text"].split()) <= 20
    assert len(model.asked) > done["sections"]
    assert told[0]["notice"] == "m was not taught summaries: it follows the instruction as well as it can."


def test_one_that_never_comes_to_an_end_is_not_asked_for_ever(summariser):
    model = summariser(chats=True, kind=Parrot)
    done, _told = sum_up(model, STORY, words=5)
    assert "said that it would come back." in done["text"] and len(model.asked) < 50


def test_a_small_one_that_chats_reads_sentences_of_every_part_alone(summariser):
    model = summariser(chats=True, parameters=SMALL)
    sum_up(model, STORY)
    sentences = re.findall(r"In year \d+ .*?back\.", STORY)
    first = [number for number, sentence in enumerate(sentences) if any(sentence in text for text in read_texts(model))]
    assert min(first) < 10 and max(first) >= 50
    model = summariser(TAUGHT, parameters=SMALL)  # one that was taught it reads all
    sum_up(model, STORY)
    assert " ".join(read_texts(model)) == STORY


def test_bullets_are_lines_each_said_once(summariser):
    model = summariser(TAUGHT)
    done, _told = sum_up(model, STORY, style="bullets")
    assert done["text"].startswith("- In year 0 the\n- ") and done["text"].count("\n") == done["sections"] - 1
    model = summariser(chats=True, kind=Lister)
    done, _told = sum_up(model, STORY, style="bullets")
    assert done["text"].split("\n")[:4] == ["- In", "- year", "- 0", "- the"]
    assert len({*done["text"].split("\n")}) == len(done["text"].split("\n"))
    assert "as a short list of points" in model.asked[0][0]["content"]


def test_more_words_from_a_taught_model_are_more_sections(summariser):
    lengths = []
    for words in (None, 40, 120, 240):
        model = summariser(TAUGHT, context=4096)
        done, _told = sum_up(model, STORY, words=words)
        assert " ".join(read_texts(model)) == STORY
        lengths.append(done["sections"])
    assert lengths[0] == 1 and lengths == sorted(set(lengths))


@given(text=st.text(alphabet="狐狸来了。好 ab.\n", min_size=1, max_size=900).filter(str.strip))
@settings(max_examples=40)
def test_no_letter_is_left_out_however_a_text_is_cut(summariser, text):
    model = summariser(TAUGHT, context=128)
    sum_up(model, text)
    assert re.sub(r"\s", "", "".join(read_texts(model))) == re.sub(r"\s", "", text)
    assert model.longest <= 128


def test_a_sentence_without_end_is_cut_at_characters(summariser):
    model = summariser(TAUGHT, context=128)
    done, _told = sum_up(model, "狐狸说它会回来" * 60)
    assert "".join(read_texts(model)) == "狐狸说它会回来" * 60 and done["sections"] > 3


def test_a_cancel_ends_it(summariser):
    model = summariser(TAUGHT)
    model.cancelled = lambda: len(model.asked) == 2
    with pytest.raises(Cancelled):
        sum_up(model, STORY)
    assert len(model.asked) == 2


def test_nothing_is_nothing_to_sum_up(summariser):
    with pytest.raises(UserError, match="nothing to sum up"):
        sum_up(summariser(TAUGHT), " \n ")


# Without a model.


def test_one_that_was_taught_nothing_picks_sentences_and_says_so(summariser):
    model = summariser()
    done, told = sum_up(model, STORY, words=60)
    assert told[0]["notice"].startswith("m was taught no summaries: these are the text's own sentences")
    assert done["way"] == "extract" and not model.asked
    sentences = re.findall(r"In year .*?back\.", done["text"])
    assert len(sentences) == 3 and all(sentence in STORY for sentence in sentences)
    done, _told = sum_up(model, STORY, style="bullets")
    assert len(done["text"].split("\n")) == 3 and all(line.startswith("- In year") for line in done["text"].split("\n"))


def test_the_sentences_that_most_others_resemble_are_picked_in_their_order():
    odd = [f"Quick zebras {n} jump over purple tables." for n in ("here", "now", "soon")]
    common = ["The model learns from the text.", "The text teaches the model.", "A model learns what a text teaches."]
    text = " ".join([odd[0], common[0], odd[1], common[1], "So.", odd[2], common[2]]).replace("Quick", "Nine")
    picked = extract(text, 2)
    assert len(picked) == 2 and text.index(picked[0]) < text.index(picked[1])
    assert extract("狐狸来了，它说它会回来。天气很好，大家都很高兴。狐狸说它会回来，大家都很高兴。", 1) == [
        "狐狸说它会回来，大家都很高兴。"
    ]


@given(text=st.text(alphabet="ab c.\n狐。!", min_size=1, max_size=300).filter(str.strip), number=st.integers(1, 5))
@settings(max_examples=60)
def test_what_is_picked_stands_in_the_text_and_is_no_more_than_wanted(text, number):
    picked = extract(text, number)
    assert 1 <= len(picked) <= number and len({*picked}) == len(picked)
    assert all(sentence in " ".join(text.split()) or sentence in text for sentence in picked)


def test_of_a_very_long_text_the_best_of_its_parts_are_compared():
    text = " ".join(f"Word{n % 977} and word{n % 31} met word{n % 7} on day {n}." for n in range(3000))
    assert len(extract(text, 5)) == 5

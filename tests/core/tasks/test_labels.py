"""Labels are weighed all at once as if each were read by itself."""

import math

import pytest
import torch
from architectures import CONFIGS, randomise
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.progress import Cancelled
from newleaf.core.tasks import weighing
from newleaf.core.tasks.all import task_of
from newleaf.core.tasks.calibration import temperature
from newleaf.core.tasks.encoding import encode_messages, encode_question
from newleaf.core.tasks.labels import Labels
from newleaf.core.tasks.solving import solve
from newleaf.core.tasks.template import teach_to_chat

CLASSIFY = task_of("classify")
TEXTS = ["The statement is good.", "A", "An object that is not an assignment. " * 5, "好"]


@pytest.fixture(scope="module")
def tokenizer(prepared, tmp_path_factory):
    return teach_to_chat(prepared / "models" / "tiny", tmp_path_factory.mktemp("taught") / "tokenizer")


@pytest.fixture(scope="module")
def writer(tokenizer):
    """A model of random weights that knows chats."""
    network = GPT(GPTConfig(tokenizer.vocab_size, 256, 32, 2, 4, 2, 8, 64))
    return Writer(randomise(network), tokenizer)


class Numbers:
    """A writer of a model alone: questions and answers are numbers already."""

    def __init__(self, shape):
        self.model = randomise(GPT(CONFIGS[shape]))


@torch.no_grad()
def one_at_a_time(model, question, answer):
    row = torch.tensor([[*question, *answer]])
    logprobs = model(row).log_softmax(-1)[0, len(question) - 1 : -1]
    return float(logprobs.gather(1, torch.tensor(answer)[:, None]).sum())


def expected_of(model, questions, answers):
    return torch.tensor([[one_at_a_time(model, question, answer) for answer in answers] for question in questions])


answer = st.lists(st.integers(0, 4), min_size=1, max_size=4)


@pytest.mark.parametrize("shape", ["qwen3", "llama", "gpt2"])
@given(
    questions=st.lists(st.lists(st.integers(0, 199), min_size=1, max_size=20), min_size=1, max_size=4),
    answers=st.lists(answer, min_size=1, max_size=8, unique_by=tuple),
)
@settings(max_examples=15)
def test_log_probabilities_are_those_of_reading_each_answer_by_itself(shape, questions, answers):
    writer = Numbers(shape)
    found = weighing.weigh(writer, questions, answers)
    torch.testing.assert_close(found, expected_of(writer.model, questions, answers), atol=1e-4, rtol=1e-4)


def test_labels_that_share_beginnings_and_one_that_begins_another(writer):
    names = ("good", "good enough", "goodness", "bad", "b", "好", "not good")
    found = Labels(writer, names).logprobs(TEXTS)
    assert found.shape == (len(TEXTS), len(names))
    for row, text in enumerate(TEXTS):
        for column, name in enumerate(names):
            record = {"text": text, "label": name}
            example = encode_messages(writer.tokenizer, CLASSIFY.messages(record))
            number = sum(example.learnt)
            expected = one_at_a_time(writer.model, example.tokens[:-number], example.tokens[-number:])
            assert found[row, column].item() == pytest.approx(expected, abs=1e-4)


def test_a_thousand_labels_are_weighed_as_well(writer):
    names = tuple(f"kind {number}" for number in range(1000))
    labels = Labels(writer, names)
    found = labels.logprobs(TEXTS[:2])
    answers = labels.answers
    for row in range(2):
        question = encode_question(CLASSIFY, writer.tokenizer, {"text": TEXTS[row]}, 200).tokens
        for column in (0, 7, 70, 77, 777, 999):
            expected = one_at_a_time(writer.model, question, answers[column])
            assert found[row, column].item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("taught", [True, False])
def test_probabilities_sum_to_one_and_the_likeliest_is_first(writer, taught):
    labels = Labels.of(writer, {"labels": ["good", "bad", "so so"], "taught": taught})
    for found in labels.weigh(TEXTS):
        shares = list(found["probabilities"].values())
        assert math.isclose(sum(shares), 1.0, abs_tol=1e-5) and shares == sorted(shares, reverse=True)
        assert found["label"] == found["text"] == next(iter(found["probabilities"]))
        assert {*found["probabilities"]} == {"good", "bad", "so so"}


def test_many_texts_are_weighed_each_as_if_alone(writer, monkeypatch):
    monkeypatch.setattr(weighing, "TOKENS", 300)
    labels = Labels(writer, ("good", "bad"))
    texts = [f"{'word ' * (number % 17)}{number}" for number in range(100)]
    told = []
    together = labels.logprobs(texts, lambda done, total: told.append((done, total)))
    assert told == [(64, 100), (100, 100)]
    for number in (0, 16, 63, 64, 99):
        torch.testing.assert_close(together[number], labels.logprobs([texts[number]])[0], atol=1e-4, rtol=1e-4)
    assert labels.weigh([]) == []


def test_a_temperature_makes_answers_less_sure_and_changes_none(writer):
    about = {"labels": ["good", "bad", "so so"]}
    sure = Labels.of(writer, about).weigh(TEXTS)
    unsure = Labels.of(writer, {**about, "temperature": 5.0}).weigh(TEXTS)
    assert [each["label"] for each in sure] == [each["label"] for each in unsure]
    for a, b in zip(sure, unsure, strict=True):
        assert a["probabilities"][a["label"]] > b["probabilities"][b["label"]]


def test_labels_that_were_not_taught_are_named_and_what_says_nothing_favours_none(writer):
    labels = Labels.of(writer, {"labels": ["good", "bad"], "taught": False})
    found = labels.logprobs(["N/A", "...", "[MASK]"])
    torch.testing.assert_close(found.mean(0), torch.zeros(2), atol=1e-5, rtol=0)


def test_a_long_text_is_cut_and_labels_that_leave_no_room_are_told(writer):
    labels = Labels.of(writer, {"labels": ["good", "bad"]})
    assert labels.weigh(["word " * 2000])[0]["label"] in ("good", "bad")
    with pytest.raises(UserError, match="Shorten it"):
        Labels.of(writer, {"labels": ["good", "one two three " * 80]}).weigh(["A"])


@pytest.mark.parametrize("names", [[], ["one"], ["same", "same"]])
def test_one_label_is_no_choice(writer, names):
    with pytest.raises(UserError, match="two labels at least"):
        Labels.of(writer, {"labels": names})


def test_a_cancel_ends_it(writer):
    with pytest.raises(Cancelled):
        Labels(writer, ("good", "bad")).weigh(TEXTS, cancelled=lambda: True)


def test_a_temperature_is_found_from_records_with_known_labels(writer):
    about = {"labels": ["good", "bad"]}
    records = [{"text": f"Text {number}", "label": ("good", "bad")[number % 2]} for number in range(40)]
    records.append({"text": "x", "label": "another"})
    assert temperature(writer, about, records) > 1  # a model that knows nothing should not be sure


# Other answers.


def test_a_task_is_solved_record_by_record_in_their_order(writer):
    records = [{"question": "What? " * (number % 5 + 1), "answer": "", "context": ""} for number in range(20)]
    told = []
    found = solve(writer, task_of("qa"), records, {}, {"max_tokens": 6}, lambda done, total: told.append(done))
    assert sorted(set(told)) == [0, 16, 20] and told == sorted(told) and len(found) == 20
    for number in (0, 7, 19):
        (alone,) = solve(writer, task_of("qa"), [records[number]], {}, {"max_tokens": 6})
        assert found[number] == alone
    labels = solve(writer, CLASSIFY, [{"text": text} for text in TEXTS], {"labels": ["good", "bad"]})
    assert labels == Labels(writer, ("good", "bad")).weigh(TEXTS)


def test_what_cannot_be_cut_is_asked_as_it_is_and_its_answer_takes_what_room_is_left(writer):
    about = {"languages": [["en", "de"]]}
    task, record = task_of("translate"), {"target": "", "source_language": "en", "target_language": "de"}
    context = writer.model.config.context
    long, too_long = ({**record, "source": "one " * words} for words in (60, 500))
    assert context // 2 < len(encode_question(task, writer.tokenizer, long, context).tokens) < context
    found = solve(writer, task, [{**record, "source": "one"}, long], about, {"temperature": 0})
    assert [{*answer} for answer in found] == [{"text"}] * 2
    with pytest.raises(UserError, match="Shorten"):
        solve(writer, task, [too_long], about)


def test_what_is_solved_can_be_cancelled(writer):
    told = []

    def enough(done, total):
        told.append(done)
        if len(told) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        solve(writer, task_of("qa"), [{"question": "What?"}], {}, {"max_tokens": 9}, enough)
    assert told == [0, 0, 0]

"""What is held out: the same records in any order, a tenth of them, and both directions of a pair on one side."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.tasks.all import TASKS, task_of
from newleaf.core.tasks.data.options import DataOptions
from newleaf.core.tasks.data.reading import read_records
from newleaf.core.tasks.data.splitting import read_split, split

CLASSIFY, TRANSLATE, CHAT = task_of("classify"), task_of("translate"), task_of("chat")


def is_held_out(text):
    return int.from_bytes(hashlib.sha256(text.encode()).digest()) < 2**256 / 10


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_held_out_is_the_lowest_tenth_of_the_first_field(tmp_path):
    rows = [{"label": n % 2, "text": f"Text number {n}."} for n in range(2000)]
    records = read_records(CLASSIFY, [write(tmp_path / "a.jsonl", rows)]).records
    train, held_out = split(CLASSIFY, records)
    assert held_out == [record for record in records if is_held_out(record["text"])]
    assert train == [record for record in records if not is_held_out(record["text"])]
    assert 0.08 < len(held_out) / len(records) < 0.12


@given(st.permutations([{"text": f"Text number {n}.", "label": "x"} for n in range(40)]))
def test_the_order_does_not_matter(records):
    train, held_out = split(CLASSIFY, records)
    assert all(is_held_out(record["text"]) for record in held_out) and len(train) + len(held_out) == 40
    assert not any(is_held_out(record["text"]) for record in train)


def test_both_directions_of_a_pair_are_on_the_same_side(tmp_path):
    rows = [{"en": f"Sentence number {n} of all.", "de": f"Satz Nummer {n} von allen."} for n in range(600)]
    rows += [{"en": "Open", "de": "Öffnen"}, {"en": "Open", "de": "Offen"}]
    records = read_records(TRANSLATE, [write(tmp_path / "a.jsonl", rows)]).records
    train, held_out = split(TRANSLATE, records)
    pairs = [{frozenset((each["source"], each["target"])) for each in side} for side in (train, held_out)]
    assert not pairs[0] & pairs[1] and len(pairs[0]) + len(pairs[1]) == 602
    assert len(train) == 2 * len(pairs[0]) and len(held_out) == 2 * len(pairs[1]) > 60
    originals = [each["source"] for each in held_out if each["source_language"] == "en"]
    assert all(map(is_held_out, originals))
    backwards = DataOptions(source_language="de", target_language="en", both_directions=False)
    other = read_records(TRANSLATE, [str(tmp_path / "a.jsonl")], backwards).records
    assert [each["target"] for each in split(TRANSLATE, other)[1]] == originals


def test_chats_are_told_apart_by_what_the_user_says_first():
    records = [
        {"messages": [{"role": role, "content": text} for role, text in said]}
        for n in range(300)
        for said in (
            [("system", "Be kind."), ("user", f"Question {n}"), ("assistant", "Yes.")],
            [("user", f"Question {n}"), ("assistant", "No.")],
        )
    ]
    held_out = split(CHAT, records)[1]
    assert held_out == [record for record in records if is_held_out(record["messages"][-2]["content"])]
    assert split(CHAT, [{"messages": [{"role": "assistant", "content": "Hello."}]}])[1] == []


@pytest.mark.parametrize("number", [2, 3, 5])
def test_of_few_records_that_with_the_lowest_number_is_held_out(number):
    texts = [text for text in (f"Text {n}." for n in range(60)) if not is_held_out(text)][:number]
    train, held_out = split(CLASSIFY, [{"text": text, "label": "x"} for text in texts])
    lowest = min(texts, key=lambda text: hashlib.sha256(text.encode()).digest())
    assert [record["text"] for record in held_out] == [lowest] and len(train) == number - 1


def test_where_all_would_be_held_out_one_is():
    texts = [text for text in (f"Text {n}." for n in range(100)) if is_held_out(text)]
    train, held_out = split(CLASSIFY, [{"text": text, "label": "x"} for text in texts])
    assert len(held_out) == 1 and len(train) == len(texts) - 1 > 1


def test_one_record_is_learnt_and_none_gives_none():
    record = {"text": "Text.", "label": "x"}
    assert split(CLASSIFY, [record]) == ([record], []) and split(CLASSIFY, []) == ([], [])


def test_a_file_of_records_to_measure_on_is_not_learnt_from(tmp_path):
    rows = [{"text": f"Text number {n}.", "label": "x"} for n in range(20)]
    path, other = (
        write(tmp_path / "a.jsonl", rows),
        write(tmp_path / "b.jsonl", [*rows[:3], {"text": "", "label": "x"}]),
    )
    train, held_out, data = read_split(CLASSIFY, [path], DataOptions(held_out=other))
    assert held_out == rows[:3] and train == rows[3:] and len(data.records) == 20
    assert [(problem.file, problem.where) for problem in data.problems] == [("b.jsonl", "line 4")]
    train, held_out, data = read_split(CLASSIFY, [path])
    assert (train, held_out) == split(CLASSIFY, data.records)


@pytest.mark.parametrize(
    ("task", "name", "number"),
    [
        ("classify", "sentiment-en.jsonl", 10_603),
        ("classify", "sentiment-zh.jsonl", 17_211),
        ("translate", "translation-debian.jsonl", 2 * 2_634),
        ("summary", "summary-en.jsonl.gz", 24_350),
        ("qa", "qa-packages.jsonl.gz", 13_510),
        ("chat", "faq-perl.jsonl", 299),
    ],
)
def test_real_data_is_read_whole(real_text, task, name, number):
    train, held_out, data = read_split(TASKS[task], [str(real_text(name))])
    assert len(data.records) == number and data.problems == []
    assert 0.08 < len(held_out) / len(data.records) < 0.13 and len(train) + len(held_out) == number

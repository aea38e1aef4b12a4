"""Chat from messages, conversations and pairs: one form comes out, and what cannot be learnt is left out with words."""

import json

import pytest

from newleaf.core.errors import UserError
from newleaf.core.tasks.all import task_of
from newleaf.core.tasks.data.options import DataOptions
from newleaf.core.tasks.data.reading import read_records

CHAT = task_of("chat")


def said(*texts, system=None):
    roles = ("user", "assistant") * len(texts)
    before = [{"role": "system", "content": system}] if system else []
    return [*before, *({"role": role, "content": text} for role, text in zip(roles, texts, strict=False))]


HELLO = said("Hello, you.", "Hello to you.")


def read(tmp_path, *rows, columns=(), name="chats.jsonl", **options):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return read_records(CHAT, [str(path)], DataOptions(column=list(columns), **options))


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({"messages": HELLO}, HELLO),
        ({"messages": said("a", "b", "c", "d", system="Be kind.")}, said("a", "b", "c", "d", system="Be kind.")),
        ({"messages": [{"role": "developer", "content": "Be."}, *said("a", "b")]}, said("a", "b", system="Be.")),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                          {"role": "assistant", "content": "c"}]},
            said("a\nb", "c"),
        ),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, said("a", "b")),
        (
            {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "system": "Be kind."},
            said("a", "b", system="Be kind."),
        ),
        ({"conversation": [{"role": "User", "content": "a"}, {"role": "model", "content": "b"}]}, said("a", "b")),
        ({"instruction": "Say it.", "input": "Hello.", "output": "Hi."}, said("Say it.\nHello.", "Hi.")),
        ({"instruction": "Say it.", "input": "", "output": "Hi."}, said("Say it.", "Hi.")),
        (
            {"instruction": "c", "input": "", "output": "d", "history": [["a", "b"]], "system": "Be kind."},
            said("a", "b", "c", "d", system="Be kind."),
        ),
        ({"prompt": "a", "completion": "b"}, said("a", "b")),
        ({"Question": "a", "Answer": "b"}, said("a", "b")),
        ({"input": "a", "output": "b"}, said("a", "b")),
        ({"问题": "甲", "回答": "乙"}, said("甲", "乙")),
        ({"messages": [*HELLO, {"role": "user", "content": "Still there?"}]}, HELLO),
        ({"messages": [{"role": "system", "content": ""}, *HELLO]}, HELLO),
    ],
)  # fmt: skip
def test_all_forms_become_messages(tmp_path, row, messages):
    data = read(tmp_path, row)
    assert data.records == [{"messages": messages}] and data.problems == []


def test_a_table_may_hold_pairs_or_messages_as_json(tmp_path):
    (tmp_path / "a.csv").write_text("question,answer\nWhat is it?,A leaf.\n")
    data = read_records(CHAT, [str(tmp_path / "a.csv")])
    assert data.records == [{"messages": said("What is it?", "A leaf.")}]
    assert data.columns == {"messages": "question + answer"}
    (tmp_path / "b.tsv").write_text(f"id\tmessages\n1\t{json.dumps(HELLO)}\n")
    assert read_records(CHAT, [str(tmp_path / "b.tsv")]).records == [{"messages": HELLO}]


def test_one_conversation_is_a_file(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"conversations": HELLO}, indent=1))
    assert read_records(CHAT, [str(tmp_path / "a.json")]).records == [{"messages": HELLO}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": []}, "its messages is empty"),
        ({"messages": "Hello."}, "its messages is no list of messages"),
        ({"messages": [{"text": "a"}]}, "its messages is no list of messages"),
        ({"messages": said("Hello?")}, "the assistant says nothing in it"),
        ({"messages": said("Hello?", " ")}, "message 2 is empty"),
        ({"messages": [{"role": "narrator", "content": "x"}, *HELLO]}, "message 1 has no known role or no text"),
        ({"messages": [*HELLO, {"role": "tool", "content": "5"}, *HELLO]},
         "message 3 is for a tool, or holds more than text"),
        ({"messages": [HELLO[0], {"role": "assistant", "content": None, "tool_calls": [{"id": 1}]}, *HELLO]},
         "message 2 is for a tool, or holds more than text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}, HELLO[1]]},
         "message 1 is for a tool, or holds more than text"),
        ({"other": 1}, "its messages is empty"),
    ],
)  # fmt: skip
def test_what_is_no_chat_is_told_by_its_line(tmp_path, row, reason):
    data = read(tmp_path, {"messages": HELLO}, row, {"messages": said("a", "b")})
    assert [(each.where, each.reason) for each in data.problems] == [("line 2", reason)] and len(data.records) == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "a", "completion": ""}, "its completion is empty"),
        ({"prompt": None, "completion": "b"}, "its prompt is empty"),
        ({"prompt": "a", "completion": 5}, "its completion is no text"),
    ],
)
def test_a_pair_needs_both_texts(tmp_path, row, reason):
    data = read(tmp_path, {"prompt": "a", "completion": "b"}, row)
    assert [(each.where, each.reason) for each in data.problems] == [("line 2", reason)]


def test_columns_may_be_named(tmp_path):
    row = {"log": HELLO, "q": "a", "a": "b", "role": "Be kind."}
    assert read(tmp_path, row, columns=["messages=log"]).records == [{"messages": HELLO}]
    named = read(tmp_path, row, columns=["user=q", "assistant=a", "system=role"])
    assert named.records == [{"messages": said("a", "b", system="Be kind.")}]
    with pytest.raises(UserError, match="which column is assistant is not clear; there are: log, q, a, role"):
        read(tmp_path, row, columns=["user=q"])
    with pytest.raises(UserError, match="name it with --column messages=NAME"):
        read(tmp_path, row)


def test_the_same_chat_is_taken_once(tmp_path):
    data = read(tmp_path, {"messages": HELLO}, {"conversations": HELLO, "messages": HELLO}, {"messages": HELLO})
    assert len(data.records) == 1 and data.duplicates == 2

"""Conversations: a tree of messages of which one path is shown; search, ratings, and what they are written as."""

import sqlite3
import subprocess
import sys
from multiprocessing.pool import ThreadPool

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.conversations import Conversations
from newleaf.core.errors import UserError


@pytest.fixture
def kept(newleaf_home):
    """Those of an empty home."""
    return Conversations()


def said(kept, conversation, *texts):
    """A question, an answer, a question, ... below each other; their numbers."""
    numbers = []
    for index, text in enumerate(texts):
        parent = numbers[-1] if numbers else None
        numbers.append(kept.add(conversation, parent, "user" if index % 2 == 0 else "assistant", text))
    return numbers


def texts_of(kept, conversation):
    return [message.text for message in kept.path_of(conversation)]


def test_without_a_conversation_there_is_nothing_and_no_file(kept):
    assert kept.all() == [] and kept.all("word") == [] and kept.prompts() == [] and kept.preferences() == []
    assert not kept.path.exists()


def test_a_conversation_is_kept_in_its_order_with_the_first_words_as_its_title(kept):
    number = kept.begin()
    said(kept, number, "How tall is\nthe mountain?", "Tall.", "And the sea?")
    assert texts_of(Conversations(), number) == ["How tall is\nthe mountain?", "Tall.", "And the sea?"]
    (summary,) = kept.all()
    assert (summary.title, summary.messages) == ("How tall is the mountain?", 3)


def test_another_answer_stands_beside_the_first_and_either_can_be_shown_with_what_followed_it(kept):
    number = kept.begin()
    question, first, more, end = said(kept, number, "Q", "one", "more", "end")
    second = kept.add(number, question, "assistant", "two")
    assert texts_of(kept, number) == ["Q", "two"]
    assert kept.path_of(number)[1].siblings == [first, second]
    kept.choose(first)
    assert texts_of(kept, number) == ["Q", "one", "more", "end"]
    kept.choose(second)
    assert texts_of(kept, number) == ["Q", "two"]
    assert {more, end}.isdisjoint(message.id for message in kept.path_of(number))


def test_an_edited_beginning_is_a_sibling_too(kept):
    number = kept.begin()
    (old,) = said(kept, number, "first")
    new = kept.add(number, None, "user", "first, edited")
    assert texts_of(kept, number) == ["first, edited"] and kept.path_of(number)[0].siblings == [old, new]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mountain", ["A"]),
        ("MOUNT", ["A"]),
        ("青山", ["B"]),
        ("青", ["B"]),
        ("不可见的", []),
        ("the sea", ["A"]),
        ("sea 青山", []),
        ('"', ["C"]),
        ("%", ["C"]),
        ("_", []),
        ("OR", ["A", "C"]),  # a word, no operator: mORe; fOR
        ("titled", ["D"]),
    ],
)
def test_all_words_of_a_search_stand_in_one_message_or_the_title(kept, query, found):
    for title, texts in (
        ("A", ("the mountain, the sea", "more")),
        ("B", ("床前明月光，青山", "好")),
        ("C", ('100% of "it"', "for")),
        ("D titled", ("nothing",)),
    ):
        said(kept, kept.begin(title), *texts)
    assert sorted(summary.title[0] for summary in kept.all(query)) == found


def test_a_search_shows_the_words_where_they_stand(kept):
    number = kept.begin("long")
    said(kept, number, "x " * 300 + "needle" + " y" * 300)
    (summary,) = kept.all("needle")
    assert "needle" in summary.excerpt and len(summary.excerpt) < 90


def test_a_changed_text_is_found_by_its_new_words_alone(kept):
    number = kept.begin("t")
    (message,) = said(kept, number, "beginning")
    kept.change(message, "different", {"seed": 4})
    assert not kept.all("beginning") and kept.all("different")
    assert kept.path_of(number)[0].details == {"seed": 4}


def test_what_is_renamed_and_deleted_stays_so(kept):
    one, two = kept.begin(), kept.begin()
    said(kept, one, "one")
    said(kept, two, "two")
    kept.rename(one, "  The first  ")
    kept.delete(two)
    assert [summary.title for summary in kept.all()] == ["The first"]
    assert not kept.all("two") and kept.path_of(two) == []


def test_prompts_are_remembered_the_newest_first_and_each_once(kept):
    number = kept.begin()
    said(kept, number, "a", "answer", "b", "answer", "a")
    assert kept.prompts() == ["a", "b"]


def test_judged_answers_become_pairs_or_single_judgements(kept):
    number = kept.begin()
    question, good = said(kept, number, "Q", "good")
    bad = kept.add(number, question, "assistant", "bad")
    follow = kept.add(number, good, "user", "more")
    only = kept.add(number, follow, "assistant", "fine")
    for message, rating in ((good, 1), (bad, -1), (only, 1)):
        kept.rate(message, rating)

    def message(role, content):
        return {"role": role, "content": content}

    assert kept.preferences() == [
        {
            "prompt": [message("user", "Q")],
            "chosen": [message("assistant", "good")],
            "rejected": [message("assistant", "bad")],
        },
        {
            "prompt": [message("user", "Q"), message("assistant", "good"), message("user", "more")],
            "completion": [message("assistant", "fine")],
            "label": True,
        },
    ]


def test_a_conversation_is_written_as_markdown_and_as_a_record_to_teach_from(kept):
    number = kept.begin("Hills")
    question = kept.add(number, None, "user", "How tall?")
    kept.add(number, question, "assistant", "Very.", {"model": "story", "beside": "\n[1] hills.txt\n"})
    assert kept.markdown(number) == "# Hills\n\n**you**\n\nHow tall?\n\n**story**\n\nVery.\n\n[1] hills.txt\n"
    assert kept.records(number) == [
        {"messages": [{"role": "user", "content": "How tall?"}, {"role": "assistant", "content": "Very."}]}
    ]


@given(st.lists(st.text(), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_any_text_comes_back(tmp_path_factory, texts):
    kept = Conversations(tmp_path_factory.mktemp("chats") / "chats.db")
    number = kept.begin()
    said(kept, number, *texts)
    assert texts_of(kept, number) == [text.encode("utf-8", "replace").decode() for text in texts]
    for text in texts:
        kept.all(text)  # whatever is typed is a search


@pytest.mark.parametrize("typed", ["00\0", "\0", "half \ud800", 'so "quoted', "(a OR", "50%"])
def test_whatever_is_typed_is_a_search_and_a_title(kept, typed):
    number = kept.begin()
    said(kept, number, f"Before {typed} after")
    assert [found.id for found in kept.all(typed)] == [number]
    kept.rename(number, typed)
    kept.begin(typed)
    assert len(kept.all()) == 2


def test_several_apps_write_at_once(kept):
    def talk(name):
        own = Conversations()
        number = own.begin(str(name))
        said(own, number, *map(str, range(10)))
        return number

    with ThreadPool(4) as pool:
        numbers = pool.map(talk, range(4))
    assert [texts_of(kept, number) for number in numbers] == [[*map(str, range(10))]] * 4


def test_several_apps_begin_the_same_file_at_once(tmp_path):
    with ThreadPool(4) as pool:
        for time in range(30):
            path = tmp_path / f"{time}.db"
            pool.map(lambda name, path=path: Conversations(path).begin(str(name)), range(4))
            assert {each.title for each in Conversations(path).all()} == {"0", "1", "2", "3"}


def test_an_app_that_is_killed_while_it_writes_leaves_whole_conversations(kept, newleaf_home):
    program = (
        "from newleaf.core.conversations import Conversations\n"
        "kept = Conversations(); number = kept.begin('t'); parent = None\n"
        "print('ready', flush=True)\n"
        "while True: parent = kept.add(number, parent, 'user', 'word')\n"
    )
    for _time in range(3):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            process.stdout.close()
            process.kill()
    for summary in kept.all():
        assert len(kept.path_of(summary.id)) == summary.messages


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to be looked at " * 40, b"SQLite format 3\0" * 99]
)
def test_a_damaged_file_is_told_with_what_to_do(kept, content):
    kept.path.write_bytes(content)
    with pytest.raises(UserError, match=r"chats\.db cannot be used: .* Move the file away"):
        kept.all()


def test_a_file_of_a_newer_version_is_left_alone(kept):
    kept.begin()
    with sqlite3.connect(kept.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UserError, match="newer newleaf"):
        kept.begin()

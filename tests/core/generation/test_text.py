"""Text as it comes: whole characters, no stop string, and the same whatever the portions."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.generation.text import TextStream

LETTERS = "ab好é🦊\n"
texts = st.text() | st.text(st.sampled_from(LETTERS), max_size=40)
stops = st.lists(st.text(st.sampled_from(LETTERS), min_size=1, max_size=4), max_size=4)


def portions(data, encoded):
    """The bytes cut anywhere, also within characters."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=20)))
    return [encoded[start:end] for start, end in zip([0, *cuts], [*cuts, len(encoded)], strict=True)]


def stream(stop, parts):
    made = TextStream(stop)
    given_out = [*map(made.feed, parts), made.finish()]
    assert "".join(given_out) == made.text  # what was given out is what it says it gave
    return made


def before_the_first(text, stop):
    return text[: min((place for place in map(text.find, stop) if place >= 0), default=len(text))]


@given(text=texts, stop=stops, data=st.data())
def test_it_gives_the_text_before_the_first_stop_string_however_it_comes(text, stop, data):
    made = stream(stop, portions(data, text.encode()))
    assert made.text == before_the_first(text, stop)
    assert made.stopped == any(each in text for each in stop)


@given(text=texts, stop=stops)
@example("abab", ["ababa", "b"])
@example("abé", ["abé", "b"])
def test_byte_by_byte_is_all_at_once(text, stop):
    encoded = text.encode()
    assert stream(stop, [bytes([byte]) for byte in encoded]).text == stream(stop, [encoded]).text


@given(content=st.binary(), stop=stops, data=st.data())
def test_bytes_that_are_no_text_are_shown_as_such(content, stop, data):
    expected = before_the_first(content.decode("utf-8", "replace"), stop)
    assert stream(stop, portions(data, content)).text == expected


@given(text=texts)
def test_without_stop_strings_every_character_is_shown_as_soon_as_it_is_whole(text):
    made = TextStream()
    for character in text:
        *first, last = (bytes([byte]) for byte in character.encode())
        assert [made.feed(byte) for byte in first] == [""] * len(first)
        assert made.feed(last) == character


@given(text=texts, stop=stops.filter(bool))
def test_no_more_is_held_back_than_a_stop_string_may_need(text, stop):
    made, longest = TextStream(stop), max(map(len, stop))
    for end, character in enumerate(text, 1):
        made.feed(character.encode())
        if not made.stopped:
            assert end - len(made.text) < longest


def test_the_end_of_an_answer_may_look_like_the_beginning_of_a_stop_string():
    made = TextStream(["<end>"])
    assert made.feed(b"x <en") == "x "
    assert made.finish() == "<en" and not made.stopped


def test_the_stop_string_that_begins_first_ends_the_text():
    made = TextStream(["b", "abc"])
    assert [made.feed(byte) for byte in (b"x", b"a", b"b")] == ["x", "", ""]
    assert not made.stopped  # "abc" may still come
    assert made.feed(b"c") == "" and made.stopped and made.text == "x"
    made = TextStream(["b", "abc"])
    assert made.feed(b"xab") == "x" and made.feed(b"d") == "a" and made.stopped


def test_after_the_stop_nothing_more_comes():
    made = TextStream(["."])
    assert made.feed(b"One. Two.") == "One" and made.stopped
    assert made.feed(b" Three") == made.finish() == "" and made.text == "One"


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_half_a_character_at_the_end_is_shown_as_such(cut):
    made = TextStream()
    assert made.feed("🦊".encode()[:cut]) == ""
    assert made.finish() == "\ufffd"

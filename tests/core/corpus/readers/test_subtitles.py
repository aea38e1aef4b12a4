"""Subtitles: what is spoken and nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.readers.base import Notes, NotTextError
from newleaf.core.corpus.readers.subtitles import FORMAT

from .reading_aids import texts, texts_or_reason


def srt(*cues, step=2):
    """A SubRip file of these cues, one every `step` seconds, each of which is seen for two."""
    parts = []
    for number, cue in enumerate(cues, 1):
        start, end = number * step, number * step + 2
        parts.append(
            f"{number}\n00:{start // 60:02}:{start % 60:02},000 --> 00:{end // 60:02}:{end % 60:02},000\n{cue}\n"
        )
    return "\n".join(parts)


def lines(text):
    (document,) = texts(FORMAT, text.encode())
    return document.split("\n")


def test_numbers_times_and_marks_are_left_out():
    cue = '<i>Hello</i>, <font color="red">you</font> {\\an8}&amp; all.'
    assert lines(srt(cue, "It is\n1984.")) == ["Hello, you & all.", "It is 1984."]


def test_a_sentence_that_goes_on_is_one_line():
    assert lines(srt("I never thought", "that you would come,", "Tom.", "You did.")) == [
        "I never thought that you would come, Tom.",
        "You did.",
    ]
    assert lines(srt("I never...", "...thought so.")) == ["I never thought so."]


def test_after_a_pause_a_new_line_begins():
    assert lines(srt("I never thought", "that you would come.", step=20)) == ["I never thought", "that you would come."]


def test_lines_of_two_speakers_stay_apart():
    assert lines(srt("- Are you there?\n- yes", ">> And you?")) == ["Are you there?", "yes", "And you?"]


def test_lines_in_two_languages_stay_apart():
    assert lines(srt("我爱你\nI love you", "春天来了，", "花开了")) == ["我爱你", "I love you", "春天来了，花开了"]


def test_sounds_and_songs_are_left_out_and_words_in_parentheses_are_not():
    cues = ["[applause]", "♪ la la la ♪", "(door slams)", "- (sighs) Well.", "【音乐】", "He (my brother) left."]
    assert lines(srt(*cues)) == ["(sighs) Well.", "He (my brother) left."]


def test_captions_that_roll_up_are_said_once():
    assert lines(srt("we go", "we go\nto the river", "to the river\nat night")) == ["we go to the river at night"]


VTT = """WEBVTT - A title
Kind: captions

STYLE
::cue { color: red }

NOTE not spoken
nor this

intro
00:01.000 --> 00:02.500 align:start position:0%
<v Roger>We are in <c.yellow>New</c> York.</v>

1:00:03.000 --> 1:00:04.000
Hi <00:00:03.500>there.
"""


def test_webvtt_gives_its_cues_without_notes_styles_and_names():
    assert lines(VTT) == ["We are in New York.", "Hi there."]


def test_encodings_are_found():
    notes = Notes()
    text = srt(*["Сегодня хорошая погода, и мы идём к реке.", "Никто не знал, почему лодки пришли так поздно."] * 10)
    (document,) = texts(FORMAT, text.encode("cp1251"), notes)
    assert "погода" in document and notes.encoding == "cp1251"


def test_a_file_that_breaks_off_gives_what_is_there():
    whole = srt("First.", "Second.", "Third.")
    assert lines(whole[: whole.index("Second") + 3]) == ["First.", "Sec"]
    assert lines(whole[: whole.index("\n00:00:06")]) == ["First.", "Second."]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (random.Random(0).randbytes(3000), "not text"),
        (b"Only a text.\n\nWithout times.", "nothing is spoken"),
        (srt("[applause]").encode(), "nothing is spoken"),
        (b"WEBVTT\n", "nothing is spoken"),
    ],
)
def test_what_has_no_words_is_refused_with_its_reason(content, reason):
    with pytest.raises(NotTextError, match=reason):
        texts(FORMAT, content)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_give_text_or_a_reason(data):
    found, reason = texts_or_reason(FORMAT, data)
    assert found or reason


@given(st.lists(st.text("ab .,!?-\n<>[]()♪ 字。", max_size=30), max_size=6))
def test_any_cues_give_lines_without_blanks_or_a_reason(cues):
    found, reason = texts_or_reason(FORMAT, srt(*cues).encode())
    assert reason or all(line == line.strip() and line for line in found[0].split("\n"))

"""One dataclass says what an option is, and every wrong value is told at once."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.errors import UserError, explain
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.options import OptionsBase, fields, format_duration, option, parse_duration
from newleaf.core.settings import change_setting, read_settings


@dataclass(frozen=True)
class Tea(OptionsBase):
    """Some options."""

    cups: int = option(2, "How many.", minimum=1, maximum=9)
    kind: str = option("green", "Which.", choices=("green", "black"))
    rest: float | None = option(None, "How long it rests.", minimum=0, kind="duration")


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(UserError) as caught:
        Tea(cups=0, kind="red", rest=-1.0)
    assert all(word in str(caught.value) for word in ("--cups", "from 1 to 9", "--kind", "green, black", "--rest"))


@pytest.mark.parametrize(
    "values", [{"cups": 2.5}, {"cups": True}, {"cups": "2"}, {"rest": float("nan")}, {"kind": None}]
)
def test_a_value_of_another_type_is_wrong(values):
    with pytest.raises(UserError):
        Tea(**values)


def test_a_file_may_hold_more_than_is_known():
    assert Tea.from_mapping({"cups": 3, "sugar": 1}) == Tea(cups=3)
    assert Tea.from_mapping(Tea(rest=3.0).as_dict()) == Tea(rest=3.0)


def test_fields_tell_how_they_are_written():
    cups, _kind, rest = fields(Tea)
    assert cups.flag == "--cups" and cups.parse("4") == 4
    assert rest.parse("1h30m") == 5400
    with pytest.raises(UserError, match="--rest is soon"):
        rest.parse("soon")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("20m", 1200), ("1.5h", 5400), ("1h30m", 5400), ("2h 5s", 7205)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "soon", "-5m", "5 minutes", "1w"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError):
        parse_duration(text)


@given(seconds=st.integers(0, 24 * 3600 - 1))
def test_a_duration_is_read_as_it_is_written(seconds):
    assert abs(parse_duration(format_duration(seconds)) - seconds) < (60 if seconds >= 3600 else 1)


@given(text=st.text(max_size=12))
def test_no_text_breaks_the_reader_of_durations(text):
    try:
        assert parse_duration(text) >= 0
    except ValueError:
        pass


def test_generation_refuses_an_empty_stop():
    with pytest.raises(UserError, match="--stop"):
        GenerationOptions(stop=[""])


def test_a_persons_comments_survive_a_changed_setting(tmp_path):
    path = tmp_path / "config" / "newleaf" / "settings.toml"
    path.parent.mkdir(parents=True)
    path.write_text('# mine\nlanguage = "en" # English\nother = 1\n')
    change_setting("language", "zh_CN")
    assert "# mine" in path.read_text() and "# English" in path.read_text()
    assert read_settings() == {"language": "zh_CN", "other": 1}
    path.write_text("language = ")
    with pytest.raises(UserError, match=r"settings\.toml cannot be read"):
        read_settings()


def test_what_a_person_can_mend_has_a_sentence():
    assert "disk is full" in explain(OSError(28, "No space left on device"))
    assert "permission" in explain(PermissionError(13, "no", "/x"))
    assert "memory" in explain(MemoryError())
    assert explain(ZeroDivisionError()) is None

"""One dataclass says what an option is, and every wrong value is told at once."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.importing import ImportOptions
from newleaf.core.errors import UserError
from newleaf.core.generation.options import PRESETS, GenerationOptions
from newleaf.core.options import OptionsBase, fields, format_duration, format_size, option, parse_duration, parse_size
from newleaf.core.tokenizer.options import TokenizerOptions


@dataclass(frozen=True)
class Tea(OptionsBase):
    """Some options."""

    cups: int = option(2, "How many.", minimum=1, maximum=9)
    kind: str = option("green", "Which.", choices=("green", "black"))
    rest: float | None = option(None, "How long it rests.", minimum=0, maximum=3600, kind="duration")
    sugar: bool = option(False, "Whether with sugar.")
    guests: list[str] = option([], "Who comes.")

    def problems(self):
        return ["Black tea takes one guest at most."] if self.kind == "black" and len(self.guests) > 1 else []


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(UserError) as caught:
        Tea(cups=0, kind="red", rest=-1.0)
    for words in ("--cups is 0", "from 1 to 9", "--kind is red", "green, black", "--rest is -1.0", "from 0s to 1h00m"):
        assert words in str(caught.value)


def test_what_is_wrong_with_options_together_is_told_too():
    with pytest.raises(UserError, match=r"--cups is 0.*one guest at most"):
        Tea(cups=0, kind="black", guests=["Anna", "Bo"])
    assert Tea(kind="black", guests=["Anna"]).guests == ["Anna"]


@pytest.mark.parametrize(
    "values",
    [
        {"cups": 2.5},
        {"cups": True},
        {"cups": "2"},
        {"cups": None},
        {"cups": 10},
        {"rest": float("nan")},
        {"rest": float("inf")},
        {"rest": "1h"},
        {"kind": None},
        {"kind": "Green"},
        {"sugar": 1},
        {"guests": "Anna"},
    ],
)
def test_a_value_that_is_no_such_thing_is_wrong(values):
    with pytest.raises(UserError, match=f"--{next(iter(values))} is "):
        Tea(**values)


@pytest.mark.parametrize("values", [{"cups": 1}, {"cups": 9}, {"rest": 0}, {"rest": 3600}, {"rest": None}])
def test_the_bounds_themselves_are_right(values):
    assert Tea(**values).as_dict().items() >= values.items()


def test_a_file_may_hold_more_than_is_known_and_less():
    assert Tea.from_mapping({"cups": 3, "milk": 1}) == Tea(cups=3)
    with pytest.raises(UserError, match="--cups is 0"):
        Tea.from_mapping({"cups": 0})


def test_lists_are_not_shared():
    Tea().guests.append("Anna")
    assert Tea().guests == []


def test_fields_tell_how_they_are_written():
    cups, kind, rest, sugar, _guests = fields(Tea)
    assert (cups.flag, cups.default, cups.description) == ("--cups", 2, "How many.")
    assert cups.parse("4") == 4 and kind.parse("black") == "black"
    assert rest.optional and rest.parse("1h30m") == 5400
    assert sugar.parse("Yes") is True and sugar.parse("off") is False
    for field, text in ((rest, "soon"), (cups, "two"), (cups, "2.5"), (sugar, "perhaps")):
        with pytest.raises(UserError, match=f"{field.flag} is {text}: it must be"):
            field.parse(text)


real_options = pytest.mark.parametrize("options", [ImportOptions, TokenizerOptions, GenerationOptions])


@real_options
def test_real_options_survive_json(options):
    made = options()
    assert options.from_mapping(json.loads(json.dumps(made.as_dict()))) == made


TOGETHER = {"min_tokens": {"max_tokens": 1_000_000}}  # what an option's bounds need of another


@real_options
def test_real_options_hold_their_bounds(options):
    for field in fields(options):
        assert field.description.endswith((".", ")"))
        for bound, beyond in ((field.minimum, -1), (field.maximum, 1)):
            if bound is not None:
                options(**{**TOGETHER.get(field.name, {}), field.name: field.type(bound)})
                with pytest.raises(UserError, match=field.flag):
                    options(**{field.name: field.type(bound + beyond)})
        for choice in field.choices or ():
            options(**{field.name: choice})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"min_tokens": 5, "max_tokens": 4}, "--min-tokens is 5 and --max-tokens 4"),
        ({"n": 3, "beams": 2}, "-n is 3 and --beams 2"),
        ({"logit_bias": {"": 1.0}}, "--logit-bias is =1.0"),
        ({"logit_bias": {"a": "much"}}, "--logit-bias is a=much"),
        ({"logit_bias": {"a": float("nan")}}, "--logit-bias is a=nan"),
        ({"logprobs": 21}, "--logprobs is 21"),
        ({"preset": "wild"}, "--preset is wild"),
        ({"temperature": -1.0, "top_p": 2.0}, "--temperature is -1.0.*--top-p is 2.0"),
    ],
)
def test_generation_refuses_what_cannot_be(values, words):
    with pytest.raises(UserError, match=words):
        GenerationOptions.from_mapping(values)


def test_a_preset_stands_for_several_options_and_gives_way():
    assert GenerationOptions.from_mapping({"preset": "precise"}).temperature == 0.3
    assert GenerationOptions.from_mapping({"preset": "precise", "temperature": 0.5}).temperature == 0.5
    assert GenerationOptions.from_mapping({"preset": "precise"}, {"temperature": 0.6}).temperature == 0.3
    for name, values in PRESETS.items():
        made = GenerationOptions.from_mapping({"preset": name})
        assert {key: getattr(made, key) for key in values} == values


def test_an_answer_in_a_chat_is_the_likeliest_unless_somebody_says_otherwise():
    assert GenerationOptions.in_chat({}).temperature == 0
    assert GenerationOptions.in_chat({"temperature": 0.7}).temperature == 0.7
    assert GenerationOptions.in_chat({"preset": "precise"}).temperature == 0.3
    assert GenerationOptions.in_chat({}, {"temperature": 0.6}).temperature == 0.6  # the model's own
    assert GenerationOptions.in_chat({"n": 3}).temperature > 0  # several would be one


def test_a_model_has_its_own_defaults():
    config = {
        "bos_token_id": 1,
        "do_sample": True,
        "temperature": 0.6,
        "top_k": 20,
        "max_new_tokens": 512,
        "num_beams": 1,
        "typical_p": "much",
        "repetition_penalty": None,
    }
    defaults = GenerationOptions.of_model(config)
    assert defaults == {"temperature": 0.6, "top_k": 20, "max_tokens": 512, "beams": 1}
    assert GenerationOptions.from_mapping({"top_k": 5}, defaults) == GenerationOptions(
        temperature=0.6, top_k=5, max_tokens=512
    )
    assert GenerationOptions.of_model({"do_sample": False})["temperature"] == 0.0
    assert GenerationOptions.of_model({"min_new_tokens": 5, "max_new_tokens": 2}) == {}


@pytest.mark.parametrize("stop", [[""], ["a", ""], [3]])
def test_generation_refuses_an_empty_stop(stop):
    with pytest.raises(UserError, match="--stop"):
        GenerationOptions(stop=stop)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("20m", 1200),
        ("20M", 1200),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("2h 5s", 7205),
        ("1m30", 90),
        ("3d02h", 266_400),
        (" 0 ", 0),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "m", "soon", "-5m", "5 minutes", "1w", "1e3", "1m1h", "nan", "1:30"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError):
        parse_duration(text)


@given(hours=st.integers(0, 99), minutes=st.integers(0, 99), seconds=st.integers(0, 99))
def test_a_duration_is_the_sum_of_its_parts(hours, minutes, seconds):
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@given(seconds=st.floats(0, 1e7))
def test_a_duration_is_read_as_it_is_written(seconds):
    written = format_duration(seconds)
    unit = 1 if seconds < 3600 else 60 if seconds < 86_400 else 3600  # longer ones are told with fewer figures
    assert abs(parse_duration(written) - seconds) <= unit
    assert format_duration(parse_duration(written)) == written


@given(text=st.text(max_size=12) | st.text("0123456789.dhms ", max_size=12))
def test_no_text_breaks_the_reader_of_durations(text):
    try:
        assert parse_duration(text) >= 0
    except ValueError:
        assert not text.isascii() or not text.isdigit()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-3, "0s"), (59.6, "1m"), (90, "1m30s"), (3599.7, "1h00m"), (3900, "1h05m"), (266_400, "3d02h")],
)
def test_durations_are_written_shortly(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (812, "812 B"), (4200, "4.2 kB"), (4_200_000, "4.2 MB"), (7.5e12, "7500.0 GB")]
)
def test_sizes(size, text):
    assert format_size(size) == text


def test_numbers_in_sentences_are_readable():
    @dataclass(frozen=True)
    class Budget(OptionsBase):
        budget: float = option(1.0, "How much.", minimum=1e-8, maximum=1e8)

    with pytest.raises(UserError, match="a number from 1e-08 to 100,000,000"):
        Budget(budget=0.0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4096", 4096), ("500kB", 500_000), ("200 MB", 200_000_000), ("1.5G", 1_500_000_000), ("64MiB", 64 << 20)],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1XB", "1iB", "1.2.3", "many"])
def test_what_is_no_size(text):
    with pytest.raises(ValueError):
        parse_size(text)


@given(st.integers(0, 10**12))
def test_a_size_that_is_shown_is_read_again(size):
    assert parse_size(format_size(size)) == pytest.approx(size, rel=0.06, abs=0.5)


@dataclass(frozen=True)
class Pot(OptionsBase):
    """Options with a word in the place of a number, and with bytes."""

    leaves: int | str = option("auto", "How many.", minimum=1, maximum=9, word="auto")
    volume: int = option(200_000_000, "How much.", minimum=1_000, kind="size")


def test_a_word_may_stand_in_the_place_of_a_number():
    leaves, volume = fields(Pot)
    assert leaves.parse("auto") == "auto" and leaves.parse("3") == 3
    assert Pot(leaves=3).leaves == 3 and Pot().leaves == "auto"
    with pytest.raises(UserError, match="--leaves is many: it must be auto, or a whole number from 1 to 9"):
        leaves.parse("many")
    for wrong in ("Auto", 0, 10, None, 1.5):
        with pytest.raises(UserError, match="--leaves"):
            Pot(leaves=wrong)
    assert volume.parse("2MB") == 2_000_000 and volume.show(volume.default) == "200.0 MB"
    with pytest.raises(UserError, match=r"--volume is 3: it must be a size such as .*, 1\.0 kB or more"):
        Pot(volume=3)

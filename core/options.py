"""One dataclass is the source of a command's options, a form's fields, a job's keys and their help.

    @dataclass(frozen=True)
    class Options(OptionsBase):
        temperature: float = option(0.8, N_("How freely to choose."), minimum=0, maximum=5)

A wrong value is a UserError when the object is made, with all problems at once.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Self

from .errors import UserError
from .language import gettext as _
from .language import sentences


def option(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
    kind: str | None = None,
    metavar: str | None = None,
    short: str | None = None,
    word: str | None = None,
) -> Any:
    """A field of an options dataclass.

    `description` is one sentence, marked with N_. The bounds are inclusive. `kind` is "duration" for seconds that a
    person writes as 90s, 20m or 1h30m, "size" for bytes that a person writes as 500kB, 200MB or 1.5GB, and "codes" for
    a list that may be written with commas. `short` is another flag of one letter. `word` may stand in the place of a
    number: "auto".
    """
    metadata = {
        "description": description,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "kind": kind,
        "metavar": metavar,
        "short": short,
        "word": word,
    }
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class OptionsBase:
    """Checked options: see the module's text. A subclass may do `without` some of another class's."""

    without: typing.ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        problems = [
            field.complaint(value)
            for field in fields(type(self))
            if not field.takes(value := getattr(self, field.name))
        ]
        if all(field.is_of_type(getattr(self, field.name)) for field in fields(type(self))):
            problems += self.problems()
        if problems:
            raise UserError(sentences(*problems))

    def problems(self) -> list[str]:
        """What is wrong with the options together, all of the right types; for a subclass to say."""
        return []

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """The options from a mapping, of a file or a command's arguments; keys that are no option are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})

    def as_dict(self) -> dict[str, Any]:
        """The options as a mapping that JSON can hold."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class OptionField:
    """What is known of one option."""

    name: str
    type: type
    optional: bool
    default: Any
    description: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...] | None
    kind: str | None
    metavar: str | None
    short: str | None
    word: str | None

    @property
    def flag(self) -> str:
        """How the command line calls it."""
        return "--" + self.name.replace("_", "-")

    @property
    def several(self) -> bool:
        """Whether it may be given several times."""
        return self.type in (list, dict)

    def is_of_type(self, value: Any) -> bool:
        """Whether `value` is of the right type."""
        if value is None:
            return self.optional
        if self.word is not None and value == self.word:
            return True
        accepted = (int, float) if self.type is float else self.type
        return isinstance(value, accepted) and (self.type is bool or not isinstance(value, bool))

    def takes(self, value: Any) -> bool:
        """Whether `value` is of the right type and within the bounds."""
        if value is None or not self.is_of_type(value):
            return value is None and self.optional
        if self.choices:
            return value in self.choices
        if self.word is not None and value == self.word:
            return True
        if isinstance(value, int | float) and self.type is not bool:
            lowest = -math.inf if self.minimum is None else self.minimum
            highest = math.inf if self.maximum is None else self.maximum
            return math.isfinite(value) and lowest <= value <= highest
        return True

    def complaint(self, value: Any) -> str:
        """The sentence for a value that it does not take."""
        return _("{option} is {value}: it must be {expected}.").format(
            option=self.flag, value=value, expected=self.expected()
        )

    def expected(self) -> str:
        """In words, what it takes."""
        if self.word is not None:
            return _("{word}, or {expected}").format(
                word=self.word, expected=dataclasses.replace(self, word=None).expected()
            )
        if self.choices:
            return _("one of {choices}").format(choices=", ".join(self.choices))
        if self.type is str:
            return _("text")
        if self.type is bool:
            return _("true or false")
        if self.type is list:
            return _("a list")
        if self.type is dict:
            return _("a text and a number, such as 'the=-5'")
        show = self.show
        noun = (
            _("a time such as 90s, 20m or 1h30m")
            if self.kind == "duration"
            else _("a size such as 500kB, 200MB or 1.5GB")
            if self.kind == "size"
            else _("a whole number")
            if self.type is int
            else _("a number")
        )
        if self.minimum is not None and self.maximum is not None:
            return _("{noun} from {minimum} to {maximum}").format(
                noun=noun, minimum=show(self.minimum), maximum=show(self.maximum)
            )
        if self.minimum is not None:
            return _("{noun}, {minimum} or more").format(noun=noun, minimum=show(self.minimum))
        return noun

    def show(self, value: float) -> str:
        """A value as a person reads it: a number in the unit of the option's kind, on or off."""
        if isinstance(value, bool):
            return "on" if value else "off"
        shown = {"duration": format_duration, "size": format_size}.get(self.kind or "", _plain_number)
        return shown(value)

    def parse(self, text: str) -> Any:
        """The value that a person wrote as `text`, one part of it where there may be several. Raises UserError."""
        try:
            if self.word is not None and text == self.word:
                return text
            if self.type is list:
                return [part.strip() for part in text.split(",")] if self.kind == "codes" else [text]
            if self.type is dict:
                key, _equals, number = text.rpartition("=")
                return {key: float(number)}
            if self.kind == "duration":
                return parse_duration(text)
            if self.kind == "size":
                return parse_size(text)
            if self.type is bool:
                return {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}[text.lower()]
            return self.type(text)
        except (ValueError, KeyError):
            raise UserError(self.complaint(text)) from None


def fields(options: type[OptionsBase]) -> list[OptionField]:
    """The options of a class, in order."""
    hints = typing.get_type_hints(options)
    found = []
    for field in dataclasses.fields(options):
        if field.name in options.without:
            continue
        hint, optional = hints[field.name], False
        if isinstance(hint, types.UnionType):
            optional = types.NoneType in hint.__args__
            hint = next(argument for argument in hint.__args__ if argument is not types.NoneType)
        default = field.default_factory() if callable(field.default_factory) else field.default
        found.append(
            OptionField(
                name=field.name,
                type=typing.get_origin(hint) or hint,
                optional=optional,
                default=default,
                **field.metadata,
            )
        )
    return found


_DURATION = re.compile(
    r"(?:(?P<d>\d+(?:\.\d+)?)d)?(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?",
    re.IGNORECASE,
)


def parse_duration(text: str) -> float:
    """Seconds from "90", "90s", "20m", "1.5h", "1h30m" or "3d02h". Raises ValueError."""
    match = _DURATION.fullmatch(text.strip().replace(" ", ""))
    if not match or not any(match.groups()):
        raise ValueError(text)
    return sum(float(match[unit] or 0) * seconds for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)))


def format_duration(seconds: float) -> str:
    """Seconds as a person writes them: "45s", "20m", "1h05m", "3d02h"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s" if whole % 60 else f"{whole // 60}m"
    if whole < 24 * 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[kmgt]?)(?P<binary>i?)b?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes from "4096", "500kB", "200 MB", "1.5G" (powers of 1,000) or "64MiB" (of 1,024). Raises ValueError."""
    match = _SIZE.fullmatch(text.strip().replace(" ", "").replace(",", ""))
    if not match or (match["binary"] and not match["unit"]):
        raise ValueError(text)
    power = "kmgt".index(match["unit"].lower()) + 1 if match["unit"] else 0
    return round(float(match["number"]) * (1024 if match["binary"] else 1000) ** power)


def format_size(number: float) -> str:
    """Bytes as a person reads them: "812 B", "4.2 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def _plain_number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if abs(value) < 1e6 else f"{value:,.0f}"

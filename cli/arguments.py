"""Arguments of the command line: made from options dataclasses, explained in the language in use."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from ..core.errors import UserError
from ..core.language import DOMAIN, N_, catalogues, current_language
from ..core.language import gettext as _
from ..core.options import OptionField, OptionsBase, fields

Options = TypeVar("Options", bound=OptionsBase)

# What argparse itself says: it asks gettext for these, and finds them in our catalogue.
_OF_ARGPARSE = (
    N_("usage: "),
    N_("positional arguments"),
    N_("options"),
    N_("show this help message and exit"),
    N_("the following arguments are required: %s"),
    N_("expected one argument"),
    N_("expected at least one argument"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("invalid %(type)s value: %(value)r"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("not allowed with argument %s"),
)


class WrongUsageError(UserError):
    """A command that was not written as it has to be."""

    wrong_usage = True


class ArgumentParser(argparse.ArgumentParser):
    """argparse's, which speaks the person's language and says where more is said."""

    def __init__(self, **values: Any):
        if current_language() != "en":
            import gettext

            gettext.bindtextdomain(DOMAIN, catalogues())
            gettext.textdomain(DOMAIN)
        super().__init__(**{"allow_abbrev": False, **values})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave with 2."""
        message = message.removesuffix(".").removesuffix("。")
        raise WrongUsageError(_("{message}. See: {program} --help").format(message=message, program=self.prog))

    def parse_known_args(self, *values: Any, **more: Any) -> Any:
        """argparse's, with what is wrong with a value in our words."""
        try:
            return super().parse_known_args(*values, **more)
        except _WrongValueError as error:
            self.error(str(error))

    def parse_args(self, *values: Any, **more: Any) -> Any:
        """argparse's; what is not known is said by the command that it was given to, with where its options are."""
        parsed, unknown = self.parse_known_args(*values, **more)
        if unknown:
            getattr(parsed, "parser", self).error(_("unrecognized arguments: %s") % " ".join(unknown))
        return parsed

    def commands(self) -> Callable[..., ArgumentParser]:
        """A function that adds a command: name, description, the function that does it."""
        subparsers = self.add_subparsers(dest="command", required=True, metavar=_("COMMAND"), title=_("commands"))

        def add(name: str, description: str, run: Callable[[argparse.Namespace], int | None]) -> ArgumentParser:
            parser: ArgumentParser = subparsers.add_parser(name, help=description, description=description)
            parser.set_defaults(run=run, parser=parser)
            return parser

        return add

    def add_json(self) -> None:
        """`--json`"""
        self.add_argument("--json", action="store_true", help=_("print JSON, for a program to read"))

    def add_yes(self) -> None:
        """`--yes`"""
        self.add_argument("--yes", "-y", action="store_true", help=_("do not ask"))

    def add_options(self, options: type[OptionsBase]) -> None:
        """An argument for each field. `given` collects them again."""
        for field in fields(options):
            if field.type is bool and field.default is False:
                help_text = _(field.description).replace("%", "%%")
                self.add_argument(
                    field.flag, dest=field.name, default=argparse.SUPPRESS, action="store_true", help=help_text
                )
                continue
            self.add_argument(
                *([field.short] if field.short else []),
                field.flag,
                dest=field.name,
                default=argparse.SUPPRESS,
                type=_parser_of(field),
                action="append" if field.several else "store",
                metavar=field.metavar or ("|".join(field.choices) if field.choices else _placeholder(field)),
                help=_explanation(field),
            )


def given_values(options: type[OptionsBase], parsed: argparse.Namespace) -> dict[str, Any]:
    """What a person gave, and nothing else."""
    found = {}
    for field in fields(options):
        if field.name in (values := vars(parsed)):
            value = values[field.name]
            if field.type is list:
                value = [part for parts in value for part in parts]
            elif field.type is dict:
                value = {key: number for parts in value for key, number in parts.items()}
            found[field.name] = value
    return found


def given(options: type[Options], parsed: argparse.Namespace) -> Options:
    """The options that a person gave; the others have their defaults."""
    try:
        return options.from_mapping(given_values(options, parsed))
    except WrongUsageError:
        raise
    except UserError as error:
        raise WrongUsageError(str(error)) from None


def served_as(options: type[Options], parsed: argparse.Namespace) -> Options:
    """The same for a server: NEWLEAF_TOKEN says its token where none was given."""
    if token := os.environ.get("NEWLEAF_TOKEN"):
        vars(parsed).setdefault("token", token)
    return given(options, parsed)


class _WrongValueError(Exception):
    """Goes through argparse untouched: it would put words of its own around a ValueError's."""


def count(text: str) -> int:
    """A whole number, 1 or more: for `type=` of an argument that is no option of a class."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(_("{text} is no whole number, 1 or more").format(text=text))
    return number


def _parser_of(field: OptionField) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = field.parse(text)
        except UserError as error:
            raise _WrongValueError(str(error)) from None
        if not field.takes(value):
            raise _WrongValueError(field.complaint(text))
        return value

    return parse


def _placeholder(field: OptionField) -> str:
    return "on|off" if field.type is bool else "SIZE" if field.kind == "size" else "N"


def _explanation(field: OptionField) -> str:
    default = field.default
    if default in (None, "", [], {}):
        return _(field.description).replace("%", "%%")
    shown = field.show(default) if field.kind or field.type is bool else default
    return (
        _("{description} Default: {default}.")
        .format(description=_(field.description), default=shown)
        .replace("%", "%%")
    )

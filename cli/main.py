"""From the words after `newleaf` to the module that does them. A command's module is imported when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .. import __version__
from ..core import language
from ..core.home import settings_path
from ..core.language import N_
from ..core.language import gettext as _

APP, WEB = "app", "--web"  # the command that is meant where there is none; the app in a browser
DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

GROUPS: dict[str, dict[str, str]] = {
    N_("What is kept"): {
        "corpus": N_("text to learn from: add, list, show, remove"),
        "tokenizer": N_("how text is cut into pieces: train, list, show, encode, remove"),
        "model": N_("what was trained, or came from elsewhere: list, show, import, export, remove"),
        "knowledge": N_("documents to search and to ask: add, list, show, search, remove"),
        "job": N_("work in the background: list, show, watch, stop, resume, log, remove"),
    },
    N_("What is done"): {
        "demo": N_("grow a small GPT on the text that Python brings along, in a few minutes"),
        "train": N_("train a GPT on a corpus"),
        "finetune": N_("teach a model a task: chat, questions, summaries, translation, classification"),
        "generate": N_("let a model go on from a prompt"),
        "chat": N_("talk with a model"),
        "ask": N_("a question, answered from documents"),
        "summarize": N_("what a text says, in short"),
        "translate": N_("a text in another language"),
        "classify": N_("sort texts under labels"),
        "evaluate": N_("measure a model, on a corpus or at a task"),
        "keys": N_("the keys of the app, and how to change them"),
        "serve": N_("models over HTTP, as OpenAI's clients know them"),
    },
}


def run(arguments: Sequence[str]) -> int:
    """Do what `arguments` say; the exit code."""
    words = [word for word in arguments if word != "--debug"]
    debug = len(words) < len(arguments) or bool(os.environ.get("NEWLEAF_DEBUG"))
    try:
        _choose_language()
        return _dispatch(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: nothing to tell anybody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if debug:
            raise
        from ..core.errors import explain

        message = explain(error) or _(
            "A fault of newleaf itself: {error}. Run it again with --debug to see where."
        ).format(error=f"{type(error).__name__}: {error}")
        print(f"newleaf: {message}", file=sys.stderr)
        return WRONG_USAGE if getattr(error, "wrong_usage", False) else FAILED


def _choose_language() -> None:
    chosen = None
    if settings_path().exists() and "NEWLEAF_LANGUAGE" not in os.environ:
        from ..core.settings import read_settings

        chosen = read_settings().get("language")
    if language.set_language(chosen) != "en":
        os.environ["LANGUAGE"] = language.current_language()  # for what argparse says


def _dispatch(words: Sequence[str]) -> int:
    name, rest = (words[0], list(words[1:])) if words else (APP, [])
    if name in ("-h", "--help", "help"):
        print(overview())
        return DONE
    if name in ("-V", "--version"):
        print(f"newleaf {__version__}")
        return DONE
    if WEB in words and name.startswith("-"):  # `newleaf --port 9000 --web` too
        return _command("web", f"newleaf {WEB}", [word for word in words if word != WEB])
    if name.startswith("-"):
        name, rest = APP, list(words)
    if name != APP and not any(name in commands for commands in GROUPS.values()):
        print(_("newleaf: there is no command {name!r}. See: newleaf --help").format(name=name), file=sys.stderr)
        return WRONG_USAGE
    return _command(name, "newleaf" if name == APP else f"newleaf {name}", rest)


def _command(module: str, program: str, words: Sequence[str]) -> int:
    from .arguments import ArgumentParser

    parser = ArgumentParser(prog=program)
    import_module(f".{module}", __package__).configure(parser)
    parsed = parser.parse_args(words)
    return parsed.run(parsed) or DONE


def overview() -> str:
    """What `newleaf --help` shows."""
    lines = [
        _("newleaf: grow your own GPT in the terminal."),
        "",
        "  newleaf" + " " * 12 + _("open the app; how it looks: newleaf app --help"),
        f"  newleaf {WEB:<10} " + _("open the app in a browser"),
    ]
    for title, commands in GROUPS.items():
        lines += ["", _(title) + ":"]
        lines += [f"  newleaf {name:<10} {_(description)}" for name, description in commands.items()]
    lines += [
        "",
        _("`newleaf COMMAND --help` says more of each. `--json` prints what a program can read."),
        _("Everything is kept in {path}; NEWLEAF_HOME sets another place.").format(path=_home_shown()),
    ]
    return "\n".join(lines)


def _home_shown() -> str:
    from ..core.home import home_path

    path, user = str(home_path()), os.path.expanduser("~")
    return "~" + path[len(user) :] if path.startswith(user + os.sep) else path

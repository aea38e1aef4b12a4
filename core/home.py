"""Where things are kept: `NEWLEAF_HOME`, its folders, and the names that a person gives.

corpora/NAME/  tokenizers/NAME/  models/NAME/  jobs/NAME/  knowledge/NAME/
"""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

from .errors import UserError
from .language import gettext as _

APPLICATION = "newleaf"
LONGEST_NAME = 100  # characters; a file name holds 255 bytes
KIND_WORD = len("tokenizer-")  # characters that the name of a job has before that of what it makes


def home_path() -> Path:
    """The folder of everything that newleaf keeps: $NEWLEAF_HOME, else the user's data folder. It need not exist."""
    given = os.environ.get("NEWLEAF_HOME")
    return Path(given).expanduser().absolute() if given else _user_folder("data")


def home() -> Path:
    """The same folder, made when it is absent."""
    return make_private(home_path())


def settings_path() -> Path:
    """The file of a person's settings; it need not exist."""
    return _user_folder("config") / "settings.toml"


def folder(kind: str) -> Path:
    """The folder of all `kind`: "corpora", "tokenizers", "models", "jobs" or "knowledge". Made when it is absent."""
    return make_private(home() / kind)


def make_private(path: Path) -> Path:
    """Make `path` with its parents, readable by nobody else. Raises UserError where something else is in its place."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(
            _("{path} is a file, and newleaf needs a folder there. Set NEWLEAF_HOME to another.").format(path=path)
        ) from None
    except FileNotFoundError:
        raise UserError(_("{path} cannot be made. Set NEWLEAF_HOME to another folder.").format(path=path)) from None
    return path


def check_name(name: str, more: int = 0) -> str:
    """`name`, when it can be the name of a folder; else raises UserError that says why not.

    It may be `more` characters longer than what a person may give.
    """
    problem = None
    name = unicodedata.normalize("NFC", name)  # first: it can make a name longer
    if not name.strip():
        problem = _("it is an empty name")
    elif "/" in name or "\\" in name:
        problem = _("it has a slash")
    elif name.startswith((".", "-")):
        problem = _('it starts with "{character}"').format(character=name[0])
    elif any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name):
        problem = _("it has a character that cannot be seen")
    elif name != name.strip():
        problem = _("it starts or ends with a space")
    elif len(name) > LONGEST_NAME + more or len(name.encode()) > 2 * LONGEST_NAME + more:
        problem = _("it is longer than {limit} characters").format(limit=LONGEST_NAME)
    if problem:
        shown = "".join(c if c.isprintable() else "?" for c in name[:40])
        raise UserError(
            _('The name "{name}" cannot be used: {problem}. Letters, digits, "-" and "_" always can.').format(
                name=shown, problem=problem
            )
        )
    return name


def _user_folder(kind: str) -> Path:
    # What platformdirs says, without its import where that is easy to say: it costs as much as all of `newleaf --help`.
    # A test holds the two equal.
    if sys.platform.startswith("linux"):
        variable, default = {"data": ("XDG_DATA_HOME", ".local/share"), "config": ("XDG_CONFIG_HOME", ".config")}[kind]
        base = os.environ.get(variable, "")
        return (Path(base) if base.startswith("/") else Path.home() / default) / APPLICATION
    import platformdirs

    path = platformdirs.user_data_path if kind == "data" else platformdirs.user_config_path
    return path(APPLICATION, appauthor=False)

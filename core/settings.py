"""A person's settings: `settings.toml` in the user's configuration folder."""

from __future__ import annotations

import tomllib
from typing import Any

from .errors import UserError
from .files import write_atomic
from .home import make_private, settings_path
from .language import gettext as _


def read_settings() -> dict[str, Any]:
    """All settings; empty when there is no file. Raises UserError for a file that is not TOML."""
    path = settings_path()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            _("{path} cannot be read: {error}. Mend it, or delete it.").format(path=path, error=error)
        ) from None


def change_setting(key: str, value: Any) -> None:
    """Set one key; a person's comments and order stay."""
    import tomlkit

    path = settings_path()
    make_private(path.parent)
    read_settings()  # a file that is not TOML is a UserError
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    document[key] = value
    write_atomic(path.resolve(), tomlkit.dumps(document))  # the file may be a link into a person's other settings

"""What goes wrong, in words for a person."""

from __future__ import annotations

import errno

from .language import N_
from .language import gettext as _


class UserError(ValueError):
    """A person's mistake, or a state of their machine: one or two sentences, what and where, then what to do next."""


FAULT = N_("A fault of newleaf itself: {error}.")


def explain(error: BaseException) -> str | None:
    """The sentence for an error that a person can do something about, or None: then it is a fault of newleaf."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return _("The machine's memory is full. Close other programs, or choose a smaller size.")
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _("The disk is full{where}. Free some space, then run it again.").format(where=where)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return _("No permission{where}. Change the permissions, or set NEWLEAF_HOME to a folder of yours.").format(
                where=where
            )
        if error.errno == errno.EMFILE:
            return _("Too many files are open. Raise the limit with `ulimit -n 4096`, then run it again.")
    return None

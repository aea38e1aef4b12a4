"""What a person can mend has a sentence; the rest is a fault."""

import errno

import pytest

from newleaf.core.errors import UserError, explain


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("There is no model x."), "There is no model x."),
        (MemoryError(), "memory is full"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full. Free"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), "disk is full (/x/y). Free"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "No permission (/x)"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "No permission (/x)"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit"),
    ],
)
def test_what_a_person_can_mend_has_a_sentence(error, words):
    assert words in explain(error)
    assert explain(error).endswith(".")


@pytest.mark.parametrize("error", [ZeroDivisionError(), ValueError("x"), OSError(errno.EIO, "x"), KeyError("x")])
def test_what_only_a_programmer_can_mend_has_none(error):
    assert explain(error) is None


def test_a_persons_mistake_is_a_value_error():
    assert issubclass(UserError, ValueError)

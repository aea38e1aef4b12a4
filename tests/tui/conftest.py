"""The app survives its own faults and tells them as a sentence: so each test looks whether there was one."""

import pytest

from newleaf.tui.app import NewleafApp


@pytest.fixture(autouse=True)
def no_faults(newleaf_home, request):
    """Fails the test that has left a report, unless it asked for `a_fault_is_expected`."""
    yield
    reports = list((newleaf_home / "crash").glob("*.txt"))
    assert not reports or "a_fault_is_expected" in request.fixturenames, reports[0].read_text()


@pytest.fixture
def a_fault_is_expected():
    """For a test that causes one."""


@pytest.fixture(autouse=True)
def only_views_that_are_opened(request, monkeypatch):
    """Spares a test what the app does while its first screen is looked at: half the work of opening it.

    Whoever needs the views of other tabs before their keys were pressed asks for `all_views`.
    """
    if "all_views" not in request.fixturenames:
        monkeypatch.setattr(NewleafApp, "make_other_views", lambda app: None)


@pytest.fixture
def all_views():
    """For a test in which the app makes the views of all tabs by itself, as it does for people."""

"""The app survives its own faults and tells them as a sentence: so each test looks whether there was one."""

import pytest


@pytest.fixture(autouse=True)
def no_faults(newleaf_home, request):
    """Fails the test that has left a report, unless it asked for `a_fault_is_expected`."""
    yield
    reports = list((newleaf_home / "crash").glob("*.txt"))
    assert not reports or "a_fault_is_expected" in request.fixturenames, reports[0].read_text()


@pytest.fixture
def a_fault_is_expected():
    """For a test that causes one."""

"""What is kept by name: found, listed, removed, and every mistake has its sentence."""

import pytest

from newleaf.core import store
from newleaf.core.errors import UserError
from newleaf.core.home import folder

MARKERS = {
    "corpora": "manifest.json",
    "tokenizers": "report.json",
    "models": "config.json",
    "jobs": "job.json",
    "knowledge": "manifest.json",
}
kinds = pytest.mark.parametrize("kind", MARKERS)


def make(kind, *names):
    for name in names:
        (folder(kind) / name).mkdir()
        (folder(kind) / name / MARKERS[kind]).write_text("{}")


@kinds
def test_names_are_sorted_and_only_what_is_whole_counts(kind):
    make(kind, "b", "a", ".partial-c")
    (folder(kind) / "empty").mkdir()
    (folder(kind) / "stray.txt").touch()
    assert store.names(kind) == ["a", "b"]


@kinds
def test_what_is_there_is_found(kind):
    make(kind, "café")
    assert store.find(kind, "café") == store.find(kind, "cafe\u0301") == folder(kind) / "café"


@kinds
def test_a_near_name_is_suggested(kind):
    make(kind, "moby-dick", "kjv")
    with pytest.raises(UserError, match=r"There is no [\w ]+ moby-duck\. Did you mean moby-dick\?"):
        store.find(kind, "moby-duck")


@kinds
def test_when_none_is_near_all_are_named(kind):
    make(kind, "poems", "kjv")
    with pytest.raises(UserError, match=r"There is no [\w ]+ zzz\. There are: kjv, poems\.$"):
        store.find(kind, "zzz")


def test_of_many_some_are_named():
    make("models", *(f"m{n}" for n in range(20)))
    with pytest.raises(UserError, match=r"There are: m0, .* \.\.\.\.$") as caught:
        store.find("models", "zzz")
    assert str(caught.value).count(", ") == 7


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("corpora", "newleaf corpus add PATH --name NAME"),
        ("tokenizers", "newleaf tokenizer train CORPUS --name NAME"),
        ("models", "newleaf train CORPUS --name NAME"),
        ("jobs", "None was started yet"),
        ("knowledge", "newleaf knowledge add PATH --name NAME"),
    ],
)
def test_when_there_is_none_the_first_step_is_named(kind, advice):
    with pytest.raises(UserError) as caught:
        store.find(kind, "x")
    assert advice in str(caught.value)


@kinds
def test_a_new_name_is_free_until_it_is_taken(kind):
    path = store.new_path(kind, "x")
    assert path == folder(kind) / "x" and not path.exists()
    make(kind, "x")
    command = kind if kind == "knowledge" else {"corpora": "corpus"}.get(kind, kind.removesuffix("s"))
    with pytest.raises(UserError, match=f"x exists already.*newleaf {command} remove x"):
        store.new_path(kind, "x")


@kinds
@pytest.mark.parametrize("call", [store.find, store.new_path, store.remove])
def test_a_name_never_leads_elsewhere(kind, call):
    make("models", "keep")
    for name in ("../models/keep", "..", "", "a/b"):
        with pytest.raises(UserError, match="cannot be used"):
            call(kind, name)
    assert store.names("models") == ["keep"]


@kinds
def test_what_is_removed_is_gone_and_the_rest_stays(kind):
    make(kind, "a", "b")
    (folder(kind) / "a" / "deep").mkdir()
    (folder(kind) / "a" / "deep" / "file").touch()
    store.remove(kind, "a")
    assert [path.name for path in folder(kind).iterdir()] == ["b"]
    with pytest.raises(UserError, match="There is no"):
        store.remove(kind, "a")

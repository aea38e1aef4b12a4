"""The command that does what was chosen in a form."""

import shlex

from hypothesis import given
from hypothesis import strategies as st

from newleaf.cli.arguments import ArgumentParser, given_values
from newleaf.core.command_line import command_line
from newleaf.core.corpus.importing import ImportOptions

WORDS = ["newleaf", "corpus", "add", "my text.txt"]


def test_only_what_is_not_as_usual_is_said():
    assert command_line(WORDS, ImportOptions()) == "newleaf corpus add 'my text.txt'"
    options = ImportOptions(clean="strict", languages=["en", "zh"], strict=True, limit=5000, exclude=["-x*"])
    assert command_line(WORDS[:2], options) == (
        "newleaf corpus --clean strict --languages en --languages zh '--exclude=-x*' --limit 5000 --strict"
    )


def test_what_is_usual_for_this_corpus_is_not_said_and_the_default_then_is():
    kept = {"clean": "strict", "held_out": 0.1}
    assert command_line(WORDS[:2], ImportOptions(clean="strict"), kept) == "newleaf corpus --held-out 0.05"


texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1)


@given(
    st.builds(
        ImportOptions,
        clean=st.sampled_from(["none", "standard", "strict"]),
        quality=st.sampled_from(["auto", "on", "off"]),
        languages=st.lists(st.sampled_from(["en", "zh"])),
        column=st.none() | texts,
        include=st.lists(texts),
        limit=st.none() | st.integers(1, 10**12),
        held_out=st.floats(0.001, 0.5),
        strict=st.booleans(),
    )
)
def test_the_command_line_reads_it_as_it_was_meant(options):
    parser = ArgumentParser()
    parser.add_options(ImportOptions)
    parsed = parser.parse_args(shlex.split(command_line([], options)))
    assert ImportOptions.from_mapping(given_values(ImportOptions, parsed)) == options

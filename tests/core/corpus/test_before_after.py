"""What cleaning would do, before anything is written."""

import pytest

from newleaf.core.corpus.before_after import (
    DOCUMENTS,
    EXAMPLES,
    LONGEST,
    preview_import,
    try_cleaning,
    try_on_corpora,
    try_on_files,
)
from newleaf.core.corpus.comparing import LINE, changed_lines
from newleaf.core.corpus.importing import ImportOptions, MergeOptions, import_documents
from newleaf.core.errors import UserError
from newleaf.core.progress import Cancelled

POOR = "buy buy buy " * 30 + "now"
PROSE = (
    "The river runs through the valley and past the mill, as it has always done, and nobody thinks about it much. "
    "In spring it rises and takes a fence or two with it; in summer the children of the village swim where the water "
    "is deep and cold. The miller is an old man who has seen many springs, and he says that this one was the worst. "
    "He may be right about that, for his memory is good and he keeps a book with all that has happened to the river."
)
SPACES = "Some text   \nwith spaces at the ends of its lines.  "


def test_documents_that_a_step_changes_or_drops_are_shown_before_and_after():
    spaces = f"{PROSE}   "
    found = try_cleaning([("a", spaces), ("b", POOR), ("c", "Plain.")], ImportOptions(quality="on"))
    assert found["documents"] == 3 and found["changed"] == {"white_space": 1}
    assert sum(found["dropped"]["quality"].values()) == 2
    changed, dropped = found["examples"][:2]
    assert changed["steps"][0] == "white_space" and changed["before"] == spaces and changed["after"] == PROSE
    assert dropped["source"] == "b" and dropped["dropped"] and not dropped["after"]


def test_examples_of_other_steps_come_first():
    texts = [("a", f"{n} {SPACES}") for n in range(9)] + [("b", "caf\u00c3\u00a9 and more words of this kind")]
    found = try_cleaning(texts, ImportOptions())
    assert len(found["examples"]) == EXAMPLES
    assert [example["source"] for example in found["examples"][:2]] == ["a", "b"]


def test_a_late_change_of_a_long_document_is_shown():
    text = "A line that is as it should be.\n" * 400
    (example,) = try_cleaning([("a", text + "Spaces:   \n" + text)], ImportOptions())["examples"]
    assert example["before"].startswith("Spaces:   \n") and example["after"].startswith("Spaces:\n")
    assert len(try_cleaning([("a", "x" * 10 * LONGEST + "  ")], ImportOptions())["examples"]) == 0


def test_of_each_file_some_documents_are_tried_and_damaged_ones_are_left_out(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(f"Line {n}.  " for n in range(99)))
    (tmp_path / "b.jsonl").write_text('{"text": "One.  "}\n{"text": "Two."}\n')
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.7 broken")
    found = try_on_files([tmp_path], ImportOptions(documents="line"))
    assert found["documents"] == DOCUMENTS + 2 and found["changed"] == {"white_space": DOCUMENTS + 1}
    assert try_on_files([tmp_path], ImportOptions(include=["*.jsonl"]))["documents"] == 2


def test_a_preview_has_the_files_that_are_meant_and_the_column(tmp_path):
    (tmp_path / "a.csv").write_text("title,body\nOne,A longer text here\nTwo,And one more of it\n")
    (tmp_path / "b.md").write_text("# Title\n")
    options = ImportOptions(include=["*.csv"], column="title")
    (source,) = preview_import([tmp_path], options)["sources"]
    assert source["source"].endswith("a.csv") and source["column"] == "title" and source["text"] == "One"


def test_a_corpus_is_tried_as_files_are(newleaf_home):
    import_documents([(f"Write to person{n}@example.org today, please.", "mail") for n in range(30)], "mails")
    found = try_on_corpora(["mails"], MergeOptions(personal="on"))
    assert found["documents"] == DOCUMENTS and found["changed"] == {"personal": DOCUMENTS}
    assert "@" in found["examples"][0]["before"] and "@" not in found["examples"][0]["after"]
    with pytest.raises(UserError, match="no corpus absent"):
        try_on_corpora(["absent"], MergeOptions())


def test_nobody_waits_any_more():
    def stop(done, total, message="", **metrics):
        if done == 3:
            raise Cancelled

    documents = iter([("a", str(n)) for n in range(10)])
    with pytest.raises(Cancelled):
        try_cleaning(documents, ImportOptions(), stop)
    assert len(list(documents)) == 7


def test_lines_that_differ_come_in_pairs_from_shortly_before_the_change():
    assert list(changed_lines("same\na  \nlast", "same\na\nmore\nlast")) == [("a··", "a"), (None, "more")]
    long = "x" * 500
    ((left, right),) = changed_lines(long + "A" + long, long + "B" + long)
    assert left.startswith("… x") and "A" in left and "B" in right and len(left) < LINE + 10
    assert list(changed_lines("a\u200bb", "ab")) == [("a\\u200bb", "ab")]
    assert list(changed_lines("same", "same")) == []

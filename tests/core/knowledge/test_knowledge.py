"""Knowledge bases: files become passages that questions find; what changes is read again, what is gone is dropped."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from newleaf.core import store
from newleaf.core.errors import UserError
from newleaf.core.files import FolderLock
from newleaf.core.knowledge import adding
from newleaf.core.knowledge.adding import add_to_named
from newleaf.core.knowledge.database import FILE
from newleaf.core.knowledge.searching import is_answered
from newleaf.core.knowledge.store import Knowledge, list_knowledge
from newleaf.core.knowledge.temporary import KEPT, knowledge_of
from newleaf.core.progress import Cancelled

from ..corpus.readers.test_pdf import column, made

BIRDS = {
    "heron.txt": "The heron hunts fish in shallow water. It stands still for hours before it strikes.",
    "owl.txt": "The owl hunts mice at night. Its feathers make no sound when it flies.",
    "swift.txt": "The swift sleeps in the air and lands only to breed.",
}


@pytest.fixture
def birds(tmp_path):
    folder = tmp_path / "birds"
    folder.mkdir()
    for name, text in BIRDS.items():
        (folder / name).write_text(text)
    return folder


def texts(knowledge, question, limit=5):
    return [found.passage.text for found in knowledge.search(question, limit)]


def settle(monkeypatch):
    """As if the files had been written long ago."""
    monkeypatch.setattr(adding, "SETTLED", -1e9)


def test_a_question_finds_the_passage_with_the_answer(birds):
    report = add_to_named([birds], "birds")
    assert sorted(report.added) == ["birds/heron.txt", "birds/owl.txt", "birds/swift.txt"]
    knowledge = Knowledge.open("birds")
    found = knowledge.search("What hunts at night?")
    assert found[0].passage.text == BIRDS["owl.txt"]
    assert (found[0].rank, found[0].passage.source, found[0].passage.position) == (1, "birds/owl.txt", 0)
    assert found[0].relevance == 1.0 and is_answered(found)
    assert knowledge.best_sentence("What sound do the feathers make?", found[0].passage.text) == (
        "Its feathers make no sound when it flies."
    )
    assert [base.name for base in list_knowledge()] == ["birds"]
    assert knowledge.summary()["documents"] == 3 and knowledge.summary()["passages"] == 3


def test_what_the_documents_do_not_speak_of_is_told(birds):
    add_to_named([birds], "birds")
    knowledge = Knowledge.open("birds")
    assert knowledge.search("Which wine goes with salmon?") == []
    assert knowledge.search("") == knowledge.search('" NEAR * ( :') == []
    assert knowledge.search(" ".join(f"word{number}" for number in range(5000)) + " owl")[0].passage.text.count("owl")
    assert not is_answered(knowledge.search("Which airport in the region lands freight jets?"))


def test_only_what_is_new_or_has_changed_is_read(birds, monkeypatch):
    settle(monkeypatch)
    add_to_named([birds], "birds")
    reads = []
    real = adding.read_passages
    monkeypatch.setattr(adding, "read_passages", lambda source, at: reads.append(source.name) or real(source, at))
    os.utime(birds / "owl.txt")  # written again, with the same content
    (birds / "swift.txt").write_text("The swift eats insects.")
    (birds / "wren.txt").write_text("The wren sings loudly.")
    report = add_to_named([birds], "birds")
    assert reads == ["birds/swift.txt", "birds/wren.txt"]
    assert (report.added, report.changed, report.unchanged) == (["birds/wren.txt"], ["birds/swift.txt"], 2)
    knowledge = Knowledge.open("birds")
    assert texts(knowledge, "Where does the swift sleep?") == ["The swift eats insects."]
    assert knowledge.manifest["counts"]["documents"] == 4


def test_a_change_within_the_same_moment_is_seen(birds):
    add_to_named([birds], "birds")
    status = (birds / "owl.txt").stat()
    (birds / "owl.txt").write_text(BIRDS["owl.txt"].replace("mice", "rats"))
    os.utime(birds / "owl.txt", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert add_to_named([birds], "birds").changed == ["birds/owl.txt"]


def test_what_is_gone_is_dropped_and_the_rest_stays(birds, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("The kettle is on the stove.")
    add_to_named([birds, other], "birds")
    (birds / "owl.txt").unlink()
    report = add_to_named([birds], "birds")
    assert report.dropped == ["birds/owl.txt"] and report.unchanged == 2
    knowledge = Knowledge.open("birds")
    assert texts(knowledge, "owl night mice") == []
    assert texts(knowledge, "kettle") == ["The kettle is on the stove."]
    assert add_to_named([birds], "birds", exclude=["heron*"]).dropped == ["birds/heron.txt"]


def test_a_path_that_is_not_there_drops_nothing(birds):
    add_to_named([birds], "birds")
    birds.rename(birds.with_name("moved"))  # perhaps a disk that is not mounted
    with pytest.raises(UserError, match="no file or folder"):
        add_to_named([birds], "birds")
    assert Knowledge.open("birds").summary()["documents"] == 3


def test_bad_files_are_left_out_with_their_reason(birds):
    (birds / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    (birds / "empty.txt").touch()
    (birds / "blank.txt").write_text(" \n\n")
    report = add_to_named([birds], "birds")
    reasons = dict(report.left_out)
    assert "damaged" in reasons["birds/bad.pdf"] and "empty" in reasons["birds/empty.txt"]
    assert reasons["birds/blank.txt"] == "it has no text"
    assert len(report.added) == 3
    (birds / "owl.txt").write_bytes(b"")  # what was good and is no longer
    assert add_to_named([birds], "birds").dropped == ["birds/owl.txt"]


def test_where_nothing_can_be_read_nothing_is_made(tmp_path):
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(UserError, match=r"bad\.pdf was not added: it is damaged"):
        add_to_named([tmp_path / "bad.pdf"], "nothing")
    assert store.names("knowledge") == []


def test_the_page_of_a_pdf_is_known(tmp_path):
    long = "and it went on like this for the whole of the line, so that the paragraph fills the page to its"
    pages = [column(f"{word} is the animal of this page {long}", f"end. {word}.") for word in ("Heron", "Owl", "Swift")]
    (tmp_path / "birds.pdf").write_bytes(made(pages))
    add_to_named([tmp_path / "birds.pdf"], "birds")
    knowledge = Knowledge.open("birds")
    (found,) = knowledge.search("Which animal is an owl?")  # a short passage over three pages begins on the first
    assert found.passage.page == 1 and "Swift" in found.passage.text


def test_passages_of_a_long_pdf_have_their_own_pages(tmp_path):
    sentence = "This sentence says nothing and is only there to fill the page with words for the reader to skip."
    pages = [
        column(*[sentence] * 12, f"The password of level {number} is {word}.")
        for number, word in enumerate(("quartz", "walnut", "velvet"), 1)
    ]
    (tmp_path / "levels.pdf").write_bytes(made(pages))
    add_to_named([tmp_path / "levels.pdf"], "levels")
    knowledge = Knowledge.open("levels")
    for number, word in enumerate(("quartz", "walnut", "velvet"), 1):
        assert knowledge.search(word)[0].passage.page == number
    assert knowledge.documents()[0]["pages"] == 3


def test_chinese_is_found_in_either_script(tmp_path):
    (tmp_path / "birds.txt").write_text(
        "苍鹭在浅水中捕鱼。它可以一动不动地站几个小时。\n\n猫头鹰在夜里捉老鼠。", "utf-8"
    )
    add_to_named([tmp_path / "birds.txt"], "niao")
    knowledge = Knowledge.open("niao")
    for question in ("猫头鹰什么时候捉老鼠？", "貓頭鷹什麼時候捉老鼠？"):
        found = knowledge.search(question)
        assert found[0].relevance > 0.5 and is_answered(found)
        assert knowledge.best_sentence(question, found[0].passage.text) == "猫头鹰在夜里捉老鼠。"
    assert not is_answered(knowledge.search("红烧肉要放哪些香料？"))


def test_neighbours_do_not_take_each_others_place(tmp_path):
    filler = "Nothing of note happened on that day, and the crew went on as before. " * 8
    (tmp_path / "log.txt").write_text("\n\n".join(f"Day {n}: the compass broke. {filler}" for n in range(6)))
    add_to_named([tmp_path / "log.txt"], "log")
    positions = sorted(found.passage.position for found in Knowledge.open("log").search("compass broke"))
    assert positions and all(two - one > 1 for one, two in pairwise(positions))


def test_a_large_document_is_added_and_searched_quickly(tmp_path):
    line = "Line {n}: the ship sailed past the cape and the crew saw whales, gulls and a distant sail. "
    (tmp_path / "log.txt").write_text(
        "\n\n".join("".join(line.format(n=m * 8 + k) for k in range(8)) for m in range(7200))
        + "\n\nThe cook found a zebra."
    )
    assert (tmp_path / "log.txt").stat().st_size > 5_000_000
    add_to_named([tmp_path / "log.txt"], "log")
    begin = time.monotonic()
    assert "zebra" in Knowledge.open("log").search("Who found the zebra?")[0].passage.text
    assert time.monotonic() - begin < 2


def test_cancelling_keeps_the_files_that_are_done(birds):
    def progress(done, total, message="", **metrics):
        if message == "birds/swift.txt":
            raise Cancelled

    with pytest.raises(Cancelled):
        add_to_named([birds], "birds", progress=progress)
    knowledge = Knowledge.open("birds")
    assert knowledge.manifest["counts"]["documents"] == 2
    assert not FolderLock(knowledge.path).is_held()
    assert add_to_named([birds], "birds").added == ["birds/swift.txt"]


def test_cancelling_before_anything_is_done_leaves_nothing(birds):
    def progress(done, total, message="", **metrics):
        raise Cancelled

    with pytest.raises(Cancelled):
        add_to_named([birds], "birds", progress=progress)
    assert store.names("knowledge") == []


KILLED = """
import sys
from newleaf.core.knowledge.adding import add_to_named
add_to_named([sys.argv[1]], "many", progress=lambda done, total, message="", **more: print(message, flush=True))
"""


def test_a_kill_loses_the_file_at_hand_at_most(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.txt").write_text(f"Box {number} holds item{number}. " + "Some more words. " * 800)
    process = subprocess.Popen([sys.executable, "-c", KILLED, folder], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("many/20"):
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    knowledge = Knowledge.open("many")
    with sqlite3.connect(knowledge.path / FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.execute("INSERT INTO by_word (by_word) VALUES ('integrity-check')")
    done = knowledge.summary()["documents"]
    assert 20 <= done < 60
    assert "item7." in texts(knowledge, "item7")[0]
    report = add_to_named([folder], "many")
    assert report.unchanged == done and len(report.added) == 60 - done
    assert "item59." in texts(Knowledge.open("many"), "item59")[0]


def test_one_writes_at_a_time_and_others_may_read(birds):
    add_to_named([birds], "birds")
    knowledge = Knowledge.open("birds")
    lock = FolderLock(knowledge.path)
    assert lock.acquire()
    with pytest.raises(UserError, match="Another process adds files"):
        knowledge.add([birds])
    with pytest.raises(UserError, match="Another process adds files"):
        knowledge.remove()
    assert texts(knowledge, "swift")
    lock.release()
    knowledge.remove()
    assert store.names("knowledge") == []


def test_a_damaged_base_says_what_to_do(birds):
    add_to_named([birds], "birds")
    knowledge = Knowledge.open("birds")
    for leftover in knowledge.path.glob(f"{FILE}-*"):
        leftover.unlink()
    (knowledge.path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match="Remove the knowledge base, then add its files again"):
        knowledge.search("owl")


def test_files_may_be_asked_without_a_name(birds):
    reports = []
    knowledge = knowledge_of([birds], told=reports.append)
    assert texts(knowledge, "owl") == [BIRDS["owl.txt"]]
    (birds / "owl.txt").write_text("The owl is asleep.")
    again = knowledge_of([str(birds)], told=reports.append)
    assert again.path == knowledge.path and texts(again, "owl") == ["The owl is asleep."]
    assert [len(report.added) for report in reports] == [3, 0] and reports[1].changed == ["birds/owl.txt"]
    assert store.names("knowledge") == []
    old = time.time() - KEPT - 1
    os.utime(knowledge.path / "manifest.json", (old, old))
    other = knowledge_of([birds / "heron.txt"])
    assert not knowledge.path.exists() and texts(other, "heron")


def test_a_search_imports_nothing_heavy(birds):
    add_to_named([birds], "birds")
    script = """
import sys
from newleaf.core.knowledge.store import Knowledge
assert Knowledge.open("birds").search("owl 猫头鹰")
print(sorted({"numpy", "torch", "pyarrow", "sentencepiece"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

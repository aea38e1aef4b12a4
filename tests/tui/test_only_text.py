"""No text of a file, of a model or of a name sends a control sequence to the terminal."""

import unicodedata

import pytest
from rich.cells import cell_len
from screens import screen_text, wait_for_text
from textual.widgets import Input, TextArea

from newleaf.core.corpus.importing import import_documents
from newleaf.core.files import write_json
from newleaf.tui.app import NewleafApp
from newleaf.tui.only_text import CONTROL, visible
from newleaf.tui.widgets.conversation import Conversation, Turn

EVIL = "begin \x1b]52;c;ZXZpbA==\x1b\\ \x1b]0;title\x07 \x1b[31mred \x0e \x9b1m \x00 \u202eend"


def is_clean(app):
    return not [c for c in screen_text(app) if unicodedata.category(c) in ("Cc", "Zl", "Zp") and c != "\n"]


def test_each_control_character_is_found_and_has_no_width():
    for number in range(0x11000):
        character = chr(number)
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            assert CONTROL.fullmatch(character) and cell_len("a" + character) == 1, hex(number)
    assert not CONTROL.search("日本語 e\u0301 👨\u200d👩\u200d👧 \xa0")


def test_what_cannot_be_seen_has_a_sign():
    assert visible("a b\n\t\x1b\x7f\x9b") == "a·b⏎⇥␛␡\ufffd"


async def test_a_preview_is_only_text(tmp_path):
    (tmp_path / "evil.txt").write_text("begin " + "long " * 50 + "\x1b]0;title\x1b\\\n")
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        app.screen.query_one("#path", Input).value = str(tmp_path / "evil.txt")
        await wait_for_text(pilot, "begin ")
        assert is_clean(app)


async def test_a_corpus_a_tokenizer_and_a_transcript_are_only_text(tokenizer, tiny_model):
    import_documents([(EVIL + str(number), "x") for number in range(9)], "evil")
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "to train on")
        assert is_clean(app)
        await pilot.press("tab", "end")
        await wait_for_text(pilot, "begin ")
        assert is_clean(app)
        await pilot.press("f3")
        app.query_one("#try-text", TextArea).text = EVIL
        await wait_for_text(pilot, "bytes a piece")
        assert is_clean(app)
        await pilot.press("f5")
        app.query_one(Conversation).show([Turn(1, True, EVIL), Turn(2, False, EVIL, under=EVIL, summary=EVIL)])
        await wait_for_text(pilot, "begin ")
        assert is_clean(app)


@pytest.mark.parametrize("error", [EVIL, "[red]" + EVIL])
async def test_what_a_job_says_is_only_text(newleaf_home, error):
    folder = newleaf_home / "jobs" / "train-a"
    folder.mkdir(parents=True)
    write_json(folder / "job.json", {"kind": "train", "target": "a", "created": 0.0, "inputs": {}, "options": {}})
    write_json(folder / "status.json", {"state": "failed", "progress": 0.5, "updated": 0.0, "error": error})
    (folder / "log.txt").write_text(EVIL)
    app = NewleafApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f4")
        await wait_for_text(pilot, "begin ")
        app.say(EVIL)
        await pilot.press("l")
        await wait_for_text(pilot, "/ Search")
        assert is_clean(app)

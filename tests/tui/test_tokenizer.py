"""The tab for tokenizers: training, pieces in colours, two compared, a vocabulary searched, an import."""

import shlex

import pytest
from rich.text import Text
from screens import SMALL, USUAL, WIDE, compare, screen_text, wait_for, wait_for_text
from textual.widgets import Input, OptionList, Select, TextArea

from newleaf.core import store
from newleaf.core.command_line import command_line
from newleaf.core.corpus.importing import import_documents
from newleaf.core.engine.client import EncodedPiece
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.store import TokenizerInfo
from newleaf.core.tokenizer.training import train_tokenizer
from newleaf.tui.app import NewleafApp
from newleaf.tui.tokenizer import TokenizerView
from newleaf.tui.tokenizer_import import proposed_name
from newleaf.tui.widgets.cut import SHOWN, STYLES, alike, pieces_text, starts
from newleaf.tui.widgets.form import Form
from newleaf.tui.widgets.piece_list import PieceList, line_of

SIZES = [USUAL, WIDE]


@pytest.fixture
def two(newleaf_home):
    """The tokenizers letters and pieces, learnt from a corpus whose text never changes."""
    text = "In the beginning the fox saw the geese, and the geese saw the fox; and the fox was the wiser. "
    corpus = import_documents(((f"{number}. {text * 4}", f"{number}.txt") for number in range(40)), "tale")
    train_tokenizer(corpus, "letters", TokenizerOptions(type="char"))
    train_tokenizer(corpus, "pieces", TokenizerOptions(vocab_size=330))
    return corpus


def styles(app, place):
    """The backgrounds of the pieces that are shown."""
    text = app.query_one(f"{place} .pieces").content
    return {str(span.style) for span in text.spans} if text else set()


def fill(app, values):
    """Type into the form of the dialog that is open."""
    for entry in app.screen.query(Form).last().query(Input):
        if entry.name in values:
            entry.value = values[entry.name]
    for choice in app.screen.query(Form).last().query(Select):
        if choice.name in values:
            choice.value = values[choice.name]


# Training


async def test_a_tokenizer_whose_size_the_text_decides_is_trained_and_says_why(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await wait_for_text(pilot, "newleaf tokenizer train tale --name tale")
        assert app.screen.query_one("#name", Input).value == "tale"
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: "tale" in store.names("tokenizers"), "the tokenizer")
        await wait_for_text(pilot, "tale: bpe")
        await pilot.press("r")
        await wait_for_text(pilot, "How it cuts text")
        await pilot.press("end")
        reason = TokenizerInfo.open("tale").report["choice"]["reason"].split()[0]
        await wait_for(pilot, lambda: "Why this size" in screen_text(app) and reason in screen_text(app), "the reason")


async def test_the_command_that_does_the_same_follows_what_is_typed_and_is_copied(two):
    app = NewleafApp()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("2", "n")
        await wait_for_text(pilot, "Train a tokenizer")
        app.screen.query_one("#name", Input).value = "mine"
        fill(app, {"vocab_size": "400", "type": "unigram", "split_digits": "off", "symbol": "<a> '<b c>'"})
        command = "newleaf tokenizer train tale --name mine --vocab-size 400 --type unigram"
        await wait_for_text(pilot, command)
        await pilot.press("ctrl+y")
        await wait_for_text(pilot, "Copied.")
        assert app.clipboard == f"{command} --split-digits off --symbol '<a>' --symbol '<b c>'"


async def test_an_option_that_is_wrong_is_told_while_it_is_typed(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await wait_for_text(pilot, "Train a tokenizer")
        fill(app, {"vocab_size": "many"})
        await wait_for_text(pilot, "--vocab-size is many: it must be auto, or a whole number")
        assert "newleaf tokenizer train" not in screen_text(app)
        fill(app, {"vocab_size": "", "symbol": "'<a>"})
        await wait_for_text(pilot, "A quotation mark is missing")


async def test_what_was_typed_into_the_dialog_is_kept(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await wait_for_text(pilot, "Train a tokenizer")
        app.screen.query_one("#name", Input).value = "later"
        fill(app, {"vocab_size": "500"})
        await wait_for_text(pilot, "--vocab-size 500")
        app.keep_draft()
        await pilot.press("escape", "n")
        await wait_for_text(pilot, "--name later --vocab-size 500")


def test_a_command_has_what_is_no_default_in_the_form_that_a_shell_takes():
    options = TokenizerOptions(vocab_size=500, byte_fallback=False, symbol=["-x", "a b"], sample=5_000_000)
    expected = [
        "--vocab-size",
        "500",
        "--byte-fallback",
        "off",
        "--symbol=-x",
        "--symbol",
        "a b",
        "--sample",
        "5000000",
    ]
    assert shlex.split(command_line([], options)) == expected
    assert command_line([], TokenizerOptions()) == ""
    assert command_line(["tokenizer", "train", "my corpus"], TokenizerOptions()).endswith("train 'my corpus'")


# The text that is tried


async def test_pieces_are_shown_in_colours_with_white_space_and_the_one_at_the_cursor(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "down", "tab")
        await pilot.press(*"the fox")
        await wait_for_text(pilot, "pieces: 3 pieces, 7 bytes: 2.33 bytes a piece")
        assert "t|he|·fox|" in screen_text(app)
        await wait_for_text(pilot, "at the cursor: ·fox")
        assert "4 bytes: 20 66" in screen_text(app)  # the rest is on the next line
        assert len(styles(app, "#first") & set(STYLES)) == 2  # the third one is that at the cursor
        await pilot.press("home")
        await wait_for_text(pilot, "at the cursor: t ")
        await pilot.press("slash")
        await wait_for(pilot, lambda: app.query_one("#try-text", TextArea).text == "/the fox", "the slash")


async def test_a_text_that_is_deleted_leaves_no_pieces(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "tab", "a")
        await wait_for_text(pilot, "a|")
        await pilot.press("backspace")
        await wait_for(pilot, lambda: "a|" not in screen_text(app), "the pieces to go")


def told(*pieces):
    """Pieces as the engine tells them."""
    return [EncodedPiece(number, data.decode(), data) for number, data in enumerate(pieces)]


def test_pieces_are_placed_in_the_text_where_they_are_exactly_it():
    assert starts(told(b"na", "ï".encode(), b"ve"), "naïve") == [0, 2, 4]
    assert starts(told(b" the", b" fox"), "the fox") == [0, 3]  # a space is put before each text
    assert starts(told(b"fi"), "\ufb01") == []  # normalised


def test_pieces_that_are_the_same_at_the_same_place_are_alike():
    first, second = told(b"the", b" f", b"ox"), told(b"th", b"e", b" f", b"o", b"x")
    assert alike(first, second, "the fox") == 1
    assert alike(first, first, "the fox") == 3
    assert alike(told(b"fi"), second, "\ufb01") is None


def test_of_a_very_long_text_the_pieces_around_the_cursor_are_shown_and_the_others_counted():
    pieces = told(*[b"x"] * (3 * SHOWN))
    shown = pieces_text(pieces, 2 * SHOWN).plain
    before, after = (shown.partition("pieces before")[0], shown.partition("pieces behind")[0].rpartition("... ")[2])
    assert int(before.replace(",", "")) + int(after.replace(",", "")) == 2 * SHOWN
    assert shown.count("x|") == SHOWN
    assert pieces_text([]).plain == ""


# Two compared


async def compared(pilot):
    """The tab with letters and pieces side by side, and a text."""
    await pilot.press("2", "c")
    await wait_for_text(pilot, "letters is kept to compare with" if pilot.app.size.height < 32 else "◆ letters")
    await pilot.press("down", "tab")
    await pilot.press(*"the fox saw")
    await wait_for_text(pilot, "letters: 11 pieces, 11 bytes: 1.00")
    await wait_for_text(pilot, "pieces: 4 pieces, 11 bytes: 2.75")


@pytest.mark.parametrize("size", SIZES)
async def test_the_same_text_is_cut_by_two_tokenizers(two, size):
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await compared(pilot)
        await wait_for_text(pilot, "1 piece is cut alike by both")
        first, second = app.query_one("#first").region, app.query_one("#second").region
        assert first.y == second.y if size[0] > 130 else first.bottom <= second.y
        compare(app, f"tokenizer-two-{size[0]}x{size[1]}")
        await pilot.press("escape", "c")
        await wait_for(pilot, lambda: "letters: 11" not in screen_text(app), "the end of the comparison")


@pytest.mark.parametrize("size", [SMALL, USUAL])
async def test_no_key_of_the_footer_is_cut_off(two, size):
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await compared(pilot)
        await pilot.press("escape")
        await wait_for_text(pilot, "Measure")
        for words in (
            "n Train",
            "i Import",
            "c Compare",
            "m Measure",
            "/ Search",
            "r Report",
            "d Delete",
            "f1 Help",
        ):
            assert words in screen_text(app)


async def test_two_tokenizers_are_measured_on_the_held_out_text_of_a_corpus(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await compared(pilot)
        await pilot.press("escape", "m")
        await wait_for_text(pilot, "letters and pieces, measured")
        await wait_for_text(pilot, "of held-out text")
        await wait_for_text(pilot, "pieces are in both")
        await wait_for_text(pilot, "Lines that they cut most differently")
        assert "Ctrl+Y copies: newleaf tokenizer compare letters pieces" in screen_text(app)
        await pilot.press("ctrl+y")
        await wait_for(pilot, lambda: app.clipboard.startswith("newleaf tokenizer compare"), "the command")


async def test_a_single_tokenizer_has_nothing_to_be_compared_with(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await wait_for_text(pilot, "pieces: bpe")
        assert "Compare" not in screen_text(app) and "Measure" not in screen_text(app)


async def test_a_tokenizer_that_is_kept_and_deleted_ends_the_comparison(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await compared(pilot)
        await pilot.press("escape", "up", "d")
        await wait_for_text(pilot, "Delete tokenizer letters?")
        await pilot.press("y")
        await wait_for(pilot, lambda: store.names("tokenizers") == ["pieces"], "the deletion")
        await wait_for(pilot, lambda: app.query_one(TokenizerView)._compared() is None, "the end")
        await wait_for(pilot, lambda: "letters:" not in screen_text(app), "its pieces to go")


# The vocabulary


@pytest.mark.parametrize("size", SIZES)
async def test_pieces_that_contain_what_is_typed_are_listed(two, size):
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("2", "down", "slash")
        await wait_for_text(pilot, "330 pieces in all")
        await pilot.press("e")
        await wait_for_text(pilot, "contain this")
        await wait_for_text(pilot, "20 67 65 65 73 65")  # the bytes of " geese"
        compare(app, f"tokenizer-search-{size[0]}x{size[1]}")
        await pilot.press("down")
        await wait_for(pilot, lambda: app.screen.query_one(PieceList)._marked == 1, "the second")
        await pilot.press(*"xyz")
        await wait_for_text(pilot, "No piece contains this.")
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


async def test_hundreds_of_pieces_are_scrolled_with_keys(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "down", "slash")
        await wait_for_text(pilot, "330 pieces in all")
        listed = app.screen.query_one(PieceList)
        assert "<s>" in screen_text(app)
        for _page in range(40):
            await pilot.press("pagedown")
        await wait_for(pilot, lambda: "number 329" in screen_text(app), "the last piece")
        assert listed.scroll_offset.y > 300 and "<s>" not in screen_text(app)
        await pilot.press("up")
        await wait_for_text(pilot, "number 328")


@pytest.mark.parametrize("width", [20, 46, 60, 190])
def test_a_line_of_the_list_is_never_wider_than_it_may_be(width):
    for data in (b"a", "芳林新叶催陈叶".encode(), b" " * 70, "🦊".encode() * 30):
        assert Text(line_of(EncodedPiece(50_000, data.decode(), data), width)).cell_len <= width


# From elsewhere


async def test_a_tokenizer_is_imported_from_a_folder(two, tmp_path):
    folder = tmp_path / "my tokenizer"
    folder.mkdir()
    (folder / "tokenizer.model").write_bytes((store.find("tokenizers", "pieces") / "tokenizer.model").read_bytes())
    app = NewleafApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("2", "i")
        await wait_for_text(pilot, "Import a tokenizer")
        app.screen.query_one("#path", Input).value = f"'{folder}'"  # as a terminal drops it
        await wait_for(pilot, lambda: app.screen.query_one("#name", Input).value == "my-tokenizer", "the name")
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Tokenizer my-tokenizer: 330 pieces")
        assert app.query_one(TokenizerView).marked() == "my-tokenizer"


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"\x0a\x05damaged", "tokenizer.model"), (None, "There is no file or folder")]
)
async def test_a_tokenizer_that_cannot_be_imported_says_why_and_the_dialog_stays(two, tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "tokenizer.model").write_bytes(content)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "i")
        await wait_for_text(pilot, "Import a tokenizer")
        app.screen.query_one("#path", Input).value = str(tmp_path / "tokenizer.model")
        app.screen.query_one("#name", Input).value = "bad"
        await pilot.press("ctrl+s")
        problem = app.screen.query_one(".problem")
        await wait_for(pilot, lambda: sentence in str(problem.content), "the sentence")
        assert store.names("tokenizers") == ["letters", "pieces"]
        app.screen.query_one("#name", Input).value = "letters"
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: "exists already" in str(problem.content), "the other sentence")


def test_a_file_with_the_usual_name_is_called_like_its_folder(two, tmp_path):
    assert proposed_name(str(tmp_path / "gpt2" / "tokenizer.json")) == "gpt2"
    assert proposed_name(str(tmp_path / "my words.model")) == "my-words"
    assert proposed_name(str(tmp_path / "pieces.model")) == "pieces-2"
    assert proposed_name("") == ""


# The list


async def test_enter_shows_the_report_of_the_one_that_is_marked(two):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "down", "enter")
        await wait_for_text(pilot, "pieces: bpe, 330 pieces, learnt from tale")
        await wait_for_text(pilot, "longest pieces")


async def test_a_damaged_tokenizer_can_only_be_deleted(two):
    (store.find("tokenizers", "letters") / "report.json").write_text("{")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await wait_for_text(pilot, "letters is damaged")
        assert "Search" not in screen_text(app) and "d Delete" in screen_text(app)
        assert app.query_one("#tokenizers", OptionList).option_count == 2

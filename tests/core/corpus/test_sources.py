"""Which files are found, under which names, and how they are opened."""

import gzip
import importlib.util
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.globs import matcher
from newleaf.core.corpus.importing import ImportOptions, import_files
from newleaf.core.corpus.readers import formats
from newleaf.core.corpus.sources import LeftOut, Opened, find_sources, open_sources
from newleaf.core.errors import UserError


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_a_folder_gives_its_text_files_in_a_stable_order(tmp_path):
    books = tmp_path / "books"
    make(books, "b.txt", "a.md", "sub/c.TXT", "sub/deep/d.markdown", ".hidden/e.txt", "picture.png", ".f.txt", "noend")
    found = find_sources([books])
    assert [source.name for source in found] == [
        "books/a.md",
        "books/b.txt",
        "books/sub/c.TXT",
        "books/sub/deep/d.markdown",
    ]
    assert [source.size for source in found] == [4, 5, 9, 19]


def test_each_file_once_however_often_it_is_meant(tmp_path):
    make(tmp_path, "a.txt", "b.txt")
    (tmp_path / "same.txt").symlink_to(tmp_path / "a.txt")
    found = find_sources([tmp_path / "b.txt", tmp_path, tmp_path / "a.txt"])
    assert [source.path.name for source in found] == ["b.txt", "a.txt"]


def test_links_that_go_round_are_no_trap(tmp_path):
    make(tmp_path, "a.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.txt").symlink_to(tmp_path / "self.txt")
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "absent")
    assert [source.path.name for source in find_sources([tmp_path])] == ["a.txt"]
    with pytest.raises(UserError, match=r"no file or folder .*self\.txt"):
        find_sources([tmp_path / "self.txt"])


def test_a_named_file_may_be_called_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "README", ".hidden", "~backup.txt", "-x")
    assert [source.name for source in find_sources(["README", ".hidden", "~backup.txt", "-x"])] == [
        "README",
        ".hidden",
        "~backup.txt",
        "-x",
    ]


def test_home_may_be_written_shortly(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    make(tmp_path, "a.txt")
    assert find_sources(["~/a.txt"])[0].path == tmp_path / "a.txt"


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
def test_a_name_that_is_no_utf_8_is_shown_as_well_as_it_can_be(tmp_path):
    folder = tmp_path / "books"
    folder.mkdir()
    path = os.fsencode(folder) + b"/\xca\xe9.txt"
    Path(os.fsdecode(path)).write_text("x")
    for asked, shown in ((os.fsdecode(path), "\ufffd\ufffd.txt"), (folder, "books/\ufffd\ufffd.txt")):
        (source,) = find_sources([asked])
        assert source.name == shown and source.path.read_text() == "x"


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match=r"no file or folder .*absent"):
        find_sources([tmp_path / "absent"])
    with pytest.raises(UserError, match=r"No text files \(\.txt, .*\) in "):
        find_sources([tmp_path])
    with pytest.raises(UserError, match="No text files"):
        find_sources([])


def test_what_is_neither_a_file_nor_a_folder_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UserError, match="neither a file nor a folder"):
        find_sources([tmp_path / "pipe.txt"])
    make(tmp_path, "a.txt")
    assert [source.path.name for source in find_sources([tmp_path])] == ["a.txt"]


def names(*paths, **patterns):
    return [source.name for source in find_sources(paths, **patterns)]


def test_of_a_folder_every_kind_that_is_known_is_taken_and_archives_too(tmp_path):
    books = tmp_path / "books"
    known = ["a.csv", "b.JSONL", "c.html", "d.epub", "e.txt.gz", "f.tar.zst", "g.zip", "h.tgz", "i.vtt"]
    make(books, *known, "p.png", "q.exe", "r", "s.gzip")
    assert names(books) == [f"books/{name}" for name in known]


def test_a_folder_that_is_linked_from_elsewhere_is_read_through_the_link(tmp_path):
    make(tmp_path / "elsewhere", "a.txt")
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "link").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "books") == ["books/link/a.txt"]


def test_a_pattern_is_filled_in_where_no_file_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "texts/a.html", "texts/deep/er/b.html", "texts/c.txt", "[1].txt", "1.txt")
    assert names("texts/**/*.html") == ["a.html", "b.html"]
    assert names("[1].txt") == ["[1].txt"]
    with pytest.raises(UserError, match=r"No file fits texts/\*\.pdf"):
        names("texts/*.pdf")


def test_patterns_say_what_of_a_folder_is_taken(tmp_path):
    books = tmp_path / "b"
    make(books, "a.txt", "notes/b.txt", "notes/old/c.md", "old/d.txt", "x.log")
    assert names(books, exclude=["old"]) == ["b/a.txt", "b/notes/b.txt"]
    assert names(books, exclude=["old/*"]) == ["b/a.txt", "b/notes/b.txt", "b/notes/old/c.md"]
    assert names(books, exclude=["**/old/**"]) == ["b/a.txt", "b/notes/b.txt"]
    assert names(books, include=["notes/**"], exclude=["*.md"]) == ["b/notes/b.txt"]
    assert names(books, include=["*.log"]) == ["b/x.log"]


def opened(*paths, **patterns):
    return [item.name for item in open_sources(find_sources(paths, **patterns))]


def test_patterns_say_what_of_an_archive_is_taken_as_of_a_folder(newleaf_home, tmp_path):
    members = {"a.txt": "A", "notes/b.md": "B", "notes/old/c.txt": "C", "x.log": "X"}
    books = tmp_path / "b"
    books.mkdir()
    with zipfile.ZipFile(books / "box.zip", "w") as box:
        for name, text in members.items():
            box.writestr(name, text)
    with tarfile.open(books / "other.tar.gz", "w:gz") as tar:
        tar.add(books / "box.zip", "deep/box.zip")
    (books / "d.txt.gz").write_bytes(gzip.compress(b"D"))
    box = books / "box.zip"
    assert opened(box, include=["*.md"]) == ["box.zip/notes/b.md"]
    assert opened(box, include=["notes/*.txt", "*.log"]) == ["box.zip/x.log"]
    assert opened(box, exclude=["old", "*.txt"]) == ["box.zip/notes/b.md"]
    assert opened(books, include=["*.md"]) == ["b/box.zip/notes/b.md", "b/other.tar.gz/deep/box.zip/notes/b.md"]
    assert opened(books, include=["other.tar.gz/**/old"]) == ["b/other.tar.gz/deep/box.zip/notes/old/c.txt"]
    assert opened(books, include=["*.txt"], exclude=["box.zip"]) == ["b/d.txt.gz"]
    with pytest.raises(UserError, match="No file in the archives fits"):
        import_files([books], "none", ImportOptions(exclude=["*.txt", "*.md"]))
    assert list(open_sources(find_sources([box], ["*.pdf"]))) == [
        LeftOut("box.zip", "no file in it fits --include and --exclude")
    ]


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("*.txt", ["a.txt", "x/y/a.txt"], ["a.txt~", "a.md"]),
        ("/*.txt", ["a.txt"], ["x/a.txt"]),
        ("x/*.txt", ["x/a.txt"], ["x/y/a.txt", "z/x/a.txt"]),
        ("x/**/a.txt", ["x/a.txt", "x/y/z/a.txt"], ["y/x/a.txt", "x/ba.txt"]),
        ("x/", ["x/a.txt", "y/x/b"], ["xx/a.txt"]),
        ("[ab]?.md", ["a1.md", "q/b2.md"], ["c1.md", "a.md"]),
        ("[!a].md", ["b.md"], ["a.md"]),
    ],
)
def test_patterns_are_those_of_a_gitignore(pattern, fits, does_not):
    fit = matcher([pattern])
    assert [name for name in fits if not fit(name)] == []
    assert [name for name in does_not if fit(name)] == []


@given(pattern=st.text("ab*?[]!/.\\", max_size=12), name=st.text("ab/.[", max_size=8))
def test_any_pattern_is_a_pattern(pattern, name):
    assert matcher([pattern])(name) in (True, False)


def kinds(*paths):
    return [item.format.name if isinstance(item, Opened) else item for item in open_sources(find_sources(paths))]


@pytest.mark.parametrize(
    ("content", "module"),
    [
        (b"Just words.\n", "text"),
        (b"{not json}\n", "text"),
        (b"[1] a footnote\n", "text"),
        (b'{"text": "a"}\n{"text": "b"}\n', "json"),
        (b'[\n  {"text": "a"}\n]\n', "json"),
        (b'[{"text": "' + b"a" * 200_000, "json"),
        (b"%PDF-1.7\n", "pdf"),
        (b"PAR1....", "parquet"),
        (b"\xef\xbb\xbf<!DOCTYPE html><p>a", "html"),
        (b"<mediawiki xmlns=''>", "mediawiki"),
    ],
)
def test_the_content_tells_what_the_name_does_not(content, module):
    assert formats.module_of_content(content[: formats.HEAD]) == module


def test_the_name_comes_before_the_content(tmp_path):
    (tmp_path / "a.txt").write_text('{"text": "a"}\n')
    (tmp_path / "b").write_text('{"text": "a"}\n')
    assert kinds(tmp_path / "a.txt", tmp_path / "b") == [formats.load("text").name, formats.load("json").name]


def test_standard_input_is_read_once(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Words from elsewhere.\n")))
    sources = find_sources(["-", "-"])
    assert [(source.path, source.name, source.size) for source in sources] == [(None, "standard input", 0)]
    ((item,),) = [list(open_sources(sources))]
    assert item.stream.read() == b"Words from elsewhere.\n" and item.size is None


def test_a_file_that_cannot_be_opened_is_left_out_and_the_rest_goes_on(tmp_path):
    make(tmp_path, "a.txt", "b.txt")
    sources = find_sources([tmp_path])
    (tmp_path / "a.txt").unlink()
    first, second = open_sources(sources)
    assert isinstance(first, LeftOut) and "No such file" in first.reason
    assert second.name.endswith("b.txt")


def test_the_position_goes_from_the_beginning_to_the_end(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"words\n" * 100_000)
    opened = open_sources(find_sources([tmp_path]))
    item = next(opened)
    positions = [item.position() for _line in item.stream]
    assert positions == sorted(positions) and positions[-1] == item.size == 600_000


@pytest.mark.parametrize("module", formats.MODULES)
def test_a_format_reads_what_the_table_says(module):
    if importlib.util.find_spec(f"newleaf.core.corpus.readers.{module}") is None:
        pytest.skip(f"there is no {module} here")
    assert set(formats.load(module).suffixes) == set(formats.MODULES[module])


def test_the_table_of_formats_loads_nothing_heavy():
    code = (
        "import sys, newleaf.core.corpus.sources, newleaf.core.corpus.preview, newleaf.core.corpus.readers.csv\n"
        "from newleaf.core.corpus.readers import json, parquet, hub\n"
        "heavy = {'numpy', 'pyarrow', 'orjson', 'backports', 'datasets', 'charset_normalizer', 'lxml'}\n"
        "print(heavy & {name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert done.stdout.strip() == "set()", done.stdout + done.stderr

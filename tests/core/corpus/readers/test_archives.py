"""Archives are unfolded on the way; what is damaged, hostile or locked is told, and the rest goes on."""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import tempfile
import tracemalloc
import zipfile

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import gather

from newleaf.core.corpus.readers.base import Notes, ReadOptions
from newleaf.core.corpus.sources import Opened, find_sources, open_sources

TEXT = "Hello there, these are words.\n" * 5


def noise(seed, lines=4000):
    """Text that packs badly, so that a cut falls into it."""
    numbers = random.Random(seed)
    return "".join(f"{numbers.randbytes(30).hex()}\n" for _ in range(lines))


def zipped(files, stream=False):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise OSError

        def seek(self, *where):
            raise OSError

    memory = Pipe() if stream else io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return memory.getvalue()


def tarred(files, mode="w"):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode=mode) as archive:
        for name, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return memory.getvalue()


def unfold(tmp_path, name, content, **more):
    """The texts and the reasons in one archive."""
    (tmp_path / name).write_bytes(content)
    texts, _notes, left = gather(tmp_path / name, **more)
    return texts, left


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.txt.gz", gzip.compress),
        ("a.txt.bz2", bz2.compress),
        ("a.txt.xz", lzma.compress),
        ("a.txt.zst", zstd.compress),
        ("no suffix at all", zstd.compress),
        ("none", gzip.compress),
        ("a.GZ", gzip.compress),
    ],
)
def test_a_packed_file_is_its_text(tmp_path, name, pack):
    assert unfold(tmp_path, name, pack(TEXT.encode())) == ({name: TEXT}, {})


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_packed_pieces_may_follow_one_another(tmp_path, pack):
    pieces = [pack(f"Piece {number}.\n".encode()) for number in range(3)]
    text = "Piece 0.\nPiece 1.\nPiece 2.\n"
    assert unfold(tmp_path, "a", b"".join(pieces)) == ({"a": text}, {})


def test_zeros_behind_gzip_are_no_damage(tmp_path):
    assert unfold(tmp_path, "a.txt.gz", gzip.compress(b"Words.\n") + bytes(1000)) == ({"a.txt.gz": "Words.\n"}, {})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", zipped({"x.txt": TEXT, "in/y.md": TEXT})),
        ("a.tar", tarred({"x.txt": TEXT, "in/y.md": TEXT})),
        ("a.tar.gz", tarred({"x.txt": TEXT, "in/y.md": TEXT}, "w:gz")),
        ("a.tgz", tarred({"x.txt": TEXT, "in/y.md": TEXT}, "w:gz")),
        ("a.tar.bz2", tarred({"x.txt": TEXT, "in/y.md": TEXT}, "w:bz2")),
        ("a.tar.xz", tarred({"x.txt": TEXT, "in/y.md": TEXT}, "w:xz")),
        ("a.tar.zst", zstd.compress(tarred({"x.txt": TEXT, "in/y.md": TEXT}))),
        ("zip", zipped({"x.txt": TEXT, "in/y.md": TEXT})),
        ("tar", tarred({"x.txt": TEXT, "in/y.md": TEXT})),
        ("tgz", tarred({"x.txt": TEXT, "in/y.md": TEXT}, "w:gz")),
    ],
)
def test_an_archive_gives_its_files(tmp_path, name, content):
    assert unfold(tmp_path, name, content) == ({f"{name}/x.txt": TEXT, f"{name}/in/y.md": TEXT}, {})


def test_of_an_archive_the_same_is_taken_as_of_a_folder(tmp_path):
    files = {"a.txt": TEXT, "b.png": "x", ".hidden/c.txt": TEXT, "__MACOSX/a.txt": TEXT, "d/": ""}
    assert unfold(tmp_path, "a.zip", zipped(files)) == ({"a.zip/a.txt": TEXT}, {})


def test_an_archive_without_text_says_so(tmp_path):
    _texts, left = unfold(tmp_path, "a.zip", zipped({"a.png": "x", "b.exe": "y"}))
    assert left == {"a.zip": "of 2 files in it none is of a kind that is known"}
    assert unfold(tmp_path, "b.tar", tarred({}))[1] == {"b.tar": "there is no file in it"}


def test_archives_are_unfolded_in_archives_to_a_depth(tmp_path):
    third = gzip.compress(TEXT.encode())
    second = tarred({"third.txt.gz": third}, "w:xz")
    texts, left = unfold(tmp_path, "a.zip", zipped({"b/second.tar.xz": second}))
    assert texts == {"a.zip/b/second.tar.xz/third.txt.gz": TEXT} and left == {}
    inner = zipped({"deep.txt": TEXT})
    middle = tarred({"inner.zip": inner})
    texts, left = unfold(tmp_path, "b.zip", zipped({"middle.tar": middle, "a.txt": TEXT}))
    assert texts == {"b.zip/a.txt": TEXT, "b.zip/middle.tar/inner.zip/deep.txt": TEXT} and left == {}
    texts, left = unfold(tmp_path, "c.zip", zipped({"b.zip": zipped({"middle.tar": middle})}))
    assert texts == {}
    assert left == {"c.zip/b.zip/middle.tar/inner.zip": "it is an archive in an archive in an archive in an archive"}


@pytest.mark.parametrize("stream", [False, True], ids=["sizes before", "sizes behind"])
def test_a_truncated_zip_gives_what_is_whole_then_its_reason(tmp_path, stream):
    whole = zipped({"one.txt": TEXT, "two.txt": noise(1), "three.txt": TEXT}, stream)
    texts, left = unfold(tmp_path, "a.zip", whole[:60_000])
    assert texts["a.zip/one.txt"] == TEXT
    assert noise(1).startswith(texts["a.zip/two.txt"]) and len(texts["a.zip/two.txt"]) > 50_000
    assert left == {"a.zip": "its end is missing", "a.zip/two.txt": "its end is missing"}
    # Only the table of contents is gone.
    texts, left = unfold(tmp_path, "b.zip", whole[: whole.index(b"PK\x01\x02") + 10])
    assert texts == {"b.zip/one.txt": TEXT, "b.zip/two.txt": noise(1), "b.zip/three.txt": TEXT}
    assert list(left) == ["b.zip"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_truncated_tar_gives_what_is_whole_then_its_reason(tmp_path, mode):
    whole = tarred({"one.txt": TEXT, "two.txt": noise(1, 40_000), "three.txt": TEXT}, mode)
    texts, left = unfold(tmp_path, f"a.tar{mode[1:].replace(':', '.')}", whole[: len(whole) * 3 // 4])
    (one, *_more) = texts
    assert texts[one] == TEXT and "three" not in str(list(texts))
    assert any(name.endswith("two.txt") for name in left) or any("cut off" in reason for reason in left.values())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_a_truncated_packed_file_gives_what_is_before_the_cut(tmp_path, pack):
    text = noise(2, 40_000)
    texts, left = unfold(tmp_path, "a", pack(text.encode())[:1_000_000])
    assert text.startswith(texts["a"]) and len(texts["a"]) > 500_000
    assert list(left) == ["a"] and "cut off after" in left["a"]


def test_damage_in_the_middle_is_told(tmp_path):
    packed = bytearray(gzip.compress(noise(3).encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = bytes(50)
    texts, left = unfold(tmp_path, "a.txt.gz", bytes(packed))
    assert noise(3)[:50_000] == texts["a.txt.gz"][:50_000] and "damaged after" in left["a.txt.gz"]
    archive = bytearray(zipped({"one.txt": noise(3), "two.txt": TEXT}))
    archive[100_000:100_050] = bytes(50)
    texts, left = unfold(tmp_path, "a.zip", bytes(archive))
    assert texts["a.zip/two.txt"] == TEXT and "damaged after" in left["a.zip/one.txt"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("bomb.txt.gz", gzip.compress),
        ("bomb.txt.xz", lzma.compress),
        ("bomb.txt.zst", zstd.compress),
        ("bomb.zip", lambda text: zipped({"bomb.txt": text})),
        ("bomb.tar.gz", lambda text: tarred({"bomb.txt": text}, "w:gz")),
        ("two.zip", lambda text: zipped({"bomb.txt.gz": gzip.compress(text)})),
    ],
)
def test_a_bomb_is_stopped(tmp_path, name, pack):
    texts, left = unfold(tmp_path, name, pack(b"a" * 50_000_000))
    assert all(len(text) <= 10_000_000 for text in texts.values())
    assert any("more than 200 times its size" in reason for reason in left.values())


def test_of_a_bomb_that_says_its_size_nothing_is_unpacked(tmp_path):
    (tmp_path / "bomb.zip").write_bytes(zipped({"bomb.txt": b"a" * 50_000_000, "good.txt": b"Good text.\n"}))
    texts, _notes, left = gather(tmp_path / "bomb.zip")
    assert texts == {"bomb.zip/good.txt": "Good text.\n"} and list(left) == ["bomb.zip/bomb.txt"]


def test_what_is_unpacked_may_be_limited(tmp_path):
    files = {f"{number}.txt": noise(number) for number in range(5)}
    texts, left = unfold(tmp_path, "a.zip", zipped(files), allowed=600_000)
    assert texts["a.zip/0.txt"] == noise(0) and sum(map(len, texts.values())) <= 600_000
    assert left["a.zip/4.txt"] == "it unpacks to more than was allowed"


def test_names_that_point_out_of_an_archive_are_left_out_and_nothing_is_written(tmp_path):
    files = {"../evil.txt": TEXT, "/etc/evil.txt": TEXT, "C:\\evil.txt": TEXT, "good.txt": TEXT}
    for name, content in (("a.tar", tarred(files)), ("a.zip", zipped(files))):
        folder = tmp_path / name[2:]
        folder.mkdir()
        texts, left = unfold(folder, name, content)
        assert texts == {f"{name}/good.txt": TEXT}
        assert len(left) == 3 and set(left.values()) == {"its name points out of the archive"}
        assert [path.name for path in folder.iterdir()] == [name]


def test_links_and_devices_in_a_tar_are_no_files(tmp_path):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo(f"kind{kind.decode()}.txt")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("good.txt")
        info.size = 7
        archive.addfile(info, io.BytesIO(b"Words.\n"))
    assert unfold(tmp_path, "a.tar", memory.getvalue()) == ({"a.tar/good.txt": "Words.\n"}, {})


def test_an_encrypted_member_says_so(tmp_path):
    content = bytearray(zipped({"secret.txt": TEXT, "open.txt": TEXT}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    texts, left = unfold(tmp_path, "a.zip", bytes(content))
    assert texts == {"a.zip/open.txt": TEXT}
    assert left == {"a.zip/secret.txt": "it is encrypted; unpack it with its password first"}


def test_an_unknown_way_of_packing_says_so(tmp_path):
    content = bytearray(zipped({"a.txt": TEXT, "b.txt": TEXT}))
    for place in (8, content.index(b"PK\x01\x02") + 10):
        content[place : place + 2] = struct.pack("<H", 9)
    texts, left = unfold(tmp_path, "a.zip", bytes(content))
    assert list(texts) == ["a.zip/b.txt"] and "unknown way" in left["a.zip/a.txt"]


def test_names_of_an_old_chinese_zip_are_read(tmp_path):
    content = zipped({"ABCD.txt": TEXT}).replace(b"ABCD.txt", "唐诗".encode("gb18030") + b".txt")
    assert list(unfold(tmp_path, "a.zip", content)[0]) == ["a.zip/唐诗.txt"]


def test_what_is_called_an_archive_and_is_none_says_so(tmp_path):
    for name in ("a.zip", "a.tar", "a.tar.gz", "a.gz", "a.zst"):
        texts, left = unfold(tmp_path, name, b"These are just words, and no archive at all.\n" * 50)
        assert not any(texts.values()) and list(left) == [name]


def test_a_tar_is_read_without_holding_it(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", compresslevel=1) as archive:
        text = noise(5, 30_000).encode()
        for number in range(30):
            info = tarfile.TarInfo(f"{number}.txt")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    tracemalloc.start()
    read = 0
    for item in open_sources(find_sources([tmp_path / "a.tar.gz"])):
        assert isinstance(item, Opened)
        while piece := item.stream.read(1 << 16):
            read += len(piece)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == 30 * len(text) > 50_000_000
    assert most < 8_000_000


def test_a_line_of_fifty_megabytes_is_not_held(tmp_path):
    with gzip.open(tmp_path / "a.txt.gz", "wt", compresslevel=1) as file:
        for _ in range(50):
            file.write(noise(6, 16_000).replace("\n", " "))
    tracemalloc.start()
    characters = 0
    for item in open_sources(find_sources([tmp_path])):
        for line in item.format.read(item.stream, Notes(), ReadOptions()):
            characters += len(line)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert characters == 50 * 16_000 * 61
    assert most < 30_000_000


def test_a_format_that_moves_about_is_put_aside_first(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"text": ["Some words here.", "And some more."]}), tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    texts, left = unfold(tmp_path, "a.tar.gz", tarred({"t.parquet": content}, "w:gz"))
    assert texts == {"a.tar.gz/t.parquet": ["Some words here.", "And some more."]} and left == {}


@settings(max_examples=60)
@given(data=st.data())
def test_any_damage_is_survived(data):
    kind = data.draw(st.sampled_from(["a.zip", "a.tar", "a.tar.gz", "a.txt.xz", "a.txt.zst"]))
    files = {"one.txt": TEXT, "two.txt": noise(1, 20)}
    text = noise(1, 20).encode()
    content = bytearray(
        {
            "a.zip": lambda: zipped(files),
            "a.tar": lambda: tarred(files),
            "a.tar.gz": lambda: tarred(files, "w:gz"),
            "a.txt.xz": lambda: lzma.compress(text),
            "a.txt.zst": lambda: zstd.compress(text),
        }[kind]()
    )
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{kind}"
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(content)
        for item in open_sources(find_sources([path])):
            if isinstance(item, Opened):
                item.stream.read()
            else:
                assert item.reason

"""Translation from tables, catalogues of gettext, translation memories and parallel files, in the languages that the
data tells, that its texts show, or that the person names."""

import io
import json
from collections import Counter

import pyarrow as pa
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from newleaf.core.corpus.readers.base import Notes
from newleaf.core.errors import UserError
from newleaf.core.tasks.all import task_of
from newleaf.core.tasks.data.languages import language_code
from newleaf.core.tasks.data.options import DataOptions
from newleaf.core.tasks.data.po import read_po
from newleaf.core.tasks.data.reading import preview, read_records

TRANSLATE = task_of("translate")
TEXTS = [("The file could not be opened.", "无法打开文件。"), ("Save the changes first.", "请先保存更改。")]
ENGLISH_TO_CHINESE = [("en", "zh", *pair) for pair in TEXTS]
BOTH = [each for one, other in TEXTS for each in (("en", "zh", one, other), ("zh", "en", other, one))]


@pytest.fixture
def read(tmp_path, monkeypatch):
    """A function that writes a file and gives what is read of it, with the pairs as (languages, texts)."""
    monkeypatch.chdir(tmp_path)

    def written(name, content, columns=(), **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_records(TRANSLATE, [name], DataOptions(column=list(columns), **options))

    return written


def pairs(data):
    names = ("source_language", "target_language", "source", "target")
    return [tuple(record[name] for name in names) for record in data.records]


def problems(data):
    return [(problem.where, problem.reason) for problem in data.problems]


def table(header, separator=","):
    return "\n".join(separator.join(row) for row in ([header] if header else []) + list(map(list, TEXTS))) + "\n"


NAMED = [{"source": one, "target": other, "source_language": "en", "target_language": "zh"} for one, other in TEXTS]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "".join(json.dumps(row) + "\n" for row in NAMED)),
        ("a.jsonl", "".join(json.dumps({"translation": {"en": a, "zh": b}}) + "\n" for a, b in TEXTS)),
        ("a.json", json.dumps([{"id": n, "en": a, "zh_CN": b} for n, (a, b) in enumerate(TEXTS)])),
        ("a.csv", table(["en", "zh"])),
        ("a.tsv", table(["en-US", "zh-CN"], "\t")),
        ("a.tsv", table(["English", "Chinese"], "\t")),
        ("a.csv", "src,tgt,from,to\n" + "".join(f"{a},{b},EN,zh-Hans\n" for a, b in TEXTS)),
    ],
)
def test_languages_are_told_by_the_data(read, name, content):
    data = read(name, content)
    assert pairs(data) == BOTH and data.said == [] and data.problems == []
    assert pairs(read(name, content, both_directions=False)) == ENGLISH_TO_CHINESE


def test_translations_of_hugging_face_are_read_from_parquet(tmp_path):
    rows = pa.table({"translation": [{"en": one, "zh": other} for one, other in TEXTS]})
    parquet.write_table(rows, tmp_path / "a.parquet")
    assert pairs(read_records(TRANSLATE, [tmp_path / "a.parquet"])) == BOTH


def test_a_table_without_a_header_is_in_the_languages_that_are_named(read):
    data = read("a.tsv", table(None, "\t"), source_language="en", target_language="zh_CN")
    assert pairs(data) == BOTH and data.columns == {"source": "1", "target": "2"} and data.said == []


def test_or_in_those_that_its_texts_show_which_is_said(read):
    data = read("a.tsv", table(None, "\t"))
    assert pairs(data) == BOTH
    assert data.said == [
        "a.tsv: By its texts, 1 is in the language en; --source-language says otherwise.",
        "a.tsv: By its texts, 2 is in the language zh; --target-language says otherwise.",
    ]


def test_languages_that_nothing_tells_are_asked_for(read):
    message = "the languages of 1, 2 are not known; give --source-language and --target-language"
    with pytest.raises(UserError, match=message):
        read("a.tsv", "".join(f"The word number {n}\tThe other word {n}\n" for n in range(5)))


def test_the_person_chooses_among_languages(read):
    content = "en,de,zh\nThe house.,Das Haus.,房子。\n"
    assert {pair[:2] for pair in pairs(read("a.csv", content))} == {
        ("en", "de"),
        ("de", "en"),
        ("en", "zh"),
        ("zh", "en"),
    }
    one_way = {"both_directions": False}
    assert pairs(read("a.csv", content, source_language="zh", target_language="de", **one_way)) == [
        ("zh", "de", "房子。", "Das Haus.")
    ]
    assert {pair[:2] for pair in pairs(read("a.csv", content, target_language="de", **one_way))} == {
        ("en", "de"), ("zh", "de")
    }  # fmt: skip
    with pytest.raises(UserError, match="Left out as in languages that were not asked for: 1"):
        read("a.csv", content, source_language="fr")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source_language": "klingon"}, "--source-language is klingon: it must be the code of a language"),
        ({"source_language": "zh", "target_language": "zh-CN"}, "are the same"),
        ({"columns": ["source=fr"]}, r"a\.csv: it has no column fr; there are: en, zh"),
    ],
)
def test_wrong_options_are_told(read, options, message):
    with pytest.raises(UserError, match=message):
        read("a.csv", table(["en", "zh"]), **options)


def test_columns_may_be_named(read):
    content = "id,left,right,note\n1,The house.,Das Haus.,some words\n"
    data = read("a.csv", content, ["source=right", "target=left"], source_language="de", target_language="en")
    assert pairs(data)[0] == ("de", "en", "Das Haus.", "The house.")
    with pytest.raises(
        UserError, match="which column is source, target is not clear; there are: id, left, right, note"
    ):
        read("a.csv", content)


def test_what_is_empty_is_told(read):
    assert problems(read("a.csv", "en,zh\nThe house.,房子。\nThe tree.,\n")) == [("line 3", "its zh is empty")]
    rows = [*NAMED, NAMED[0] | {"target": ""}, NAMED[0] | {"source_language": None}, NAMED[0] | {"target": 5}]
    assert problems(read("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))) == [
        ("line 3", "its target is empty"),
        ("line 4", "its source_language is empty"),
        ("line 5", "its target is no text"),
    ]
    rows = [{"translation": {"en": "a b", "zh": "甲"}}, {"translation": None}, {"translation": {"en": "c"}}]
    assert problems(read("b.jsonl", "".join(json.dumps(row) + "\n" for row in rows))) == [
        ("line 2", "its translation is empty"),
        ("line 3", "it is in one language only"),
    ]


def test_a_pair_that_is_there_in_either_direction_is_taken_once(read):
    rows = [NAMED[0], NAMED[0]]
    rows.append({"source": TEXTS[0][1], "target": TEXTS[0][0], "source_language": "zh", "target_language": "en"})
    data = read("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert pairs(data) == BOTH[:2] and data.duplicates == 2


# Catalogues of gettext.

PO = r"""# A comment.
msgid ""
msgstr ""
"Language: zh_CN\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=1; plural=0;\n"

#: main.c:12
msgctxt "menu"
msgid "Open \"%s\""
msgstr "打开“%s”"

msgid ""
"Two lines,\n"
"and a tab\t."
msgstr "两行,\n"
"和制表符\t。"

#, fuzzy
#| msgid "Old"
msgid "Perhaps"
msgstr "也许"

msgid "Not yet"
msgstr ""

#, c-format
msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d 个文件"

#~ msgid "Gone"
#~ msgstr "没了"

msgid "Close"
msgstr "关闭"
"""


def test_a_catalogue_is_read(read):
    data = read("po/any.po", PO, both_directions=False)
    assert pairs(data) == [
        ("en", "zh", 'Open "%s"', "打开“%s”"),
        ("en", "zh", "Two lines,\nand a tab\t.", "两行,\n和制表符\t。"),
        ("en", "zh", "%d files", "%d 个文件"),
        ("en", "zh", "Close", "关闭"),
    ]
    assert data.said == ["Left out as fuzzy, which may be wrong: 1.", "Left out as not translated: 1."]
    assert data.problems == []


@pytest.mark.parametrize("name", ["de.po", "app.de.po", "de_DE.po", "locale/de/LC_MESSAGES/app.po"])
def test_the_language_of_a_catalogue_may_be_told_by_its_name(read, name):
    content = 'msgid "%d leaf"\nmsgid_plural "%d leaves"\nmsgstr[0] "%d Blatt"\nmsgstr[1] "%d Blätter"\n'
    assert pairs(read(name, content, both_directions=False)) == [
        ("en", "de", "%d leaf", "%d Blatt"),
        ("en", "de", "%d leaves", "%d Blätter"),
    ]


def test_a_language_that_is_not_known_stands_for_itself(read):
    data = read("any.po", PO.replace("zh_CN", "tlh"), both_directions=False)
    assert {record["target_language"] for record in data.records} == {"tlh"}


def test_a_catalogue_may_be_in_another_encoding_and_of_another_source(read):
    content = PO.replace("UTF-8", "GB2312").encode("gb18030")
    data = read("any.po", content, source_language="fr", both_directions=False)
    assert pairs(data)[-1] == ("fr", "zh", "Close", "关闭")
    with pytest.raises(UserError, match="not asked for: 4"):
        read("any.po", PO, target_language="de")


@pytest.mark.parametrize(
    "broken",
    ['msgid "Broken\nmsgstr "坏"\n', 'msgid "Broken"\nmsgstr "坏\n', "nonsense\n", 'msgid "Broken"\n"x" "y"\n'],
)
def test_a_broken_entry_is_told_by_its_line_and_the_rest_goes_on(read, broken):
    data = read("zh.po", 'msgid "One leaf"\nmsgstr "一"\n\n' + broken + '\n#, fuzzy\nmsgid "Two"\nmsgstr "二"\n'
                '\nmsgid "Three leaves"\nmsgstr "三"\n')  # fmt: skip
    assert [each[2] for each in pairs(data)[::2]] == ["One leaf", "Three leaves"]
    ((where, reason),) = problems(data)
    assert where in ("line 4", "line 5") and reason == "it is not written as gettext's catalogues are"


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\"\\'#"), max_size=200
)


@settings(max_examples=60)
@given(
    st.dictionaries(TEXT.filter(str.strip), st.tuples(TEXT, st.booleans()), max_size=6), st.sampled_from((0, 40, 76))
)
def test_what_babel_writes_is_read_as_it_was(messages, width):
    catalogue = Catalog(locale="de")
    for text, (translation, fuzzy) in messages.items():
        catalogue.add(text, translation, flags=["fuzzy"] if fuzzy else [])
    file = io.BytesIO()
    write_po(file, catalogue, width=width)
    file.seek(0)
    notes, skipped = Notes(), Counter()
    found = [
        (row["source"], row["target"]) for _place, row in read_po(io.BufferedReader(file), notes, "x", "en", skipped)
    ]
    wanted = {text: other for text, (other, fuzzy) in messages.items() if other.strip() and not fuzzy}
    assert dict(found) == wanted and notes.left_out == []


# Translation memories.

TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en-US" datatype="html"/><body>
<tu><tuv xml:lang="zh-CN"><seg>房子。</seg></tuv>
<tuv xml:lang="en-US"><seg>The <bpt i="1">&lt;b&gt;</bpt><hi>small</hi><ept i="1">&lt;/b&gt;</ept>
house.</seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>Alone.</seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>The
  tree &amp; leaf.</seg></tuv><tuv lang="zh-TW"><seg>樹葉</seg></tuv></tu>
</body></tmx>
"""


def test_a_translation_memory_is_read(read):
    data = read("a.tmx", TMX, both_directions=False)
    assert pairs(data) == [("en", "zh", "The small house.", "房子。"), ("en", "zh-tw", "The tree & leaf.", "樹葉")]
    assert problems(data) == [("record 2", "it is in one language only")]


def test_a_memory_that_is_cut_off_gives_what_is_whole(read):
    data = read("a.tmx", TMX[:-80])
    assert pairs(data)[0] == ("en", "zh", "The small house.", "房子。")
    assert "from here it is no XML" in data.problems[-1].reason


def test_entities_are_not_expanded(read, tmp_path):
    (tmp_path / "secret").write_text("secret words")
    doctype = f'<!DOCTYPE tmx [<!ENTITY a SYSTEM "{tmp_path}/secret"><!ENTITY b "many many"><!ENTITY c "&b;&b;">]>'
    content = TMX.replace('<!DOCTYPE tmx SYSTEM "tmx14.dtd">', doctype).replace("The\n", "The &a;&c;\n")
    data = read("a.tmx", content)
    assert not any("secret" in record["source"] or "many" in record["source"] for record in data.records)


def test_a_long_memory_takes_little_memory(read):
    unit = '<tu><tuv xml:lang="en"><seg>Number {n}.</seg></tuv><tuv xml:lang="de"><seg>Nummer {n}.</seg></tuv></tu>\n'
    content = "<tmx><header srclang='en'/><body>" + "".join(unit.replace("{n}", str(n)) for n in range(20_000))
    data = read("a.tmx", content + "</body></tmx>")
    assert len(data.records) == 40_000


# Parallel files.


def test_files_whose_lines_say_the_same_are_read(read, tmp_path):
    (tmp_path / "a.en").write_text("".join(one + "\n" for one, _other in TEXTS))
    (tmp_path / "a.zh").write_text("".join(other + "\n" for _one, other in TEXTS))
    assert pairs(read_records(TRANSLATE, ["a.en", "a.zh"])) == BOTH
    assert pairs(preview(TRANSLATE, ["a.en", "a.zh"], limit=1)) == ENGLISH_TO_CHINESE[:1]
    with pytest.raises(UserError, match=r"a\.en: there is no file in another language beside it"):
        read_records(TRANSLATE, ["a.en"])
    (tmp_path / "a.zh").write_text("一行\n")
    with pytest.raises(UserError, match=r"a\.en: it has 2 lines, and a\.zh has 1"):
        read_records(TRANSLATE, ["a.en", "a.zh"])


def test_folders_give_catalogues_and_memories(read, tmp_path):
    (tmp_path / "all" / "po").mkdir(parents=True)
    (tmp_path / "all" / "po" / "zh.po").write_text(PO)
    (tmp_path / "all" / "a.tmx").write_text(TMX)
    assert read_records(TRANSLATE, ["all"]).files == 2


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("en", "en"), ("EN_us", "en"), ("en_US.UTF-8", "en"), ("English", "en"), ("zh-Hans-CN", "zh"),
        ("zh_TW", "zh-tw"), ("zh-Hant", "zh-tw"), ("pt_BR", "pt-br"), ("pt", "pt"),
        ("sr@latin", "sr"), ("中文", "zh"), ("fil", "fil"),
        ("text", None), ("", None), ("xx", None), ("source", None),
    ],
)  # fmt: skip
def test_languages_are_known_as_people_write_them(written, code):
    assert language_code(written) == code

"""Data sets by their address, as far as they lie on this machine."""

import importlib.util
import json
import sys

import pyarrow as pa
import pytest
from pyarrow import parquet
from reading import gather

from newleaf.core.corpus.readers import hub
from newleaf.core.corpus.readers.base import Notes, NotTextError, ReadOptions
from newleaf.core.corpus.sources import find_sources, open_sources
from newleaf.core.errors import UserError

ROWS = [{"id": n, "text": f"This is text number {n}."} for n in range(600)]
TEXTS = [row["text"] for row in ROWS]


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """Nothing is asked of the hub, and nothing is kept outside the test."""
    pytest.importorskip("datasets")
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True, raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", str(tmp_path / "modules"))


@pytest.fixture
def data_set(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    return folder


def test_a_folder_of_parquet_is_a_data_set(data_set):
    parquet.write_table(pa.Table.from_pylist(ROWS), data_set / "train.parquet", row_group_size=100)
    texts, notes, left = gather(f"hf:{data_set}")
    assert texts == {f"hf:{data_set}": TEXTS} and left == {}
    assert notes[f"hf:{data_set}"].column == "text"


def test_a_split_may_be_named(data_set):
    for name, rows in (("train", ROWS), ("test", ROWS[:10])):
        (data_set / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert gather(f"hf:{data_set}")[0] == {f"hf:{data_set}": TEXTS}
    assert gather(f"hf:{data_set}:test")[0] == {f"hf:{data_set}:test": TEXTS[:10]}
    with pytest.raises(NotTextError, match=r"cannot be read: .*absent"):
        gather(f"hf:{data_set}:absent")


def test_no_more_is_taken_than_the_limit(data_set):
    (data_set / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (item,) = open_sources(find_sources([f"hf:{data_set}"]))
    texts = list(item.format.read(item.stream, Notes(), ReadOptions(limit_bytes=1000)))
    assert texts == TEXTS[: len(texts)] and 1000 <= sum(map(len, texts)) < 1030


def test_a_column_may_be_named(data_set):
    rows = [{**row, "title": "A title here"} for row in ROWS]
    (data_set / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert gather(f"hf:{data_set}", column="title")[0][f"hf:{data_set}"] == ["A title here"] * 600
    with pytest.raises(UserError, match="no column price; there are: id, text, title"):
        gather(f"hf:{data_set}", column="price")


@pytest.mark.parametrize("address", ["hf:", "hf:a b", "hf:a/b/c/d", "hf:/no/such/folder", "hf:a::b"])
def test_what_is_no_address_is_told_at_once(address):
    with pytest.raises(UserError, match=r"names no data set|There is no folder"):
        find_sources([address])


@pytest.mark.parametrize("address", ["hf:name", "hf:owner/name", "hf:owner/name/config", "hf:owner/name/config:test"])
def test_an_address_is_a_source(address):
    (source,) = find_sources([address])
    assert (source.name, source.path, source.data_set, source.size) == (address, None, True, 0)


def test_what_to_install_is_told_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'newleaf\[hub\]'"):
        hub.check("hf:owner/name")

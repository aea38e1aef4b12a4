"""Which checkpoints stay, and whether one is whole."""

import contextlib
import random

import pytest
import torch

from newleaf.trainer.checkpoints import (
    Kept,
    is_whole,
    list_checkpoints,
    load_newest,
    newest_whole,
    save_checkpoint,
    set_aside,
    step_of,
)

STATE = {"step": 1, "weights": torch.arange(2000.0)}


def steps(folder):
    return [step_of(path) for path in list_checkpoints(folder)]


def test_the_two_newest_stay(tmp_path):
    for step in range(1, 6):
        save_checkpoint(tmp_path, step, STATE)
    assert steps(tmp_path) == [5, 4]


def test_the_best_and_one_each_so_many_steps_stay_too(tmp_path):
    for step in range(1, 20):
        save_checkpoint(tmp_path, step, STATE, Kept(best=7 if step > 6 else step, every=5))
    assert steps(tmp_path) == [19, 18, 15, 10, 7, 5]


def test_where_the_disk_space_is_limited_the_best_stays_longest_and_the_newest_always(tmp_path):
    size = save_checkpoint(tmp_path, 1, STATE).stat().st_size
    for step in range(2, 20):
        save_checkpoint(tmp_path, step, STATE, Kept(best=3, every=5, budget=4.5 * size))
    assert steps(tmp_path) == [19, 18, 15, 3]
    save_checkpoint(tmp_path, 20, STATE, Kept(best=3, every=5, budget=0))
    assert steps(tmp_path) == [20, 19]


def test_damaged_ones_that_were_set_aside_take_no_place_of_new_ones(tmp_path):
    for step in (10, 20, 30):
        save_checkpoint(tmp_path, step, STATE, Kept(every=10))
    for path in list_checkpoints(tmp_path)[:2]:
        path.write_bytes(path.read_bytes()[:1000])
    path, damaged = newest_whole(tmp_path)
    assert step_of(path) == 10
    set_aside(tmp_path, [each.name for each in damaged])
    assert steps(tmp_path) == [10] and len(list(tmp_path.iterdir())) == 3
    save_checkpoint(tmp_path, 11, STATE)
    save_checkpoint(tmp_path, 12, STATE)
    assert steps(tmp_path) == [12, 11] and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("seed", range(20))
def test_a_single_wrong_bit_in_the_weights_is_found(tmp_path, seed):
    """PyTorch itself would load such a file without a word."""
    path = save_checkpoint(tmp_path, 1, STATE)
    assert is_whole(path)
    data = bytearray(path.read_bytes())
    begin = data.find(STATE["weights"].numpy().tobytes())
    place = begin * 8 + random.Random(seed).randrange(2000 * 4 * 8)
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)
    assert not is_whole(path)


@pytest.mark.parametrize("seed", range(20))
def test_so_is_one_anywhere_else_in_the_file(tmp_path, seed):
    """The archive's directory has no checksum of its own, and PyTorch may be unable to read it then."""
    path = save_checkpoint(tmp_path, 1, STATE)
    whole = path.read_bytes()
    data = bytearray(whole)
    begin = whole.find(STATE["weights"].numpy().tobytes()) + 2000 * 4
    place = begin * 8 + random.Random(seed).randrange((len(whole) - begin) * 8)
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)
    loads = False
    with contextlib.suppress(Exception):
        loads = torch.equal(torch.load(path)["weights"], STATE["weights"])
    assert loads or not is_whole(path)


def test_one_of_before_there_was_a_seal_is_whole(tmp_path):
    path = tmp_path / "step-000000007.pt"
    torch.save(STATE, path)
    assert is_whole(path)
    path.write_bytes(path.read_bytes()[:-30])
    assert not is_whole(path)


def test_a_damaged_one_is_passed_over_for_the_one_before(tmp_path):
    save_checkpoint(tmp_path, 1, STATE)
    newest = save_checkpoint(tmp_path, 2, STATE)
    newest.write_bytes(newest.read_bytes()[:-100])
    assert newest_whole(tmp_path) == (tmp_path / "step-000000001.pt", [newest])
    loaded, damaged = load_newest(tmp_path)
    assert loaded is not None and torch.equal(loaded["weights"], STATE["weights"])
    assert damaged == [newest.name]

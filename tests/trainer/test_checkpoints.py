"""Which checkpoints stay, and whether one is whole."""

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


def test_a_damaged_one_is_passed_over_for_the_one_before(tmp_path):
    save_checkpoint(tmp_path, 1, STATE)
    newest = save_checkpoint(tmp_path, 2, STATE)
    newest.write_bytes(newest.read_bytes()[:-100])
    assert newest_whole(tmp_path) == (tmp_path / "step-000000001.pt", [newest])
    loaded, damaged = load_newest(tmp_path)
    assert loaded is not None and torch.equal(loaded["weights"], STATE["weights"])
    assert damaged == [newest.name]

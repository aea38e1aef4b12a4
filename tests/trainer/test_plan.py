"""From the time and the text to every number of a training."""

import dataclasses
import functools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.errors import UserError
from newleaf.core.options import parse_duration
from newleaf.trainer.expectation import Text
from newleaf.trainer.options import SIZE_NAMES, TrainOptions
from newleaf.trainer.plan import (
    EVALUATION_SHARE,
    FEWEST,
    SIZES,
    TOKENS_MEASURED,
    Machine,
    More,
    Plan,
    Trial,
    alike,
    changed_text,
    even_rows,
    expected_text,
    make_plan,
    model_config,
    prolonged,
    shape_name,
    step_flops,
    token_flops,
)

LAPTOP = Machine("cpu", "test", 2, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")


def plan(machine=LAPTOP, vocab_size=2048, train_tokens=1_000_000, val_tokens=50_000, **options):
    return make_plan(TrainOptions(**options), machine, vocab_size, train_tokens, val_tokens)


def test_the_sizes_that_can_be_asked_for_are_those_that_there_are():
    assert tuple(SIZES) == SIZE_NAMES
    shapes = [plan(size=name, steps=10).parameters for name in SIZE_NAMES]
    assert shapes == sorted(shapes)


def test_two_heads_have_their_keys_and_values_in_common_but_not_all_of_a_model():
    shapes = [plan(size=name, steps=10).model_config for name in SIZE_NAMES]
    assert [(each.num_heads, each.num_kv_heads) for each in shapes] == [(2, 2), (3, 3), (4, 2), (6, 3), (12, 6)]


def test_more_time_never_gives_a_smaller_model_and_always_more_tokens():
    plans = [plan(time=float(seconds)) for seconds in (20, 60, 300, 3600, 36_000)]
    parameters = [each.parameters for each in plans]
    assert parameters == sorted(parameters) and parameters[0] < parameters[-1]


def test_steps_are_taken_at_their_word_and_time_is_too():
    assert plan(steps=123).steps == 123 and plan(steps=123).time is None
    assert plan(time=90.0).time == 90 and plan(time=90.0).steps is None


def test_what_is_prolonged_is_measured_as_often_as_its_new_length_calls_for():
    short, own = plan(size="nano", steps=20), TrainOptions(eval_every=7)
    assert prolonged(short, 20, 10.0, More(steps=1000), TrainOptions()).eval_every == 1000 // short.evaluations
    assert prolonged(short, 20, 10.0, More(steps=1000), own).eval_every == 7
    long = plan(steps=2000)
    assert long.evaluations > FEWEST
    assert prolonged(long, 2000, 1000.0, More(steps=20), TrainOptions()).eval_every == 20 // FEWEST
    assert prolonged(short, 20, 10.0, More(time=600.0), TrainOptions()).eval_every is None


def test_what_was_still_to_come_is_not_lost_by_prolonging():
    longer = functools.partial(prolonged, options=TrainOptions())
    assert longer(plan(steps=60), 17, 10.0, More(steps=5, goal_steps=60)).steps == 65
    assert longer(plan(steps=60), 60, 10.0, More(steps=5)).steps == 65
    assert longer(plan(time=300.0), 100, 120.0, More(time=60.0, goal_time=300.0)).time == 360
    assert longer(plan(time=300.0), 100, 300.0, More(time=60.0)).time == 360
    assert longer(plan(time=300.0), 100, 120.0, More(steps=5, goal_time=300.0)).steps == 100 + 150 + 5
    assert longer(plan(steps=60), 20, 10.0, More(time=60.0, goal_steps=60)).time == 10 + 20 + 60
    assert longer(plan(time=300.0), 2, 120.0, More(steps=5, goal_time=300.0)).steps > 107  # too few to tell from


def test_what_is_prolonged_does_against_learning_by_heart_what_all_of_its_passes_call_for():
    def planned(steps, **more):
        options = TrainOptions(size="micro", batch_tokens=2048, steps=steps, **more)
        return options, make_plan(options, LAPTOP, 2048, 10**5, 10**4, text=Text(400_000, 2.0))

    def numbers(plan):
        return plan.weight_decay, plan.dropout, plan.token_dropout, plan.embedding_learning_rate, plan.momentum

    def longer(options, plan):
        return prolonged(plan, 100, 10.0, More(steps=900), options, 400_000)

    long, short = planned(1000)[1], planned(100)[1]
    assert short.token_dropout == 0 < long.token_dropout
    assert numbers(longer(*planned(100))) == numbers(long) != numbers(short)
    by_hand = longer(*planned(100, token_dropout=0.01, dropout=0.0, weight_decay=0.3))
    assert (by_hand.token_dropout, by_hand.dropout, by_hand.weight_decay) == (0.01, 0.0, 0.3)
    others = planned(100, optimizer="adamw")
    assert numbers(longer(*others)) == numbers(others[1])


def test_what_is_set_by_hand_stays():
    chosen = plan(size="small", context=128, batch_tokens=512, learning_rate=0.001, optimizer="adamw", dtype="bfloat16")
    assert (chosen.size, chosen.model_config.context, chosen.batch_tokens) == ("small", 128, 512)
    assert (chosen.learning_rate, chosen.optimizer, chosen.dtype) == (0.001, "adamw", "bfloat16")


def test_a_context_is_no_longer_than_a_step_whose_tokens_are_set_by_hand():
    for tokens in (16, 100, 256, 1024):
        chosen = plan(batch_tokens=tokens)
        assert (chosen.context, chosen.batch_tokens) == (min(tokens, 256), tokens)
        assert not changed_text(TrainOptions(batch_tokens=tokens), chosen)
    with pytest.raises(UserError, match="--batch-tokens is 128 and --context 256"):
        TrainOptions(batch_tokens=128, context=256)


@pytest.mark.parametrize(
    ("options", "tokens", "word"),
    [
        ({"batch_tokens": 1000}, 10**6, "--batch-tokens 1,000 became 1,024"),
        ({"context": 60_000}, 50_000, "--context 60,000 became 8,192"),
        ({"batch_tokens": 10**6, "context": 64}, 50_000, "--batch-tokens 1,000,000 became 49,920"),
    ],
)
def test_what_is_set_by_hand_and_cannot_be_kept_is_said(options, tokens, word):
    (sentence,) = changed_text(TrainOptions(**options), plan(train_tokens=tokens, **options))
    assert sentence.startswith(word)
    assert not changed_text(TrainOptions(), plan(train_tokens=tokens))


def test_the_plan_of_a_cross_validation_is_that_of_each_of_its_trainings():
    text = Text(4_000_000, 2.0)
    five, each = (
        make_plan(TrainOptions(time=time, folds=folds), LAPTOP, 2048, 10**6, 50_000, text=text)
        for time, folds in ((600.0, 5), (100.0, None))
    )
    assert five.trainings == 6 and each.trainings == 1
    assert dataclasses.replace(five, trainings=1) == each
    assert any("6 such trainings" in sentence and "10m" in sentence for sentence in expected_text(five))
    assert len(expected_text(each)) == 1
    assert plan(steps=10, folds=5).expected_steps == 10
    assert plan(folds=5, time=12.0, size="nano").time == 2.0  # the least that so many need: each has its share


def test_a_model_that_is_gone_on_with_is_as_fast_as_a_new_one_of_its_size():
    machine = dataclasses.replace(LAPTOP, flops={"nano": 1e11, "micro": 2e11, "mini": 4e11})
    new, known = TrainOptions(time=60.0, size="nano"), TrainOptions(time=60.0)
    for size, like in (("nano", "nano"), ("micro", "micro"), ("mini", "mini"), ("base", "mini")):
        origin = ("story", model_config(size, 2048, 256))
        found = make_plan(known, machine, 2048, 10**6, 50_000, origin=origin)
        other = make_plan(dataclasses.replace(new, size=size), machine, 2048, 10**6, 50_000)
        step = found.batch_tokens / found.expected_tokens_per_second
        flops = step_flops(found.model_config, found.batch_tokens, found.optimizer, found.sampled_softmax)
        assert flops / step == pytest.approx(machine.flops[like], rel=1e-4), size
        assert other.size == size


def test_the_disk_is_that_of_the_checkpoints_that_stay_and_of_the_model_and_of_one_more_each_while_it_is_written():
    def disk(**options):
        return plan(size="nano", steps=1000, optimizer="adamw", **options).disk_bytes

    model = 4 * plan(size="nano", steps=1000).parameters
    checkpoint = 3 * model
    written = checkpoint + model
    assert disk() == 3 * checkpoint + model + written
    assert disk(keep_every=100) == 13 * checkpoint + model + written
    assert disk(keep_every=100, checkpoint_space=6.5 * checkpoint / 1e9) == 6 * checkpoint + model + written
    assert disk(checkpoint_space=0.0) == 2 * checkpoint + model + written  # the last two stay in any case
    assert plan(size="nano", steps=1000, optimizer="muon").disk_bytes < disk()


def test_the_disk_is_said_of_a_training_that_starts_from_a_model_too():
    config = plan(steps=1).model_config
    found = make_plan(TrainOptions(steps=8), LAPTOP, 2048, 10**5, 10**4, origin=("older", config))
    (sentence,) = expected_text(found)
    assert "of disk" in sentence


def test_a_slower_type_that_is_asked_for_gets_fewer_steps_into_the_time():
    measured = dataclasses.replace(LAPTOP, peak={"float32": 2e11, "bfloat16": 5e10})
    fast, slow = (plan(measured, size="nano", time=300.0, dtype=dtype) for dtype in ("auto", "bfloat16"))
    assert slow.expected_tokens_per_second == pytest.approx(fast.expected_tokens_per_second / 4, rel=0.1)
    assert plan(size="nano", time=300.0, dtype="bfloat16").expected_tokens_per_second  # where that is not known


@given(
    train_tokens=st.integers(1_000, 10**10),
    vocab_size=st.integers(300, 200_000),
    time=st.floats(1, 1e6),
    flops=st.floats(1e9, 1e15),
)
def test_every_plan_can_be_carried_out(train_tokens, vocab_size, time, flops):
    machine = dataclasses.replace(LAPTOP, flops={"nano": flops / 2, "mini": flops})
    found = plan(machine, vocab_size, train_tokens, time=time)
    context = found.model_config.context
    assert 1 <= found.rows <= (train_tokens - context) // context
    assert found.batch_tokens == found.rows * context
    assert found.expected_steps >= 1 and found.evaluations >= 1 and found.eval_tokens >= 1
    assert Plan.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_measuring_takes_its_share_though_a_step_sees_some_of_the_vocabulary():
    found = plan(size="nano", time=300.0, vocab_size=16_384, val_tokens=10**6)
    assert found.sampled_softmax
    flops = found.expected_tokens_per_second * token_flops(found.model_config, 256, found.batch_tokens)
    seconds = found.evaluations * found.eval_tokens * token_flops(found.model_config, 256) / 3 / flops
    assert seconds == pytest.approx(EVALUATION_SHARE * 300, rel=0.1)


def test_a_large_model_in_a_short_time_is_measured_on_little():
    short, long = plan(size="base", time=10.0), plan(size="base", time=36_000.0)
    assert short.eval_tokens == short.context < TOKENS_MEASURED <= long.eval_tokens
    assert plan(size="base", steps=5).eval_tokens == plan(size="nano", time=10.0).eval_tokens == TOKENS_MEASURED


@given(rows=st.integers(1, 2000), most=st.integers(1, 2000))
def test_as_many_rows_are_computed_each_time(rows, most):
    found, each = alike(rows, most), even_rows(rows, most)
    assert found % each == 0 and each <= most and rows <= found < rows + each
    assert (alike(found, most), even_rows(found, most)) == (found, each)


def test_a_step_has_as_many_rows_each_time_unless_its_size_is_set_by_hand():
    name = shape_name(plan(size="nano").model_config, "float32", "muon", False)
    machine = dataclasses.replace(LAPTOP, trials={name: Trial(16, 1e-5, 1e-3)})
    assert plan(machine, size="nano", batch_tokens=19 * 256).micro_rows == 10
    for seconds in range(60, 3600, 60):
        found = plan(machine, size="nano", time=float(seconds))
        assert found.rows == found.micro_rows * found.micro_batches


def test_how_the_same_steps_are_computed_does_not_depend_on_what_was_fastest_on_the_day():
    name = shape_name(plan(size="nano").model_config, "float32", "muon", False)
    found = []
    for fastest in (4, 64):
        machine = dataclasses.replace(LAPTOP, trials={name: Trial(fastest, 1e-5, 1e-3)})
        each = plan(machine, size="nano", steps=50, batch_tokens=32 * 256)
        found.append((each.micro_rows, each.batch_tokens, each.context))
    assert found[0] == found[1]


def test_a_time_in_which_no_step_fits_is_said():
    slow = dataclasses.replace(LAPTOP, flops={"nano": 1e8, "mini": 1e8})
    options = TrainOptions(size="small", time=5.0)
    found = plan(slow, size="small", time=5.0)
    assert found.expected_seconds > 50 and "One step takes" in changed_text(options, found)[0]
    assert changed_text(TrainOptions(time=300.0), plan(time=300.0)) == []
    several, one = (plan(slow, size="small", time=5.0, batch_tokens=tokens) for tokens in (2048, 256))
    assert "a smaller --batch-tokens" in changed_text(options, several)[0]
    assert "a smaller --context" in changed_text(options, one)[0]


def test_a_time_that_is_far_too_long_for_a_text_is_said():
    *_others, sentence = expected_text(plan(train_tokens=50_000, time=36_000.0))
    assert "12 passes" in sentence and "is enough" in sentence
    shares = [plan(train_tokens=50_000, time=36_000.0 * (folds + 1), folds=folds) for folds in (2, 5)]
    enough = [parse_duration(re.search(r"learnt: (.*) is enough", expected_text(each)[-1])[1]) for each in shares]
    assert enough[1] == pytest.approx(2 * enough[0], rel=0.1), "of all trainings together"
    assert len(expected_text(plan(train_tokens=50_000, time=30.0))) == 1
    assert len(expected_text(plan(train_tokens=50_000, steps=10**6))) == 1


def test_nothing_is_expected_of_a_training_of_another_kind():
    text = Text(4_000_000, 2.0)

    def expected(**options):
        return make_plan(
            TrainOptions(size="nano", steps=99, **options), LAPTOP, 2048, 10**6, 10**4, text=text
        ).expected_bits

    assert expected() and expected(optimizer="adamw")
    assert expected(optimizer="sgd") is None is expected(l1=0.1) is expected(l2=0.1)
    assert expected(learning_rate=0.01) and expected(dropout=0.1) and expected(context=64)
    for far_off in ({"learning_rate": 1.0}, {"learning_rate": 1e-6}, {"dropout": 0.9}, {"context": 16}):
        assert expected(**far_off) is None


def test_processes_on_one_machine_take_its_memory_each_and_other_machines_bring_their_own():
    options = {"steps": 10, "size": "nano", "rendezvous": "here:1234"}
    one, two, there = (
        make_plan(TrainOptions(**options, nodes=nodes), LAPTOP, 2048, 10**6, 10**4, processes=processes)
        for nodes, processes in ((1, 1), (1, 2), (2, 2))
    )
    assert two.memory_bytes == 2 * one.memory_bytes and there.memory_bytes == one.memory_bytes
    assert (
        there.expected_tokens_per_second > 1.5 * one.expected_tokens_per_second == 1.5 * two.expected_tokens_per_second
    )


def test_a_corpus_that_is_too_small_is_refused():
    with pytest.raises(UserError, match="999 tokens"):
        plan(train_tokens=999)


def test_rows_that_are_whole_keep_their_context_however_few_there_are():
    options = TrainOptions(steps=5, context=96, size="nano")
    origin = "old", make_plan(options, LAPTOP, 2048, 10**6, 10**4).model_config

    def context(rows, **more):
        return make_plan(options, LAPTOP, 2048, 96 * (rows + 1), 0, origin, **more).context

    assert context(1) < 96 and [context(rows, rows_are_whole=True) for rows in (1, 2, 3, 50)] == [96] * 4


def test_time_and_steps_exclude_each_other():
    with pytest.raises(UserError, match="--steps"):
        TrainOptions(time=60.0, steps=10)


def test_a_model_that_does_not_fit_is_shared_out_among_processes():
    small = dataclasses.replace(LAPTOP, device="cuda", memory_bytes=3 << 29)

    def of(processes, machine=small, **options):
        return make_plan(TrainOptions(steps=10, **options), machine, 32_000, 10**6, 10**4, processes=processes)

    assert not of(4, size="small").shard
    shared = [of(processes, size="base") for processes in (2, 4, 8)]
    assert all(each.shard for each in shared)
    assert shared[0].memory_bytes > shared[1].memory_bytes > shared[2].memory_bytes
    assert not of(4, dataclasses.replace(small, memory_bytes=80 << 30), size="base").shard
    assert not of(4, size="base", shard="off").shard
    assert of(4, size="small", shard="on").shard


def test_processes_on_one_cpu_share_its_memory_and_its_speed():
    alone, together = (
        make_plan(TrainOptions(steps=10, size="base"), LAPTOP, 32_000, 10**6, 10**4, processes=processes)
        for processes in (1, 8)
    )
    assert together.shard and not alone.shard
    assert together.expected_tokens_per_second == alone.expected_tokens_per_second


def test_the_more_often_a_text_is_read_the_more_is_done_against_learning_by_heart():
    once, some, often = (plan(size="nano", batch_tokens=2048, train_tokens=10**5, steps=n) for n in (40, 200, 800))
    assert (once.weight_decay, once.dropout, once.embedding_learning_rate) == (0.1, 0.0, 0.02)
    assert some.weight_decay == often.weight_decay > 0.5 and some.dropout == some.token_dropout == 0
    assert often.dropout == 0.1 and 0.2 < often.token_dropout <= 0.3
    assert often.embedding_learning_rate < some.embedding_learning_rate == 0.02
    large = plan(size="nano", batch_tokens=2048, train_tokens=10**7, steps=20_000)  # a step is little of a large text
    assert large.weight_decay == 0.1


def test_a_model_that_is_small_for_its_text_leaves_out_less_however_often_it_reads_it():
    nano, small = (plan(size=size, batch_tokens=4096, train_tokens=10**6, steps=3500) for size in ("nano", "small"))
    assert nano.passes == small.passes > 14
    assert nano.dropout == nano.token_dropout == 0
    assert small.dropout == 0.1 and small.token_dropout > 0.25
    between = plan(size="nano", batch_tokens=4096, train_tokens=2 * 10**5, steps=700)
    assert 0 < between.token_dropout < small.token_dropout and 0 < between.dropout < small.dropout
    assert nano.embedding_learning_rate == small.embedding_learning_rate < 0.01


def test_what_is_done_against_learning_by_heart_can_be_set_by_hand():
    often = plan(train_tokens=10**5, steps=800, weight_decay=0.0, dropout=0.0, token_dropout=0.0)
    assert (often.weight_decay, often.dropout, often.token_dropout) == (0.0, 0.0, 0.0)
    assert plan(train_tokens=10**5, steps=800, optimizer="adamw").weight_decay == 0.1


def test_a_model_that_knows_something_keeps_it():
    config = plan(steps=1).model_config
    found = make_plan(TrainOptions(steps=800), LAPTOP, 2048, 10**5, 10**4, origin=("older", config))
    assert (found.weight_decay, found.dropout, found.token_dropout) == (0.1, 0.0, 0.0)


@pytest.mark.parametrize("size_bytes", [20_000, 150_000, 4_000_000, 100_000_000])
def test_a_small_text_has_no_large_model_however_long_it_is_trained(size_bytes):
    text = Text(size_bytes, 2.0)
    found = [
        make_plan(TrainOptions(time=time), LAPTOP, 2048, size_bytes // 3, size_bytes // 60, text=text)
        for time in (60.0, 36_000.0, 1e6)
    ]
    layers = [each.model_config.layer_parameters for each in found]
    assert layers == sorted(layers)
    assert all(each.size == "nano" or number <= 12 * size_bytes for each, number in zip(found, layers, strict=True))
    by_hand = make_plan(TrainOptions(time=36_000.0, size="small"), LAPTOP, 2048, 50_000, 2_000, text=text)
    assert by_hand.size == "small"

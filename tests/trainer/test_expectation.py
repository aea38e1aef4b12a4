"""What a training is expected to come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.density import density
from newleaf.core.corpus.importing import import_documents
from newleaf.trainer.expectation import Text, expected_bits, expected_range, fresh_bytes
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import vocabulary_for

TEXT = Text(4_000_000, 1.7)
BIBLE, POEMS = Text(3_861_795, 1.766), Text(12_473_292, 3.159)
MINI, SMALL, BASE = 2_951_680, 9_737_472, 77_876_736  # parameters in their layers


@given(passes=st.floats(0.01, 200), more=st.floats(1.01, 3))
def test_more_text_is_never_worse_and_new_text_is_best(passes, more):
    assert fresh_bytes(1e6, passes * more) >= fresh_bytes(1e6, passes)
    assert fresh_bytes(1e6, passes) <= 1e6 * passes * (1 + 1e-9)


@given(parameters=st.integers(10**5, 10**9), passes=st.floats(0.05, 30))
def test_it_falls_with_size_and_text_and_rises_with_the_texts_density(parameters, passes):
    bits = expected_bits(TEXT, parameters, passes)
    assert expected_bits(TEXT, 2 * parameters, passes) < bits
    assert expected_bits(TEXT, parameters, 2 * passes) < bits
    assert expected_bits(Text(TEXT.bytes, 2 * TEXT.compressed_bits), parameters, passes) == pytest.approx(2 * bits)


@given(parameters=st.integers(10**5, 10**9), passes=st.floats(0.001, 30))
def test_little_text_is_less_sure_and_never_expected_to_give_more_than_the_form_says(parameters, passes):
    bits, low, high = expected_range(TEXT, parameters, passes, 1_000)
    assert 0 < low < bits < high and bits < expected_bits(TEXT, parameters, passes)
    assert high / bits >= (further := expected_range(TEXT, parameters, 2 * passes, 2_000))[2] / further[0] - 1e-9
    assert further[0] < bits


@pytest.mark.parametrize(
    ("text", "parameters", "passes", "steps", "measured"),
    [  # of docs/recipe.md: nano unless said
        (BIBLE, 402_176, 0.021, 10, 2.112),
        (BIBLE, 402_176, 0.63, 300, 1.377),
        (BIBLE, 1_328_640, 3.2, 1_600, 1.135),  # micro
        (BIBLE, MINI, 0.0106, 5, 2.424),
        (BIBLE, MINI, 0.021, 10, 2.296),
        (BIBLE, MINI, 0.042, 20, 2.064),
        (BIBLE, MINI, 0.085, 40, 1.815),
        (BIBLE, SMALL, 0.0106, 5, 2.861),
        (BIBLE, SMALL, 0.021, 10, 2.765),
        (BIBLE, SMALL, 0.042, 20, 2.178),
        (BIBLE, SMALL, 0.085, 40, 1.882),
        (BIBLE, BASE, 0.0064, 3, 4.099),
        (POEMS, 402_176, 0.005, 10, 3.235),
        (POEMS, 402_176, 1.3, 2_500, 2.211),
        (POEMS, MINI, 0.005, 10, 3.495),
        (Text(386_000, 1.645), 402_176, 0.96, 50, 1.829),
        (Text(3_783, 1.470), 402_304, 9.5, 42, 2.090),
        (Text(3_606, 2.906), 402_304, 2.7, 23, 4.894),  # poems
        (Text(27_837, 1.835), 402_304, 30.1, 729, 2.226),
        (Text(28_365, 2.746), 402_304, 18.6, 710, 3.415),
        (Text(27_857, 2.203), 402_304, 27.8, 821, 3.254),  # questions about Perl
        (Text(77_891, 2.358), 402_304, 0.45, 36, 3.265),  # reviews of films
        (Text(73_312, 2.559), 402_304, 7.3, 630, 2.831),  # Chinese reviews
        (Text(188_328, 2.554), 402_304, 8.0, 447, 2.583),
        (Text(389_198, 2.298), 402_304, 5.3, 392, 2.061),
    ],
)
def test_what_was_measured_is_in_the_range(text, parameters, passes, steps, measured):
    _bits, low, high = expected_range(text, parameters, passes, steps)
    assert low < measured < high


def test_dense_text_is_denser_for_a_compressor():
    import random

    noise = random.Random(1)
    dense = ["".join(noise.choices("abcdefghijklmnop", k=20_000)) for _ in range(50)]
    light = [f"The fox number {n} saw the fox number {n + 1}. " * 500 for n in range(50)]
    found = [
        density(import_documents(((text, str(n)) for n, text in enumerate(texts)), name))
        for name, texts in (("dense", dense), ("light", light))
    ]
    (dense_bits, dense_characters), (light_bits, _characters) = found
    assert dense_bits == pytest.approx(4.0, abs=0.5) and light_bits < 1.5
    assert dense_characters == len("abcdefghijklmnop\n")


def test_a_script_of_thousands_of_characters_gets_a_larger_vocabulary():
    minutes = TrainOptions(time=300)
    english, chinese = Text(10**7, 1.8, characters=90), Text(10**7, 3.1, characters=6_000)
    assert vocabulary_for(minutes, english) < vocabulary_for(minutes, chinese)
    assert vocabulary_for(minutes, english) < vocabulary_for(TrainOptions(time=4 * 3600), english)
    assert vocabulary_for(TrainOptions(time=60), chinese) < vocabulary_for(minutes, chinese)
    assert vocabulary_for(minutes, Text(20_000, 1.8, characters=90)) == 512


@pytest.mark.parametrize("size", [10_000, 100_000])
def test_a_part_of_a_text_is_about_as_dense_as_all_of_it(real_text, size):
    text = real_text("kjv.txt").read_text("utf-8")
    part, whole = (
        density(import_documents([(some, "one")], name))[0]
        for name, some in (("part", text[10**6 : 10**6 + size]), ("whole", text[10**6 : 2 * 10**6]))
    )
    assert part == pytest.approx(whole, rel=0.15)

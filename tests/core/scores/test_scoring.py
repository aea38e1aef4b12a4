"""All tasks, scored by the one function that an evaluation calls."""

import json
import math

import pytest

from newleaf.core.errors import UserError
from newleaf.core.language import set_language
from newleaf.core.scores.report import MAIN_SCORES, Evaluation
from newleaf.core.scores.scoring import score_records


def texts(*each):
    return [{"text": text} for text in each]


def labels(*each):
    return [{"label": label, "probabilities": {label: sure}} for label, sure in each]


REVIEWS = [
    {"text": "Good.", "label": "positive"},
    {"text": "Bad.", "label": "negative"},
    {"text": "Fine.", "label": "positive"},
    {"text": "差", "label": "negative"},
]
QUESTIONS = [
    {
        "question": "Who is the maintainer of c2x?",
        "context": "Package: c2x\nMaintainer of c2x: Jane Doe",
        "answer": "Jane Doe",
    },
    {"question": "What is it?", "context": "", "answer": "a converter", "answers": ["a converter", "a tool"]},
]
DOCUMENTS = [
    {"document": "A tool for files. It is old.", "summary": "tool for files"},
    {"document": "一个转换文件的程序。它很旧。", "summary": "转换文件"},
]
TRANSLATIONS = [
    {"source": "Open the file", "target": "打开文件", "source_language": "en", "target_language": "zh"},
    {"source": "Save the file", "target": "保存文件", "source_language": "en", "target_language": "zh"},
    {"source": "打开文件", "target": "Open the file", "source_language": "zh", "target_language": "en"},
]
CHATS = [
    {"messages": [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Hello, how are you?"}]},
    {"messages": [{"role": "assistant", "content": "Welcome back"}]},
]
TASKS = {
    "classify": (REVIEWS, labels(*((record["label"], 1.0) for record in REVIEWS)), labels(*[("", 0.5)] * 4)),
    "qa": (QUESTIONS, texts("Jane Doe.", "A tool"), texts("", "")),
    "summary": (DOCUMENTS, texts("Tool for files.", "转换文件"), texts("", "")),
    "translate": (TRANSLATIONS, texts("打开文件", "保存文件", "Open the file"), texts("", "", "")),
    "chat": (CHATS, texts("hello, how are you", "Welcome back!"), texts("", "")),
}


@pytest.mark.parametrize("task", TASKS)
def test_right_answers_get_1_and_empty_ones_0(task):
    records, right, empty = TASKS[task]
    best, worst = (score_records(task, records, answers, records, resamples=50) for answers in (right, empty))
    for name in {score.name for score in best.scores} - {"calibration_error"}:
        score = best.score(name)
        assert (score.value, score.low, score.high) == pytest.approx((1, 1, 1)), name
        assert worst.score(name).value == worst.score(name).high == 0, name
        assert 0 <= score.baseline <= 1
    assert best.mistakes == []
    assert len(worst.mistakes) == len(records)
    assert all(math.isfinite(score.value + score.low + score.high) for score in worst.scores)


@pytest.mark.parametrize("task", TASKS)
def test_an_evaluation_goes_through_json(task):
    records, _right, empty = TASKS[task]
    found = score_records(task, records, empty, records, resamples=20)
    assert Evaluation.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert (found.main.name if found.main else None) == MAIN_SCORES.get(task)


def test_labels():
    answers = labels(("positive", 0.9), ("positive", 0.6), ("positive", 0.7), ("positive", 0.8))
    found = score_records("classify", REVIEWS, answers, REVIEWS[:3])
    assert found.main.value == found.main.baseline == 0.5
    assert found.main.baseline_name == "majority"
    assert found.score("macro_f1").value == pytest.approx(1 / 3)
    assert found.score("calibration_error").value == pytest.approx(0.45, abs=0.3)
    assert found.score("calibration_error").baseline is None
    assert found.confusions == [{"right": "negative", "given": "positive", "records": 2}]
    # Of two wrong answers the surer one is the worse.
    assert [mistake["record"] for mistake in found.mistakes] == [3, 1]
    assert found.mistakes[0] == {"record": 3, "score": 0.0, "input": "差", "right": "negative", "answer": "positive"}


def test_without_probabilities_there_is_no_calibration():
    found = score_records("classify", REVIEWS, [{"label": "positive"}] * 4)
    assert found.score("calibration_error") is None
    assert [mistake["record"] for mistake in found.mistakes] == [1, 3]


def test_without_records_to_learn_from_a_baseline_is_left_out():
    for task, (records, answers, _empty) in TASKS.items():
        found = score_records(task, records, answers, resamples=20)
        assert all((score.baseline is not None) == (task == "qa") for score in found.scores)  # the context is there


def test_questions():
    found = score_records("qa", QUESTIONS, texts("It is Jane Doe", "a fast tool"), iter(QUESTIONS))
    assert found.main.value == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert (found.main.baseline, found.main.baseline_name) == (pytest.approx(4 / 7 / 2), "sentence")
    assert found.mistakes[1]["right"] == "a converter / a tool"


def test_questions_without_a_text_are_answered_like_the_nearest():
    records = [{"question": "What is Perl?", "answer": "a language"}]
    found = score_records("qa", records, texts("a snake"), records)
    assert (found.main.baseline, found.main.baseline_name) == (1, "nearest")


def test_translations_are_scored_in_each_direction():
    found = score_records("translate", TRANSLATIONS, texts("打开文件", "", "Open the file"), TRANSLATIONS)
    assert [(score.name, score.part) for score in found.scores] == [
        (name, part) for part in ("", "en-zh", "zh-en") for name in ("chrf", "bleu")
    ]
    assert found.score("chrf", "zh-en").value == 1
    assert 0 < found.score("chrf", "en-zh").value < found.main.value < 1
    one = score_records("translate", TRANSLATIONS[:2], texts("打开文件", ""))
    assert {score.part for score in one.scores} == {""}
    assert one.main.value == found.score("chrf", "en-zh").value


def test_the_same_seed_gives_the_same_evaluation():
    answers = texts("打开", "文件", "Open file")
    first, second, other = (score_records("translate", TRANSLATIONS, answers, seed=seed) for seed in (1, 1, 2))
    assert first == second
    assert [score.value for score in first.scores] == [score.value for score in other.scores]


def test_so_many_mistakes_are_kept():
    found = score_records("summary", DOCUMENTS, texts("tool", ""), mistakes=1)
    assert [mistake["record"] for mistake in found.mistakes] == [1]


def test_nothing_to_score():
    with pytest.raises(UserError, match="no record"):
        score_records("qa", [], [])


def test_what_a_person_sees():
    answers = labels(("positive", 0.9), ("positive", 0.6), ("positive", 0.7), ("", 0.8))
    figures, table, confusions, mistakes = score_records("classify", REVIEWS, answers, REVIEWS).sections()
    assert figures.title == "Scores of 4 records"
    assert figures.table[0] == ["", "of 100", "95 % interval", "baseline"]
    assert figures.table[1][:2] + figures.table[1][3:] == ["accuracy", "50.0", "50.0"]
    assert figures.lines[0] == "Baseline: the commonest label, for every text."
    assert table.table[2] == ["positive", "2", "66.7", "100.0", "80.0"]
    assert confusions.lines == ["negative taken for positive: 1 time", "negative taken for nothing: 1 time"]
    assert mistakes.lines[:4] == ["差", "right: negative", "answered: nothing", ""]


def test_sections_need_no_numbers_library():
    """The interface shows them, and waits for no library of numbers."""
    import subprocess
    import sys

    code = "import sys, newleaf.core.scores.report; sys.exit('numpy' in sys.modules or 'sacrebleu' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_score_has_a_name_in_every_language():
    for code in ("en", "zh_CN"):
        set_language(code)
        for task, (records, _right, empty) in TASKS.items():
            for section in score_records(task, records, empty, records, resamples=5).sections():
                assert section.title

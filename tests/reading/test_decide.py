import numpy as np
import pytest

from tenfold.errors import ModelError
from tenfold.reading.decide import KINDS, SCENES, Evidence, Judgment, among_words, decide, log_odds
from tenfold.reading.result import Decision, Digit, Line, Reason


def line(text, confidence=0.9):
    decision = Decision.accept if text else Decision.reject
    digits = tuple(Digit(int(value), 0.9, (0, 0, 9, 9)) for value in text)
    return Line(text, confidence, decision, (0, 0, 90, 9), digits)


def test_accept_review_and_reject_with_reasons():
    assert decide(0.99, 0.95) == (Decision.accept, None)
    assert decide(0.9, 0.95, 0.05) == (Decision.review, Reason.unsure)
    assert decide(0.6, 0.95, 0.35) == (Decision.review, Reason.close)
    assert decide(0.01, 0.95) == (Decision.reject, Reason.not_a_digit)
    assert decide(0.99, 0.95, digits=0) == (Decision.reject, Reason.not_a_digit)


def test_of_few_digits_more_is_asked():
    assert [decide(0.2, 0.95, digits=number)[0] for number in (1, 2, 3, 8)] == [
        Decision.reject,
        Decision.reject,
        Decision.review,
        Decision.review,
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_confidence_grows_with_that_of_the_networks(kind):
    judgment = Judgment()
    low, high = (judgment.confidence(Evidence(kind, chance, chance)) for chance in (0.3, 0.9))
    assert 0 <= low < high <= 1


def test_a_lower_error_rate_asks_for_more():
    judgment = Judgment(thresholds={"page": ((0.001, 0.99), (0.01, 0.95), (0.1, 0.6))})
    levels = [judgment.threshold(rate) for rate in (1e-4, 0.001, 0.003, 0.01, 0.05, 0.1, 0.5)]
    assert levels == sorted(levels, reverse=True)
    assert judgment.threshold(0.01) == pytest.approx(0.95)
    assert judgment.threshold(0.01, "strip") == 0.99


def test_what_is_saved_is_loaded(tmp_path):
    judgment = Judgment(thresholds=dict.fromkeys(SCENES, ((0.01, 0.95),)), protocol={"pages": 3})
    judgment.save(tmp_path / "decisions.json")
    assert Judgment.load(tmp_path / "decisions.json") == judgment


@pytest.mark.parametrize("content", ["", "[]", '{"weights": {}}'])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "decisions.json").write_text(content)
    with pytest.raises(ModelError, match=r"decisions\.json holds no thresholds"):
        Judgment.load(tmp_path / "decisions.json")


def test_log_odds_stay_finite():
    assert np.isfinite([log_odds(0), log_odds(1)]).all()
    assert log_odds(0.5) == 0


def test_a_digit_or_two_among_words_is_rejected_unless_it_is_larger():
    lines = [line(""), line("5"), line(""), line("0755", 0.99), line("12")]
    judged = among_words(lines, [20, 1, 15, 4, 2], [12, 12, 12, 12, 40])
    assert [each.text for each in judged] == ["", "", "", "0755", "12"]
    assert judged[1].reason is Reason.not_a_digit


def test_lines_of_digits_are_left_alone():
    lines = [line("123456"), line("7"), line("")]
    assert among_words(lines, [6, 1, 2], [12, 12, 12]) == lines


def test_networks_that_differ_in_number_are_no_surer_together_than_apart():
    judgment = Judgment(Judgment().weights | {"digits": (9.0, 0.0, 0.0, 0.0, 0.0)})
    assert judgment.confidence(Evidence("digits", 0.05, 0.04)) == pytest.approx(0.05 + 0.04 - 0.05 * 0.04)

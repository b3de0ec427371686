import io
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from tenfold.evaluation import precision_recall_curve, reliability_curve
from tenfold.report import Measured, figures
from tenfold.report.curves import mean_curve, value_range
from tenfold.report.svg import inline

EPOCHS = np.arange(1, 51)
RISING = 0.99 - 0.2 * np.exp(-EPOCHS / 4)


def texts(figure):
    root = ElementTree.fromstring(figure.svg)
    return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]


def numbers(figure):
    return [float(text.replace("−", "-")) for text in texts(figure) if re.fullmatch(r"[−\d.]+", text)]


@pytest.fixture(scope="module")
def chart():
    runs = [(EPOCHS, RISING + shift) for shift in (-0.001, 0.0, 0.001)]
    return figures.curves(
        "Accuracy of <two> & $more$",
        {"Simple NN": runs, "a_b$c$": [(EPOCHS[:30], RISING[:30])]},
        ylabel="Accuracy",
        reported={"Simple NN": 0.9882},
        dashed={"a_b$c$"},
        caption="Chart 1.",
        key="nn",
    )


def test_curves_show_where_they_go_in_percent(chart):
    ticks = [number for number in numbers(chart) if number > 60]
    assert 95 < min(ticks) < max(ticks) <= 100
    assert "Accuracy (%)" in texts(chart)


def test_epochs_are_whole_numbers(chart):
    assert {10.0, 20.0, 30.0, 40.0, 50.0} <= set(numbers(chart))
    short = figures.curves("s", {"x": [(np.arange(1, 4), [0.5, 0.6, 0.7])]}, ylabel="Accuracy", percent=False)
    assert [text for text in texts(short) if text in {"1", "1.5", "2", "2.5", "3"}] == ["1", "2", "3"]


def test_text_of_a_chart_is_text_as_it_was_written(chart):
    assert {"Accuracy of <two> & $more$", "a_b$c$", "Simple NN", "reported in the paper"} <= set(texts(chart))


def test_the_caption_says_how_to_read_the_chart_and_what_it_leaves_out(chart):
    assert chart.caption.startswith(
        "Chart 1. Faint lines are single runs (1 to 3 each), bold lines their mean."
    )
    assert "Dotted lines are the values the paper reports." in chart.caption
    assert re.search(r"Values below 9\d\.\d\d% lie outside the chart\.$", chart.caption)
    assert "Simple NN ends at 99.00%" in chart.alt


def test_the_numbers_behind_a_chart_are_its_means_and_few_enough_to_read(chart):
    assert [column.title for column in chart.data.columns] == ["Epoch", "Simple NN", "a_b$c$"]
    assert len(chart.data.rows) <= 32
    rows = {row[0]: row[1:] for row in chart.data.rows}
    assert rows[1] == pytest.approx((RISING[0], RISING[0]))
    assert rows[50] == (pytest.approx(RISING[-1]), None)


def test_a_chart_is_svg_for_the_page_and_png_for_the_rest(chart):
    assert inline(chart.svg, prefix="f1", label="x").startswith("<svg")
    width, height = Image.open(io.BytesIO(chart.png)).size
    assert width > height > 300


def test_every_color_of_a_chart_can_be_changed_by_the_page(chart):
    bare = re.sub(r"var\(--chart-\w+(-\d)?, #[0-9a-f]{6}\)", "", chart.svg)
    assert "var(" not in bare.replace("var(--chart-font", "")
    assert set(re.findall(r"#[0-9a-f]{6}\b", bare)) <= {"#000000"}


def test_the_same_chart_gives_the_same_bytes_and_leaves_no_trace():
    before = dict(matplotlib.rcParams)

    def draw():
        return figures.curves("t", {"x": [(EPOCHS, RISING)]}, ylabel="Accuracy")

    assert draw() == draw()
    assert draw().png == draw().png
    assert dict(matplotlib.rcParams) == before


def test_curves_without_a_run_are_refused():
    for series in ({}, {"x": []}):
        with pytest.raises(ValueError, match="at least one"):
            figures.curves("t", series, ylabel="Accuracy")


def test_a_run_that_diverged_is_drawn_as_far_as_it_went():
    loss = np.array([2.0, 1.0, 5.0, np.nan, np.nan])
    chart = figures.curves("t", {"x": [(np.arange(1, 6), loss)]}, ylabel="Loss", percent=False)
    assert max(numbers(chart)) <= 6
    assert "x ends at nan" in chart.alt


def test_the_mean_is_taken_where_all_runs_are():
    epochs, mean = mean_curve(
        [(np.array([1, 2, 3]), np.array([1.0, 2, 3])), (np.array([2, 3]), np.array([4.0, 5]))]
    )
    np.testing.assert_array_equal(epochs, [2, 3])
    np.testing.assert_array_equal(mean, [3, 4])
    with pytest.raises(ValueError, match="share at least one epoch"):
        mean_curve([(np.array([1]), np.array([1.0])), (np.array([2]), np.array([1.0]))])


def test_a_late_curve_is_not_squeezed_by_its_first_epochs():
    low, high, cut = value_range([RISING], [0.9882], ceiling=1.0)
    assert cut == "below"
    assert 0.95 < low < 0.9882 < RISING[-1] < high <= 1.0


def test_a_falling_loss_is_cut_above():
    low, high, cut = value_range([2.3 * np.exp(-EPOCHS / 3) + 0.05])
    assert cut == "above"
    assert 0 <= low < 0.05 < high < 1


def test_a_short_run_is_shown_whole():
    low, high, cut = value_range([np.array([0.97, 0.985, 0.99, 0.992])], ceiling=1.0)
    assert cut == ""
    assert low < 0.97 < 0.992 < high <= 1.0


@example(runs=[np.array([5e-324])], keep=[])
@given(
    st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=40).map(np.array), min_size=1, max_size=4),
    st.lists(st.floats(0, 1), max_size=3),
)
def test_the_range_holds_every_end_and_nearly_all_values(runs, keep):
    low, high, cut = value_range(runs, keep, ceiling=1.0)
    assert low < high
    assert low >= 0
    for value in [*(run[-1] for run in runs), *keep]:
        assert low <= value <= high
    pooled = np.concatenate(runs)
    if not cut:
        assert low <= pooled.min() <= pooled.max() <= high
    assert np.mean((pooled >= low) & (pooled <= high)) >= 0.5


def test_a_dot_plot_shows_means_beside_what_was_reported():
    rows = [
        figures.Dots("Simple NN", (0.968, 0.970, 0.969), 0.9665, 0.9715, reported=0.9698),
        figures.Dots("A network with a very long name indeed", (0.99,)),
    ]
    plot = figures.dot_plot("Paper beside measured", rows, xlabel="Test accuracy")
    assert {"Simple NN", "mean", "single run", "reported in the paper", "96.90", "99.00"} <= set(texts(plot))
    ticks = [float(text) for text in texts(plot) if re.fullmatch(r"\d\d(\.\d)?", text)]
    assert 96 <= min(ticks) < max(ticks) <= 99.5
    assert plot.data.rows[0] == ("Simple NN", Measured(pytest.approx(0.969), 0.9665, 0.9715, 3), 0.9698)
    assert "Simple NN 96.90%, reported 96.98%" in plot.alt
    assert "beyond" not in plot.caption


def test_differences_are_shown_with_their_sign_beside_zero():
    rows = [figures.Dots("deep", (1.1, 1.2), 0.9, 1.4)]
    plot = figures.dot_plot("How deep?", rows, xlabel="Points", percent=False, differences=True)
    assert "+1.15" in texts(plot)
    ticks = [float(text) for text in texts(plot) if re.fullmatch(r"\d\.\d+", text)]
    assert min(ticks) == 0
    assert [column.title for column in plot.data.columns] == ["", "Points"], "nothing was reported"
    assert plot.data.rows[0][1].digits == 2
    assert plot.alt == "Dot plot: How deep?. Points: deep +1.15."


def test_what_rounding_leaves_of_no_difference_is_not_described():
    rows = [figures.Dots("alike", (0.1 + 0.2 - 0.3, 0.0), -0.1, 0.1)]
    plot = figures.dot_plot("t", rows, xlabel="Points", percent=False, differences=True)
    assert plot.alt == "Dot plot: t. Points: alike 0.00."


def test_a_row_is_as_high_as_its_label():
    def height(label):
        rows = [figures.Dots(label, (0.1, 0.2), each="pair")] * 4
        plot = figures.dot_plot("t", rows, xlabel="Points", percent=False, differences=True)
        assert "single pair" in texts(plot)
        return float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', plot.svg)[1])

    assert height("a label " * 15) > 1.3 * height("a label")


def test_an_interval_much_wider_than_the_values_does_not_rule_the_axis():
    rows = [figures.Dots("a", (0.97, 0.971), 0.5, 1.4), figures.Dots("b", (0.98, 0.981))]
    plot = figures.dot_plot("t", rows, xlabel="Accuracy")
    assert min(number for number in numbers(plot) if number > 2) > 90
    assert "goes on beyond it" in plot.caption


def test_a_confusion_matrix_shows_counts_or_shares():
    matrix = [[8, 2], [1, 9]]
    counts = figures.confusion(matrix, ("cat", "dog"))
    assert [text for text in texts(counts) if text.isdigit()] == ["8", "2", "1", "9"]
    assert counts.alt == (
        "Confusion matrix: 17 of 20 right; the most frequent mistake is cat read as dog (2 times)."
    )
    assert counts.data.rows == (("cat", 8, 2), ("dog", 1, 9))
    by_truth = figures.confusion(matrix, ("cat", "dog"), normalize="truth")
    assert [text for text in texts(by_truth) if "." in text] == ["80.0", "20.0", "10.0", "90.0"]
    by_prediction = figures.confusion(matrix, ("cat", "dog"), normalize="prediction")
    assert [text for text in texts(by_prediction) if "." in text] == ["88.9", "18.2", "11.1", "81.8"]


def test_a_class_that_never_came_leaves_its_row_empty():
    drawn = figures.confusion([[3, 0], [0, 0]], ("a", "b"), normalize="truth")
    assert [text for text in texts(drawn) if "." in text] == ["100.0"]


def test_a_matrix_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"3 classes need a matrix of shape \(3, 3\)"):
        figures.confusion(np.eye(2), ("a", "b", "c"))


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    chances = rng.dirichlet(np.ones(3), 600)
    chances[np.arange(600), truth] += 0.6
    return truth, (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)


def test_reliability_tells_the_calibration_error(answers):
    curve = reliability_curve(*answers)
    drawn = figures.reliability(curve)
    assert f"{100 * curve.ece:.2f}%" in drawn.caption
    assert {"Accuracy (%)", "Confidence (%)", "Images"} <= set(texts(drawn))
    assert sum(row[3] for row in drawn.data.rows) == 600


def test_precision_and_recall_begin_near_where_they_end(answers):
    truth, chances = answers
    curves = {name: precision_recall_curve(truth == i, chances[:, i]) for i, name in enumerate("abc")}
    drawn = figures.precision_recall(curves)
    for name, curve in curves.items():
        assert f"{name} (AP {100 * curve.average_precision:.2f})" in texts(drawn)
    worst = min(np.minimum(curve.precision, curve.recall).max() for curve in curves.values())
    begin = float(re.search(r"begin at ([\d.]+)%", drawn.caption)[1])
    assert begin == pytest.approx(100 - 400 * (1 - worst), abs=0.06)


def test_a_perfect_classifier_has_a_chart_too():
    curve = precision_recall_curve([True, False, True], [0.9, 0.1, 0.8])
    assert "a (AP 100.00)" in texts(figures.precision_recall({"a": curve, "b": curve}))


def test_samples_go_round_through_the_classes():
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    grid = figures.sample_grid(images, [1, 0, 1, 0, 0, 2], classes=("a", "b", "c"), each=2)
    assert grid.captions == ("a", "b", "c", "a", "b")
    assert grid.images[:, 0, 0].tolist() == [1, 0, 5, 3, 2]
    assert grid.columns == 3


def test_mistakes_say_what_was_read_and_how_surely():
    images = np.zeros((3, 2, 2), np.uint8)
    chances = np.array([[1, 0], [0.125, 0.875], [0.5, 0.5]], np.float32)
    shown = figures.mistakes(images, [0, 0, 1], chances, [1, 2], classes=("4", "9"))
    assert shown.captions == ("4 → 9, 87.5%", "9 → 4, 50.0%")

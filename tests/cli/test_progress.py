import io
import re

import pytest

from tenfold.cli import progress
from tenfold.cli.progress import Display, Stages, eta_text, seconds_text, show_study, show_training
from tenfold.studies.workers import StudyProgress
from tenfold.training import Progress

NAN = float("nan")
ROW = {"epoch": 1, "train_loss": 0.5, "train_accuracy": 0.875, "validation_accuracy": 0.9}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch, kind="xterm"):
    """Make stderr a terminal of 80 columns, and return what is written to it."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setenv("COLUMNS", "80")
    return stream


def shown(stream):
    """Return the lines that a terminal was made to show, without colors."""
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()))


def test_a_terminal_gets_a_bar_with_the_time_left_loss_and_accuracy(monkeypatch):
    stream = terminal(monkeypatch)
    with Display() as display:
        show_training(display, "fast", Progress(1, 2, 0.5, ROW, 60, 61), epoch_done=False)
        display.bar.refresh()

    line = next(line for line in shown(stream) if "50%" in line)
    assert re.fullmatch(
        r"fast [━╸╺ ]+ 50% ETA 1:01 loss 0.5000  accuracy 87.50%  validation 90.00%", line.strip()
    )
    assert len(line) <= 80
    assert stream.getvalue().endswith("\x1b[?25h") or "\x1b[?25h" in stream.getvalue()  # the cursor is back


@pytest.mark.parametrize("columns", [20, 40, 60, 200])
def test_the_bar_keeps_to_one_line_on_any_terminal(monkeypatch, columns):
    stream = terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", str(columns))
    with Display() as display:
        show_training(display, "a-network-of-a-long-name", Progress(1, 2, 0.5, ROW, 60, 61), epoch_done=False)
        display.bar.refresh()

    assert all(len(line) <= columns for line in shown(stream))
    assert "epoch 2 of 2" in stream.getvalue() or columns < 200


def test_what_is_said_stays_above_the_bar(monkeypatch):
    stream = terminal(monkeypatch)
    with Display() as display:
        display.update("a job", 0.1, NAN)
        display.say("by the way [bold]")

    assert "by the way [bold]" in [line.strip() for line in shown(stream)]


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    stream = terminal(monkeypatch, "dumb")
    with Display() as display:
        show_training(display, "fast", Progress(1, 2, 0.5, ROW, 60, 61), epoch_done=True)

    assert stream.getvalue() == (
        "fast: epoch 1 of 2  loss 0.5000  accuracy 87.50%  validation 90.00%  1 min 00 s  ETA 1:01\n"
    )


def test_a_line_is_not_repeated(capsys):
    with Display() as display:
        for part in (0.1, 0.2, 0.3):
            show_study(display, "lin", StudyProgress(1, 4, part, ("lin: Simple NN",), 1, 10 * part))
        show_study(display, "lin", StudyProgress(2, 4, 0.5, (), 1, 3))

    assert capsys.readouterr().err.splitlines() == [
        "study lin: 1 of 4 trainings  ETA 0:01",
        "study lin: 2 of 4 trainings  ETA 0:03",
    ]


def test_a_long_silence_is_broken(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    with Display() as display:
        display.update("a job", 0.25, 30, "half a loss")

    assert capsys.readouterr().err == "a job  half a loss  25%  ETA 0:30\n"


def test_quiet_shows_nothing(capsys):
    with Display(quiet=True) as display:
        display.update("a job", 0.5, 1, line="a line")
        display.say("a word")

    assert capsys.readouterr() == ("", "")


def test_stages_add_up_to_one_job(monkeypatch):
    seen = []
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    display = Display(quiet=True)
    monkeypatch.setattr(display, "update", lambda *args, line="": seen.append((*args, line)))
    stages = Stages(display, {"first": 10.0, "second": 30.0})

    stages.update("first", 0.0)
    now[0] = 20.0  # twice as long as estimated
    stages.update("second", 0.0)
    now[0] = 80.0
    stages.update("second", 1.0)

    assert [(title, part) for title, part, *_ in seen] == [("first", 0.0), ("second", 0.25), ("second", 1.0)]
    assert seen[0][2] == pytest.approx(40)
    assert 30 < seen[1][2] < 60  # between the estimate and its correction
    assert seen[2][2] == pytest.approx(0)
    assert [line for *_, line in seen] == ["first ...", "second ...", ""]


def test_times_are_told_as_people_tell_them():
    assert [seconds_text(s) for s in (0.04, 9.96, 59.4, 60, 3599, 7260)] == [
        "0.0 s",
        "10 s",
        "59 s",
        "1 min 00 s",
        "59 min 59 s",
        "2 h 01 min",
    ]
    assert [eta_text(s) for s in (NAN, 0, 65, 3665)] == ["", "ETA 0:00", "ETA 1:05", "ETA 1:01:05"]

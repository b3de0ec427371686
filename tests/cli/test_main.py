import os
import shlex
import subprocess
import sys

import pytest
import typer.main

import tenfold
from tenfold import cli as package
from tenfold.cli import app

VERBS = [
    "demo",
    "train",
    "tune",
    "evaluate",
    "predict",
    "read",
    "explain",
    "export",
    "serve",
    "bench",
    "baseline",
    "form",
    "networks",
    "data",
    "runs",
    "study",
    "recipes",
]


def commands(command=None, path=("tenfold",)):
    """Yield every command with its path, groups too."""
    command = command or typer.main.get_command(app)
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


@pytest.mark.parametrize(("path", "command"), [pytest.param(p, c, id=" ".join(p)) for p, c in commands()])
def test_every_command_and_every_option_is_explained(cli, path, command):
    answer = cli(*path[1:], "--help")

    assert answer.code == 0
    assert answer.out.startswith("Usage: " + " ".join(path))
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{' '.join(path)} does not explain {parameter.name}"
        assert parameter.help.splitlines()[0] in " ".join(answer.out.split()) or len(parameter.help) > 40


@pytest.mark.parametrize(
    "example",
    [
        line.strip()
        for _, command in commands()
        for line in (command.epilog or "").splitlines()
        if line.startswith("  tenfold")
    ],
)
def test_every_example_in_the_help_is_a_command_that_there_is(example):
    _, *words = shlex.split(example)
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]

    command.make_context(example, words)  # a wrong option or value would raise


def test_the_verbs_are_listed_by_the_help(cli):
    answer = cli("--help")

    assert [
        line.split()[0]
        for line in answer.out.split("Commands:")[1].split("Start")[0].splitlines()
        if line.strip()
    ] == VERBS


def test_help_comes_without_anything_heavy():
    code = (
        "import sys\n"
        "from tenfold.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as ended:\n    assert not ended.code\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'matplotlib', 'numpy', 'rich', 'PIL', 'jinja2', 'pooch'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "Usage: tenfold" in done.stdout
    assert done.stderr.strip() == "[]"


def test_it_is_a_module_as_well():
    command = [sys.executable, "-m", "tenfold", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"tenfold {tenfold.__version__}"


def test_the_version(cli):
    assert cli("--version").out.strip() == f"tenfold {tenfold.__version__}"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["trian"],
        ["train"],
        ["train", "fast", "--engine", "abacus"],
        ["study", "run"],
        ["runs", "list", "--limit", "x"],
    ],
)
def test_wrong_usage_exits_with_2(cli, arguments):
    answer = cli(*arguments)

    assert answer.code == 2
    assert "Usage: tenfold" in answer.out + answer.err


def test_what_a_user_can_cause_is_an_error_of_one_line_and_exits_with_1(cli):
    answer = cli("networks", "show", "lin-simpl-nn")

    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith(
        "Error: There is no network named 'lin-simpl-nn'. Did you mean 'lin-simple-nn'?"
    )
    assert "Traceback" not in answer.err


def test_what_nobody_expected_is_told_without_a_traceback_unless_it_is_wanted(cli, monkeypatch):
    def broken(value):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("tenfold.cli.networks.show_json", broken)
    answer = cli("networks", "list", "--json")

    assert answer.code == 1
    assert "ZeroDivisionError: a bug" in answer.err
    assert "TENFOLD_DEBUG=1" in answer.err
    assert "Traceback" not in answer.err

    monkeypatch.setenv("TENFOLD_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        package.main(["networks", "list", "--json"])


def test_what_the_disk_refuses_is_told_as_the_disk_says_it(cli, monkeypatch):
    def full(value):
        raise OSError(28, "No space left on device", "digits.json")

    monkeypatch.setattr("tenfold.cli.networks.show_json", full)
    answer = cli("networks", "list", "--json")

    assert answer.code == 1
    assert answer.err == "Error: digits.json: No space left on device.\n"


def test_an_interrupt_exits_with_130(cli, monkeypatch):
    def interrupted(value):
        raise KeyboardInterrupt

    monkeypatch.setattr("tenfold.cli.networks.show_json", interrupted)

    assert cli("networks", "list", "--json").code == 130


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-c", "from tenfold.cli import main; main()", "networks", "list", "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)

    assert done.stderr == ""

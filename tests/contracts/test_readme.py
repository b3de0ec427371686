"""What README says is so."""

import json
import re
import shlex
from pathlib import Path
from statistics import mean, stdev

import pytest
import typer.main

from tenfold.benchmarks import recipes
from tenfold.cli import app
from tenfold.networks import get
from tenfold.networks.summary import summary
from tenfold.studies import STUDIES, get_study

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\$ (tenfold .*)$", README, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_in_readme_is_one_that_there_is(line):
    _, *words = shlex.split(line)
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]

    command.make_context(line, words)  # a wrong option or value would raise


def test_the_layer_table_is_what_the_command_prints():
    (block,) = (block for block in BLOCKS if block.startswith("$ tenfold networks show lin-simple-cnn\n"))

    assert block.split("\n", 1)[1].strip() == str(summary(get("lin-simple-cnn"))).strip()


def test_the_tree_names_only_folders_that_there_are():
    (block,) = (block for block in BLOCKS if block.startswith("src/tenfold/\n"))
    named = re.findall(r"^( *)([\w/]+/)(?: |$)", block, re.MULTILINE)
    folders = [("src/tenfold/" if indent else "") + name for indent, name in named]

    assert len(folders) == len([line for line in block.splitlines() if line.strip()])
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []
    for folder in re.findall(r"\b(?:src|tests|docs|results)/[\w/]*", block):
        assert (ROOT / folder).is_dir(), folder


def keys(cell):
    """Return the claims that a cell names: "ab-1, li-2 to li-4"."""
    for part in re.search(r"\[(.*)\]", cell)[1].split(", "):
        first, _, last = part.partition(" to ")
        name, low = first.split("-")
        high = (last or first).split("-")[1]
        yield from (f"{name}-{number}" for number in range(int(low), int(high) + 1))


def test_the_table_of_verdicts_tells_every_claim_and_what_was_published():
    rows = re.findall(
        r"^\| (\[.*?\]\(results/\w+/README\.md\)).*\| [✓✗?] ([a-z ]+) \|$", README, re.MULTILINE
    )
    told = {key: outcome for cell, outcome in rows for key in keys(cell)}
    published = {
        verdict["key"]: verdict["outcome"]
        for study in STUDIES
        for results in json.loads((ROOT / "results" / study / "results.json").read_text("utf-8"))["studies"]
        for verdict in results["verdicts"]
    }
    assert told == published
    assert told.keys() == {claim.key for study in STUDIES for claim in get_study(study).claims}


def test_the_table_of_our_recipes_tells_what_was_measured():
    rows = re.findall(r"^\| `([\w-]+)` \| ([\d,]+) \| (\S+)% (?:± (\S+) )?\| (\d+) \|", README, re.MULTILINE)
    measured = recipes.read(ROOT / "results")

    assert [row[0] for row in rows] == list(dict.fromkeys(each.name for each in measured))
    for name, parameters, accuracy, spread, seeds in rows:
        group = [each for each in measured if each.name == name]
        values = [100 * each.accuracy for each in group]
        assert parameters == f"{group[0].parameters:,}"
        assert accuracy == f"{mean(values):.2f}"
        assert spread == (f"{stdev(values):.2f}" if len(values) > 1 else "")
        assert seeds == str(len(values))

import json
import math

from tenfold.cli.output import show_json, show_pairs, show_table


def test_json_is_json_whatever_was_measured(capsys):
    value = {"a": [1.5, math.nan, math.inf], "b": ["[\n 1", "ü"], "c": {"d": ()}, "e": [[1, 2], [3, 4]]}
    show_json(value)
    text = capsys.readouterr().out

    assert json.loads(text) == {
        "a": [1.5, None, None],
        "b": ["[\n 1", "ü"],
        "c": {"d": []},
        "e": [[1, 2], [3, 4]],
    }
    assert "[1, 2]" in text
    assert "ü" in text


def test_pairs_are_lined_up(capsys):
    show_pairs({"a": 1, "long name": "x\ny", "gone": None})

    assert capsys.readouterr().out == "a          1\nlong name  x\n           y\n"


def test_a_table_says_a_dash_where_there_is_nothing(capsys):
    show_table([{"name": "a", "n": 1234}, {"name": "bb"}], {"name": "Name", "n": "Count"})

    assert capsys.readouterr().out.splitlines()[2:] == ["a     1,234", "bb        –"]

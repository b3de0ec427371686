import json
import xml.etree.ElementTree as ElementTree

from tenfold.networks import NETWORKS, get, summary


def test_json_of_a_network_is_its_summary(cli):
    found = json.loads(cli("networks", "show", "lin-simple-cnn", "--json").out)

    assert found == summary(get("lin-simple-cnn")).to_dict()
    assert found["parameters"] == 90_678
    assert [layer["parameters"] for layer in found["layers"]][-2:] == [80_100, 1_010]


def test_the_table_of_a_network_ends_with_its_total(cli):
    last = cli("networks", "show", "lin-simple-nn").out.splitlines()[-1]

    assert last.split() == ["Total", "25,450", "25,408"]


def test_every_network_is_listed(cli):
    found = json.loads(cli("networks", "list", "--json").out)

    assert [row["name"] for row in found] == list(NETWORKS)
    assert all(row["parameters"] == get(row["name"]).parameters for row in found)
    lines = cli("networks", "list").out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(NETWORKS)


def test_a_network_is_drawn(cli, tmp_path):
    answer = cli("networks", "show", "fast", "--svg", "fast.svg")

    assert "The diagram is in fast.svg" in answer.err
    assert ElementTree.parse(tmp_path / "fast.svg").getroot().tag.endswith("svg")


def test_a_network_in_a_file_is_shown_too(cli, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(get("hao-mlp").named("").to_dict()))

    assert json.loads(cli("networks", "show", "mine.json", "--json").out)["name"] == "mine"


def test_a_network_that_is_not_there(cli):
    answer = cli("networks", "show", "fats")

    assert answer.code == 1
    assert "Did you mean 'fast'?" in answer.err

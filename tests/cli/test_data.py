import json

from tenfold.data import CATALOG


def test_every_data_set_is_listed_with_its_state(cli):
    found = json.loads(cli("data", "list", "--json").out)

    assert [row["name"] for row in found] == list(CATALOG)
    assert {row["name"]: row["state"] for row in found}["mnist"] == "bundled"
    assert {row["name"]: row["state"] for row in found}["kmnist"] == "not fetched"
    lines = cli("data", "list").out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(CATALOG)


def test_info_names_files_hashes_and_license(cli):
    found = json.loads(cli("data", "info", "fashion-mnist", "--json").out)
    text = cli("data", "info", "fashion-mnist").out

    assert found["train"] == 60_000
    assert found["classes"][9] == "Ankle boot"
    assert len(found["files"]) == 4
    for file in found["files"]:
        assert f"{file['name']}  {file['hash']}" in text
    assert found["license"] in text


def test_what_is_bundled_is_there_already(cli):
    answer = cli("data", "fetch", "mnist")

    assert answer.code == 0
    assert "mnist" in answer.out


def test_fetching_from_a_folder_without_the_files_names_them_with_their_hashes(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    answer = cli("data", "fetch", "fashion-mnist", "--from", tmp_path / "empty")

    assert answer.code == 1
    for file in CATALOG["fashion-mnist"].files:
        assert file.name in answer.err
        assert file.hash.partition(":")[2] in answer.err


def test_a_data_set_that_is_not_there(cli):
    for verb in ("info", "fetch"):
        answer = cli("data", verb, "fashion-mnits")
        assert answer.code == 1
        assert "Did you mean 'fashion-mnist'?" in answer.err

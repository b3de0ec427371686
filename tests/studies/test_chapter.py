"""A study's chapter: the scale is marked, every claim has a verdict, every deviation its number."""

from dataclasses import replace

import pytest

from tenfold.report.document import Note, Table, Verdicts
from tenfold.report.html import render_html
from tenfold.runs import Store
from tenfold.studies import SEARCH, STUDIES, Assumption, Claim, Deviation, Scale, get_study
from tenfold.studies.chapter import chapter, document, overview, protocol, tried, verdicts
from tenfold.studies.claims import best_of, better, reaches
from tenfold.studies.jobs import collect
from tenfold.studies.judgment import all_of
from tenfold.studies.publication import publish, report_to_dict


def measured(make_results, **kwargs):
    return make_results(
        {"a": {"test_accuracy": [0.99, 0.991]}, "b": {"test_accuracy": [0.9, 0.9008]}}, **kwargs
    )


def blocks(results, kind):
    return [block for section in chapter(results) for block in section.blocks if isinstance(block, kind)]


def test_every_claim_has_a_verdict_with_its_numbers(make_results):
    (found,) = verdicts(measured(make_results))
    assert (found.key, found.outcome) == ("ti-1", "holds")
    assert "+9.01 points" in found.reason


def test_a_reduced_scale_is_marked_at_the_top(make_results):
    (note,) = blocks(measured(make_results, scale="quick"), Note)
    assert note.kind == "scale"
    assert "Quick scale" in note.text
    assert not blocks(measured(make_results), Note)


FULL, FEW_IMAGES, FEW_EPOCHS = Scale(1), Scale(1, train=500), Scale(1, epochs=0.5)


@pytest.mark.parametrize(
    ("scales", "expected"),
    [
        ((FEW_EPOCHS, FEW_EPOCHS), ": fewer epochs. They"),
        ((FEW_IMAGES, FEW_IMAGES), ": fewer images. They"),
        (
            (FEW_EPOCHS, FEW_IMAGES),
            ": for some experiments fewer epochs, and for some experiments fewer images.",
        ),
        ((FEW_EPOCHS, Scale(1, 0.5, 500)), ": fewer epochs, and for some experiments fewer images. They"),
        # 96% of ten epochs are ten.
        ((Scale(1, epochs=0.96), Scale(1, epochs=0.96)), ", not the published recipe. They"),
    ],
)
def test_what_was_shortened_is_told_as_it_is(make_results, scales, expected):
    results = measured(make_results, scale="quick")
    groups = {
        key: replace(group, experiment=replace(group.experiment, scales={"quick": scale, "paper": FULL}))
        for scale, name in zip(scales, "ab", strict=True)
        for key, group in results.groups.items()
        if key[0] == name
    }
    (note,) = blocks(replace(results, groups=groups), Note)
    assert expected in note.text


def test_the_papers_own_recipe_is_offered_only_where_a_study_has_it(make_results):
    results = measured(make_results, scale="quick")
    command = "tenfold study run tiny --scale paper"
    assert command in blocks(results, Note)[0].text
    for scales in ({"quick": FEW_EPOCHS}, {"quick": FEW_EPOCHS, "paper": FEW_IMAGES}):
        experiments = tuple(replace(each, scales=scales) for each in results.study.experiments)
        without = replace(results, study=replace(results.study, experiments=experiments))
        assert "--scale paper" not in blocks(without, Note)[0].text


def test_what_was_not_run_is_named_at_the_top(make_results):
    results = measured(make_results)
    del results.groups["b", "honest"], results.groups["b", "as published"]
    (note,) = blocks(results, Note)
    assert note.text == "Not run at this scale: b."


def test_what_is_short_or_was_not_run_is_counted_where_it_is_much_and_named_in_a_list(make_results):
    names = [f"net, {number}" for number in range(9)]
    results = make_results(
        {name: {"test_accuracy": [0.9, 0.91]} for name in names}, not_run=["x", "y", "z", "u"]
    )
    for name in names[:4]:
        for reading in ("honest", "as published"):
            results.groups[name, reading] = replace(results.groups[name, reading], scale="quick")
    short, absent = blocks(results, Note)
    assert short.text.startswith(
        "5 of 9 experiments were run at the published recipe in full, the other 4 at a"
    )
    assert short.names == tuple(names[:4])
    assert absent == Note("Not run at this scale: 4 of 13 experiments.", "scale", ("x", "y", "z", "u"))

    for name in names[:2]:
        for reading in ("honest", "as published"):
            results.groups[name, reading] = replace(results.groups[name, reading], scale="paper")
    few = blocks(results, Note)[0]
    assert few.text.startswith(
        "At the published recipe in full, except for these, at a smaller scale: net, 2; net, 3. "
    )
    assert few.names == ()


def test_deviations_are_numbered(make_results):
    results = measured(make_results)
    deviations = (Deviation("this", "that", "because"), Deviation("more", "less", "so"))
    results = replace(results, study=replace(results.study, deviations=deviations))
    table = blocks(results, Table)[0]
    assert table.rows == ((1, "this", "that", "because"), (2, "more", "less", "so"))


def test_the_overview_tells_every_verdict_and_its_scale(make_results):
    (table,) = overview([measured(make_results)]).blocks
    assert table.whole, "no verdict waits to be scrolled to"
    assert table.rows[0][1:] == ("The first is best.", "✓\N{NO-BREAK SPACE}holds", "paper")


def test_shortened_runs_decide_nothing_and_every_place_says_so(make_results):
    results = measured(make_results, scale="quick")
    (table,) = overview([results]).blocks
    said = "? undecided, holds so far".replace(" ", "\N{NO-BREAK SPACE}").replace(",\N{NO-BREAK SPACE}", ", ")
    assert table.rows[0][2:] == (said, "quick")
    (note,) = blocks(results, Note)
    assert "They decide nothing about the paper" in note.text
    page = render_html(document([results]))
    assert "Of 1 claim, 1 is undecided (so far, in shortened runs, 1 holds)." in page


def test_the_scale_of_a_claim_is_that_of_its_own_runs(make_results):
    results = make_results({name: {"test_accuracy": [0.99, 0.98]} for name in "abc"})
    short = make_results({name: {"test_accuracy": [0.99, 0.98]} for name in "abc"}, scale="quick")
    results = replace(results, groups=results.groups | {("c", "honest"): short.groups["c", "honest"]})
    claims = (
        Claim("of-ab", "A beats b.", better("a", than="b")),
        Claim("of-abc", "It beats c, too.", all_of(better("a", than="b"), better("a", than="c"))),
        Claim("of-c", "And c is good.", reaches("c", 0.9)),
    )
    (table,) = overview([replace(results, study=replace(results.study, claims=claims))]).blocks
    assert [row[3] for row in table.rows] == ["paper", "paper, in part", "quick"]
    del results.groups["c", "honest"]
    (table,) = overview([replace(results, study=replace(results.study, claims=claims))]).blocks
    assert table.rows[2][3] == "not run"


def test_parts_that_are_open_for_one_reason_are_folded_on_the_page_alone(make_results, tmp_path):
    names = [f"network {number}" for number in range(8)]
    results = make_results({name: {"test_accuracy": [0.9 - 0.01 * n]} for n, name in enumerate(names)})
    claims = (Claim("ti-1", "The first is best.", best_of(names[0], among=names)),)
    results = replace(results, study=replace(results.study, claims=claims))
    (verdict,) = verdicts(results)
    assert len(verdict.evidence) == 7
    assert verdict.shown == (*verdict.evidence[:3], "and 4 more alike")
    assert all("one seed decides nothing" in line for line in verdict.evidence)
    page = publish(document([results]), report_to_dict([results]), tmp_path)
    for text in (page.read_text(), render_html(document([results]))):
        assert "and 4 more alike" in text
        assert "network 7: +7.00" not in text
    assert "network 7: +7.00" in (tmp_path / "results.json").read_text()


def test_the_protocol_tells_data_seeds_and_machine(make_results):
    found = protocol([measured(make_results)])
    assert found["Seeds"] == "0, 1"
    assert "6,000 training images" in found["Validation"]
    assert found["Hardware"] != "unknown"
    assert "numpy" in found["Versions"]


def test_the_date_of_the_protocol_is_that_of_the_runs(make_results):
    results = measured(make_results)
    assert protocol([results])["Date"] == "2026-01-01"
    group = results.get("b")
    late = replace(group.runs[1], started="2026-01-09T23:30:00-02:00")
    results.groups["b", "honest"] = replace(group, runs=(group.runs[0], late))
    assert protocol([results])["Date"] == "2026-01-01 to 2026-01-10", "as all times: UTC"
    assert protocol([]) == {}


@pytest.mark.parametrize("key", STUDIES)
def test_a_study_that_was_never_run_still_makes_a_report(key, tmp_path):
    page = render_html(document([collect(get_study(key), "quick", Store(tmp_path))]))
    assert "Nothing of this study was run at quick scale yet" in page
    assert "undecided" in page
    assert isinstance(blocks(collect(get_study(key), "quick", Store(tmp_path)), Verdicts)[0], Verdicts)


def test_what_depends_on_an_assumption_is_told_on_validation_images(make_results):
    results = make_results(
        {"taken": {"validation_accuracy": [0.95, 0.96]}, "other": {"validation_accuracy": [0.94, 0.94]}},
        readings=(SEARCH,),
        not_run=("absent",),
    )
    others = {"32": "other", "8": "absent"}
    assumption = Assumption("Batch size", "16", "Not stated.", "taken", others)
    untried = Assumption("Epochs", "10", "Usual.")
    table, rest = tried(replace(results, study=replace(results.study, assumptions=(assumption, untried))))
    assert rest.markdown == "Not tried otherwise: Epochs."
    (*setting, run, change), absent = table.rows
    assert (*setting, run) == ("Batch size", "32", "a")
    assert change.mean == pytest.approx(-1.5)
    assert absent == ("Batch size", "8", "b", None)
    assert table.columns[2].help == "a: paper, in full; b: not run."


def test_without_anything_tried_there_is_no_table(make_results):
    results = make_results({"a": {"test_accuracy": [0.9]}})
    assert tried(replace(results, study=replace(results.study, assumptions=()))) == []


def test_what_shortened_runs_leave_open_is_folded_and_what_fails_in_them_is_not(make_results):
    level, below = [0.90, 0.92], [0.80, 0.81]
    names = ["first", *(f"alike {number}" for number in range(6)), "better"]
    measured = {name: {"test_accuracy": level if name == "first" else level[::-1]} for name in names}
    # Better by so much alike in both seeds that among eight comparisons it is no chance.
    measured["better"] = {"test_accuracy": [1.2, 1.2201]}
    results = make_results(measured | {"worse": {"test_accuracy": below}}, scale="quick")
    claims = (Claim("ti-1", "The first is best.", best_of("first", among=(*names, "worse"))),)
    (verdict,) = verdicts(replace(results, study=replace(results.study, claims=claims)))
    assert (verdict.outcome, verdict.so_far) == ("undecided", "does not hold")
    assert [line.split(":")[0] for line in verdict.shown] == [
        "? first − alike 0",
        "? first − alike 1",
        "? first − alike 2",
        "and 3 more alike",
        "? fails so far",
        "? holds so far",
    ]

from hypothesis import given
from hypothesis import strategies as st

from tenfold.report import Column, Document, Section, Table, Text, Verdict, Verdicts
from tenfold.report.outline import outline, slug


def table(key="", caption="c"):
    return Table((Column("a"),), (), caption, key)


def anchors(whole):
    found = []
    for part in [p for top in whole.parts for p in (top, *top.parts)]:
        found.append(part.anchor)
        for placed in part.blocks:
            found += [placed.anchor, *placed.rows]
    return [anchor for anchor in found if anchor]


def test_tables_are_numbered_through_the_document_and_plain_ones_are_not():
    one = Section("One", (table(), table(caption=""), Text("t")))
    whole = outline(Document("d", sections=(one, Section("Two", (table(),)))))
    assert [placed.label for part in whole.parts for placed in part.blocks] == ["Table 1", "", "", "Table 2"]


def test_parts_of_level_three_belong_to_the_chapter_before_them():
    sections = (Section("A"), Section("a1", level=3), Section("a2", level=3), Section("B"))
    whole = outline(Document("d", sections=sections))
    assert [(p.section.title, len(p.parts)) for p in whole.parts] == [("A", 2), ("B", 0)]


def test_a_written_key_goes_before_an_anchor_made_of_a_title():
    whole = outline(Document("d", sections=(Section("Ranking"), Section("Two", (table("ranking"),)))))
    assert whole.parts[0].anchor == "ranking-2"
    assert whole.parts[1].blocks[0].anchor == "ranking"


keys = st.sampled_from(["", "lin", "Lin", "lin-2", "table-1", "protocol", "§"])


@given(st.lists(st.tuples(keys, keys, keys), max_size=6))
def test_no_anchor_is_given_twice(rows):
    sections = tuple(
        Section(title, (table(key), Verdicts((Verdict(claim, "c", "holds"),), key=key)), key)
        for title, key, claim in rows
    )
    whole = outline(Document("d", sections=sections))
    found = [*anchors(whole), whole.protocol_anchor]
    assert len(found) == len(set(found))
    assert set(found) == whole.anchors


@given(st.text())
def test_a_slug_can_stand_in_an_address(text):
    assert slug(text).strip("abcdefghijklmnopqrstuvwxyz0123456789-") == ""
    assert slug(text)

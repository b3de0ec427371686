"""Reports: one HTML file that opens anywhere, and the same in Markdown."""

from tenfold.report.document import (
    Block,
    Cell,
    Column,
    Document,
    Figure,
    Listing,
    Measured,
    Note,
    Numbers,
    Pictures,
    Section,
    Table,
    Text,
    Verdict,
    Verdicts,
)
from tenfold.report.html import write_html
from tenfold.report.markdown import write_markdown

__all__ = [
    "Block",
    "Cell",
    "Column",
    "Document",
    "Figure",
    "Listing",
    "Measured",
    "Note",
    "Numbers",
    "Pictures",
    "Section",
    "Table",
    "Text",
    "Verdict",
    "Verdicts",
    "write_html",
    "write_markdown",
]

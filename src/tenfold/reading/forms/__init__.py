"""Forms: a template that names fields by box, a page laid on it, and readings that keep the constraints."""

from tenfold.reading.forms.checking import check_form
from tenfold.reading.forms.drafting import draft
from tenfold.reading.forms.reader import FormReader
from tenfold.reading.forms.template import Field, Template
from tenfold.reading.forms.toml import load_template, save_template

__all__ = ["Field", "FormReader", "Template", "check_form", "draft", "load_template", "save_template"]

"""Every finished run: what it was, what came of it, where it lies."""

from tenfold.runs.environment import commit, hardware, versions
from tenfold.runs.run import Run, identity
from tenfold.runs.store import ABSENT, Comparison, Store

__all__ = ["ABSENT", "Comparison", "Run", "Store", "commit", "hardware", "identity", "versions"]

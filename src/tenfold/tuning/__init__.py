"""Searching for good settings: spaces of choices, grid and random search, successive halving."""

from tenfold.tuning.plan import Plan, plan
from tenfold.tuning.search import Outcome, Rung, Score, halving, losses_compare, search
from tenfold.tuning.space import Point, Space
from tenfold.tuning.trials import Candidate, on_gpu

__all__ = [
    "Candidate",
    "Outcome",
    "Plan",
    "Point",
    "Rung",
    "Score",
    "Space",
    "halving",
    "losses_compare",
    "on_gpu",
    "plan",
    "search",
]

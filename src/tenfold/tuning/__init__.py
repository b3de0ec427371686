"""Searching for good settings: spaces of choices, grid and random search, successive halving."""

from tenfold.tuning.search import Candidate, Outcome, Rung, Score, halving, search
from tenfold.tuning.space import Point, Space

__all__ = ["Candidate", "Outcome", "Point", "Rung", "Score", "Space", "halving", "search"]

"""Training: recipes, engines, and the loop that brings them together."""

from tenfold.training.engine import Engine, EpochResult, Trainer
from tenfold.training.engines import ENGINES, get_engine
from tenfold.training.history import History
from tenfold.training.initializers import INITIALIZERS, Weights, initial_weights
from tenfold.training.loop import Progress, Trained, train
from tenfold.training.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop
from tenfold.training.recipe import Recipe, default_recipe, load_recipe, recipe_names
from tenfold.training.schedules import SCHEDULES, Constant, Cosine, OneCycle, Step

__all__ = [
    "ENGINES",
    "INITIALIZERS",
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Engine",
    "EpochResult",
    "History",
    "OneCycle",
    "Progress",
    "RMSprop",
    "Recipe",
    "Step",
    "Trained",
    "Trainer",
    "Weights",
    "default_recipe",
    "get_engine",
    "initial_weights",
    "load_recipe",
    "recipe_names",
    "train",
]

"""Does a second hidden layer help a small network? A study of one's own in one file.

Run it with: tenfold study run docs/examples/study.py --scale quick
"""

from tenfold.networks import Dense, ReLU, network
from tenfold.studies import (
    HONEST,
    Assumption,
    Claim,
    Deviation,
    Experiment,
    Scale,
    Setup,
    Study,
)
from tenfold.studies.claims import better, reaches
from tenfold.studies.exhibits import Curves
from tenfold.studies.judgment import all_of
from tenfold.studies.readings import Comparison
from tenfold.training import SGD, Recipe

# 1. What was reported.

REPORTED = {"one layer": 0.95, "two layers": 0.97}

# 2. What is run: two networks by one recipe, at three scales.

RECIPE = Recipe(epochs=10, batch_size=32, optimizer=SGD(lr=0.1), initializer="keras")
SCALES = {
    "smoke": Scale(seeds=2, epochs=0.1, train=600, test=200),
    "quick": Scale(seeds=3, epochs=0.3, train=12_000),
    "paper": Scale(seeds=5),
}
NETWORKS = {
    "one layer": network(784)(Dense(32), ReLU(), Dense(10), name="one-layer"),
    "two layers": network(784)(Dense(32), ReLU(), Dense(32), ReLU(), Dense(10), name="two-layers"),
}
EXPERIMENTS = tuple(
    Experiment(name, Setup(made, RECIPE), SCALES, readings=(HONEST,)) for name, made in NETWORKS.items()
)

# 3. What is claimed.

CLAIMS = (
    Claim(
        "my-1",
        "A second hidden layer helps, and reaches 97%.",
        all_of(better("two layers", than="one layer"), reaches("two layers", 0.97)),
    ),
)

# 4. What is shown.

EXHIBITS = (
    Comparison("Both networks", tuple(NETWORKS), test=REPORTED),
    Curves("Two layers", "two layers", reported=REPORTED["two layers"]),
)

# 5. Where it deviates, and what it assumes.

STUDY = Study(
    key="my-study",
    title="One hidden layer or two",
    authors=("You",),
    summary="Trains two small networks by one recipe.",
    reported=REPORTED,
    experiments=EXPERIMENTS,
    claims=CLAIMS,
    exhibits=EXHIBITS,
    deviations=(Deviation("One run.", "Several seeds.", "One run does not tell luck from merit."),),
    assumptions=(Assumption("Initializer", "Keras' default", "Not stated."),),
)

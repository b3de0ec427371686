"""Farah Walid Abdelsalam, "Optimizing Handwritten Digit Recognition with Deep Learning"."""

from dataclasses import replace

from tenfold.networks.zoo import abdelsalam_mlp
from tenfold.studies.claims import better, reaches
from tenfold.studies.curve_claims import fits_well
from tenfold.studies.exhibits import Confusion, Curves, Diagrams, Mistakes, PerClass, SampleImages, Summaries
from tenfold.studies.experiment import SEARCH, Candidates, Experiment, Scale, Setup, with_recipe
from tenfold.studies.judgment import all_of, in_both
from tenfold.studies.readings import Comparison, Metrics, Selection
from tenfold.studies.searches import Chosen, Search
from tenfold.studies.study import Assumption, Claim, Deviation, Study
from tenfold.training import Adam, Recipe

# 1. What it reported.

REPORTED = {"test_accuracy": 0.9812, "precision": 0.9812, "recall": 0.9812, "f1": 0.9812}

# 2. What is run: a search over what was tuned by hand, its winner, and the same network untuned.

DROPOUT, BATCH_SIZE, EPOCHS = (0.2, 0.25, 0.3), (32, 64, 128), (10, 20, 30)

KERAS_ADAM = Recipe(
    optimizer=Adam(lr=0.001, epsilon=1e-7, convention="keras"), initializer="keras", batch_size=32, epochs=10
)


def candidate(dropout: float, batch_size: int, epochs: int) -> Setup:
    """Return one combination of the hand-tuned settings."""
    network = abdelsalam_mlp(dropout).named("abdelsalam-mlp")
    return Setup(network, replace(KERAS_ADAM, batch_size=batch_size, epochs=epochs))


CANDIDATES = Candidates(
    {
        f"dropout {dropout}, batch {batch_size}, {epochs} epochs": candidate(dropout, batch_size, epochs)
        for dropout in DROPOUT
        for batch_size in BATCH_SIZE
        for epochs in EPOCHS
    }
)

SCALES = {
    "smoke": Scale(seeds=2, epochs=0.1, train=600, test=200),
    "quick": Scale(seeds=2, epochs=0.1, train=12_000),
    "paper": Scale(seeds=5),
}
BASE = candidate(0.2, 32, 10)
TAKEN = "As taken: dropout 0.2, batch 32, 10 epochs"
INITIALIZED = {"PyTorch's": "torch", "Kaiming normal, zero bias": "kaiming-normal"}
RATES = (0.0005, 0.002)
OTHERS = {
    TAKEN: BASE,
    **{f"Initializer: {text}": with_recipe(BASE, initializer=name) for text, name in INITIALIZED.items()},
    **{f"Adam, lr {lr:g}": with_recipe(BASE, optimizer=replace(KERAS_ADAM.optimizer, lr=lr)) for lr in RATES},
}
TUNING, TUNED, UNTUNED, PLAIN = "Tuning by hand", "Tuned", "Untuned", "Without dropout"

EXPERIMENTS = (
    Experiment(TUNING, CANDIDATES, {**SCALES, "paper": Scale(seeds=3)}, readings=(SEARCH,)),
    Experiment(TUNED, candidate(0.25, 64, 20), SCALES, chosen_from=TUNING),
    Experiment(UNTUNED, BASE, SCALES),
    Experiment(PLAIN, candidate(0.0, 32, 10), SCALES),
    Experiment(
        "What we assume, otherwise",
        Candidates(OTHERS),
        {**SCALES, "paper": Scale(seeds=3)},
        readings=(SEARCH,),
    ),
)

# 3. What is claimed.

CLAIMS = (
    Claim(
        "ab-1",
        "Test accuracy, precision, recall and F1 all reach 98.12%.",
        in_both(
            lambda reading: all_of(
                *(
                    reaches(TUNED, 0.9812, metric=metric, reading=reading)
                    for metric in ("test_accuracy", "test_precision", "test_recall", "test_f1")
                )
            )
        ),
    ),
    Claim(
        "ab-2",
        "The curves show a good fit without significant overfitting.",
        fits_well(TUNED, gap=0.01, loss_rise=0.10),
    ),
    Claim(
        "ab-3",
        "Tuning batch size, epochs and dropout by hand improved the result.",
        in_both(lambda reading: better(TUNED, than=UNTUNED, reading=reading)),
    ),
)

# 4. What is shown.

PAPER_METRICS = {
    "test_accuracy": REPORTED["test_accuracy"],
    **{f"test_{metric}": REPORTED[metric] for metric in ("precision", "recall", "f1")},
}
PAPER_TEST = {TUNED: REPORTED["test_accuracy"]}

EXHIBITS = (
    SampleImages("The first 10 images", count=10),
    Diagrams("The network", ("abdelsalam-mlp",)),
    Summaries("Layers, output shapes, parameters", ("abdelsalam-mlp",)),
    Search("The search over the hand-tuned settings", TUNING),
    Chosen("What the search chose", TUNED),
    Curves("Accuracy and loss by epoch", TUNED, reported=REPORTED["test_accuracy"]),
    Metrics("The final model", TUNED, PAPER_METRICS),
    Comparison("Tuned, untuned and without dropout", (TUNED, UNTUNED, PLAIN), test=PAPER_TEST),
    Selection("What choosing the epoch on the test set would gain", (TUNED, UNTUNED, PLAIN)),
    PerClass("Precision, recall and F1 by digit", TUNED),
    Confusion("Confusion matrix", TUNED),
    Mistakes("Most confident mistakes", TUNED),
)

# 5. Where we deviate, and what we assume.

STUDY = Study(
    key="abdelsalam",
    title="Optimizing Handwritten Digit Recognition with Deep Learning",
    authors=("Farah Walid Abdelsalam",),
    framework="not stated; reads as Keras",
    summary=(
        "Trains one fully connected network (784, 512, 256, 10) with dropout on MNIST, tunes batch size, "
        "epochs and dropout by hand, and reports 98.12% for accuracy, precision, recall and F1 alike."
    ),
    reported=REPORTED,
    experiments=EXPERIMENTS,
    claims=CLAIMS,
    exhibits=EXHIBITS,
    deviations=(
        Deviation(
            "Settings were tuned by hand; on which images is not said.",
            "27 combinations are compared on 6,000 validation images (stratified, split seed 0) held out of "
            "the training set; the winner has the highest mean validation accuracy over seeds.",
            "A search that is written down can be repeated, and the test set stays unseen.",
        ),
        Deviation(
            "One final model.",
            "Several seeds, in two readings: trained on all 60,000 images with the test set watched (as "
            "published), and on 54,000 with the test set used once (honest).",
            "One run does not tell luck from merit.",
        ),
        Deviation(
            "The framework is not stated.",
            "Our PyTorch engine with Keras' conventions spelled out.",
            'One-hot labels and "categorical cross-entropy" are Keras\' terms.',
        ),
        Deviation(
            "No untuned result is given.",
            "The same network with dropout 0.2, batch size 32 and 10 epochs stands for it, and one without "
            "dropout beside it.",
            'Without a starting point, "tuning improved the result" cannot be judged.',
        ),
    ),
    assumptions=(
        Assumption(
            "Optimizer",
            "Adam, lr 0.001, betas 0.9 and 0.999, epsilon 1e-7",
            "Keras' defaults.",
            TAKEN,
            {f"lr {lr:g}": f"Adam, lr {lr:g}" for lr in RATES},
        ),
        Assumption(
            "Initializer",
            "Glorot uniform, zero bias",
            "Keras' default.",
            TAKEN,
            {text: f"Initializer: {text}" for text in INITIALIZED},
        ),
        Assumption("Dropout tried", "0.2, 0.25, 0.3", "The paper says 20-30%."),
        Assumption("Batch sizes tried", "32, 64, 128", "Usual values around Keras' default."),
        Assumption(
            "Epochs tried", "10, 20, 30", "Usual values; 10 and 20 are prefixes of 30 and cost nothing."
        ),
        Assumption("Averages of precision, recall and F1", "macro: every digit counts alike", "Not stated."),
        Assumption(
            "Significant overfitting",
            "a gap of over 1 point between training and validation accuracy, or a validation loss that ends "
            "over 10% above its lowest",
            "The paper gives no rule.",
        ),
    ),
    noticed=(
        "Optimizer settings, batch size, epochs and the tuned ranges are not given.",
        "Future work: CNNs, other optimizers.",
    ),
)

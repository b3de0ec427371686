"""Xiao Jun Lin, "Using Neural Network Model for Handwritten Images Classification"."""

from dataclasses import replace
from typing import Any

from tenfold.networks.zoo import NETWORKS, lin_enhanced_cnn
from tenfold.studies.claims import as_printed, best_of, better, less_overfit, ranking, reaches
from tenfold.studies.curve_claims import falls, lowest_sooner, rises
from tenfold.studies.exhibits import Confusion, Curves, Diagrams, Mistakes, PerClass, SampleImages, Summaries
from tenfold.studies.experiment import PUBLISHED, SEARCH, Candidates, Experiment, Scale, Setup, with_recipe
from tenfold.studies.judgment import all_of, in_both
from tenfold.studies.readings import Choice, Comparison, Ranking, Selection
from tenfold.studies.study import Assumption, Claim, Deviation, Study
from tenfold.training import SGD, Adam, Recipe, RMSprop

# 1. Where it comes from and what it reported (Tables 1-4, Appendices 1-4).

REPORTED: dict[str, list[dict[str, Any]]] = {
    "model": [
        {
            "name": "Simple NN",
            "layers": ["dense 32 relu", "dense 10 softmax"],
            "params": 25450,
            "optimizer": "SGD",
            "epochs": 100,
            "train": 0.9864,
            "validation": 0.9698,
            "rank": 7,
        },
        {
            "name": "Enhanced Simple NN",
            "layers": ["dense 128 sigmoid", "dense 64 sigmoid", "dense 10 softmax"],
            "params": 109386,
            "optimizer": "Adam",
            "epochs": 100,
            "train": 0.9997,
            "validation": 0.9778,
            "rank": 6,
        },
        {
            "name": "Simple CNN",
            "layers": [
                "conv 3x3x32 valid relu",
                "max-pool 2",
                "conv 3x3x32 valid relu",
                "max-pool 2",
                "flatten 800",
                "dense 100 relu",
                "dense 10 softmax",
            ],
            "params": 90678,
            "optimizer": "SGD",
            "epochs": 80,
            "train": 0.9995,
            "validation": 0.9882,
            "rank": 4,
        },
        {
            "name": "Enhanced CNN with Default SGD",
            "layers": [
                "conv 3x3x32 same relu",
                "conv 3x3x32 same relu",
                "max-pool 2",
                "conv 3x3x64 same relu",
                "conv 3x3x64 same relu",
                "average-pool 2",
                "flatten 3136",
                "dense 128 relu",
                "dense 64 relu",
                "dropout",
                "dense 10 softmax",
            ],
            "params": 475434,
            "optimizer": "SGD lr 0.01 momentum 0",
            "epochs": 80,
            "dropout": 0.5,
            "train": 0.9957,
            "validation": 0.9899,
            "rank": 3,
        },
        {
            "name": "Enhanced CNN with Modified SGD",
            "params": 475434,
            "optimizer": "SGD lr 0.005 momentum 0.5",
            "epochs": 80,
            "train": 0.9864,
            "validation": 0.9841,
            "rank": 5,
        },
        {
            "name": "Enhanced CNN with RMSprop",
            "params": 475434,
            "optimizer": "RMSprop",
            "epochs": 80,
            "train": 0.9996,
            "validation": 0.9924,
            "rank": 2,
        },
        {
            "name": "Enhanced CNN with Adam",
            "params": 475434,
            "optimizer": "Adam",
            "epochs": 50,
            "train": 0.9988,
            "validation": 0.9940,
            "rank": 1,
        },
    ]
}

RANKED: tuple[str, ...] = tuple(row["name"] for row in sorted(REPORTED["model"], key=lambda row: row["rank"]))
SIMPLE_NN, ENHANCED_NN, SIMPLE_CNN = "Simple NN", "Enhanced Simple NN", "Simple CNN"
DEFAULT_SGD, MODIFIED_SGD = "Enhanced CNN with Default SGD", "Enhanced CNN with Modified SGD"
RMSPROP, ADAM = "Enhanced CNN with RMSprop", "Enhanced CNN with Adam"
ADAM_80 = "Enhanced CNN with Adam, 80 epochs"
CNNS = (SIMPLE_CNN, DEFAULT_SGD, MODIFIED_SGD, RMSPROP, ADAM)
CHARTS = {  # numbers of the charts that show accuracy and loss by epoch
    1: SIMPLE_NN,
    2: ENHANCED_NN,
    3: SIMPLE_CNN,
    4: DEFAULT_SGD,
    5: MODIFIED_SGD,
    6: RMSPROP,
    7: ADAM_80,
    8: ADAM,
}

# 2. What is run. The paper leaves batch size, constants and initializer to Keras, whose defaults these are.


def trained(network: str, epochs: int, optimizer: SGD | RMSprop | Adam) -> Setup:
    """Return a network with Keras' batch size and initializer."""
    return Setup(NETWORKS[network], Recipe(epochs, 32, optimizer, initializer="keras"))


KERAS_SGD = SGD(lr=0.01)
KERAS_ADAM = Adam(lr=0.001, epsilon=1e-7, convention="keras")
KERAS_RMSPROP = RMSprop(lr=0.001, rho=0.9, epsilon=1e-7, convention="keras")

DENSE = {
    "smoke": Scale(seeds=2, epochs=0.02, train=600, test=200),
    "quick": Scale(seeds=3, epochs=0.04),
    "paper": Scale(seeds=5),
}
CONVOLUTIONAL = {
    "smoke": Scale(seeds=2, epochs=0.0125, train=300, test=200),
    "quick": Scale(seeds=2, epochs=0.05, train=3000, test=2000),
    "paper": Scale(seeds=3),
}

# What the paper leaves out, taken otherwise; the epochs are prefixes and cost nothing.
NN_TAKEN, CNN_TAKEN = "Enhanced Simple NN, as taken", "Enhanced CNN with Adam, as taken"
BASE_NN, BASE_CNN = trained("lin-enhanced-nn", 100, KERAS_ADAM), trained("lin-enhanced-cnn", 50, KERAS_ADAM)
BATCHES, LENGTHS, DROPOUTS = (64, 128), (25, 50), (0.25, 0.0)
NN_OTHERS = {
    NN_TAKEN: BASE_NN,
    **{f"Enhanced Simple NN, batch {size}": with_recipe(BASE_NN, batch_size=size) for size in BATCHES},
    **{f"Enhanced Simple NN, {length} epochs": with_recipe(BASE_NN, epochs=length) for length in LENGTHS},
    "Enhanced Simple NN, PyTorch's initializer": with_recipe(BASE_NN, initializer="torch"),
}
CNN_OTHERS = {
    CNN_TAKEN: BASE_CNN,
    **{
        f"Enhanced CNN with Adam, dropout {rate:g}": replace(BASE_CNN, network=lin_enhanced_cnn(rate))
        for rate in DROPOUTS
    },
}

EXPERIMENTS = (
    Experiment(SIMPLE_NN, trained("lin-simple-nn", 100, KERAS_SGD), DENSE),
    Experiment(ENHANCED_NN, trained("lin-enhanced-nn", 100, KERAS_ADAM), DENSE),
    Experiment(
        SIMPLE_CNN,
        trained("lin-simple-cnn", 80, KERAS_SGD),
        CONVOLUTIONAL | {"paper": Scale(seeds=5)},  # a quarter of an hour a seed
    ),
    Experiment(DEFAULT_SGD, trained("lin-enhanced-cnn", 80, KERAS_SGD), CONVOLUTIONAL),
    Experiment(MODIFIED_SGD, trained("lin-enhanced-cnn", 80, SGD(lr=0.005, momentum=0.5)), CONVOLUTIONAL),
    Experiment(RMSPROP, trained("lin-enhanced-cnn", 80, KERAS_RMSPROP), CONVOLUTIONAL),
    Experiment(ADAM, trained("lin-enhanced-cnn", 50, KERAS_ADAM), CONVOLUTIONAL),
    # Chart 7 alone: the 80 epochs that the paper cut to 50 after looking at the test set.
    Experiment(
        ADAM_80,
        trained("lin-enhanced-cnn", 80, KERAS_ADAM),
        {name: CONVOLUTIONAL[name] for name in ("quick", "paper")},
        readings=(PUBLISHED,),
    ),
    Experiment(
        "What we assume, otherwise: dense", Candidates(NN_OTHERS), DENSE | {"paper": Scale(3)}, (SEARCH,)
    ),
    Experiment("What we assume, otherwise: convolutional", Candidates(CNN_OTHERS), CONVOLUTIONAL, (SEARCH,)),
)

# 3. What is claimed.

CLAIMS = (
    Claim(
        "li-1",
        "Enhanced CNN with Adam is best, at 99.40% on the test set.",
        in_both(
            lambda reading: all_of(
                best_of(ADAM, among=RANKED, reading=reading), reaches(ADAM, 0.9940, reading=reading)
            )
        ),
    ),
    Claim(
        "li-2",
        "CNNs outperform fully connected networks.",
        in_both(lambda reading: all_of(*(better(cnn, than=ENHANCED_NN, reading=reading) for cnn in CNNS))),
    ),
    Claim(
        "li-3",
        "More dense layers and neurons raise accuracy, from 96.98% to 97.78%, and overfit more.",
        in_both(
            lambda reading: all_of(
                better(ENHANCED_NN, than=SIMPLE_NN, reading=reading),
                as_printed(ENHANCED_NN, 0.9778 - 0.9698, over=SIMPLE_NN, reading=reading),
                better(ENHANCED_NN, than=SIMPLE_NN, metric="gap", reading=reading),
            )
        ),
    ),
    Claim(
        "li-4",
        "The enhanced CNN beats the simple CNN slightly and generalizes better (smaller train-validation "
        "gap).",
        in_both(
            lambda reading: all_of(
                better(DEFAULT_SGD, than=SIMPLE_CNN, reading=reading),
                less_overfit(DEFAULT_SGD, than=SIMPLE_CNN, reading=reading),
            )
        ),
    ),
    Claim(
        "li-5",
        "SGD at lr 0.005 with momentum 0.5 is worse than the default SGD.",
        in_both(lambda reading: better(DEFAULT_SGD, than=MODIFIED_SGD, reading=reading)),
    ),
    Claim(
        "li-6",
        "Adam beats RMSprop beats SGD; Adam and RMSprop overfit sooner (loss rises from about epoch 20, "
        "accuracy falls after epoch 50).",
        in_both(
            lambda reading: all_of(
                better(ADAM, than=RMSPROP, reading=reading),
                better(RMSPROP, than=DEFAULT_SGD, reading=reading),
                lowest_sooner(RMSPROP, than=DEFAULT_SGD, reading=reading),
                lowest_sooner(ADAM, than=DEFAULT_SGD, reading=reading),
                rises(RMSPROP, metric="loss", since=20, window=5, reading=reading),
                rises(ADAM, metric="loss", since=20, window=5, reading=reading),
                # The 80 epochs were run as published alone, in either reading of the rest.
                falls(ADAM_80, metric="accuracy", since=50, window=5, reading=PUBLISHED),
            )
        ),
    ),
    Claim(
        "li-7",
        "The ranking of the seven models is that of Table 4.",
        in_both(lambda reading: ranking(RANKED, reading=reading)),
    ),
)

# 4. What is shown: every table and figure of the paper, then ours.

REPORTED_TRAIN = {row["name"]: row["train"] for row in REPORTED["model"]}
REPORTED_TEST = {row["name"]: row["validation"] for row in REPORTED["model"]}

EXHIBITS = (
    SampleImages("Figure 1: the first 10 images", count=10),
    Diagrams(
        "Figures 2-6: network structures",
        ("lin-simple-nn", "lin-enhanced-nn", "lin-simple-cnn", "lin-enhanced-cnn"),
    ),
    *(
        Curves(
            f"Chart {number}: {name}",
            name,
            reported_train=REPORTED_TRAIN.get(name),
            reported=REPORTED_TEST.get(name),
        )
        for number, name in CHARTS.items()
    ),
    Comparison(
        "Table 1: Simple NN and Enhanced Simple NN",
        (SIMPLE_NN, ENHANCED_NN),
        train=REPORTED_TRAIN,
        test=REPORTED_TEST,
    ),
    Comparison(
        "Table 2: Simple CNN and Enhanced CNN",
        (SIMPLE_CNN, DEFAULT_SGD),
        train=REPORTED_TRAIN,
        test=REPORTED_TEST,
    ),
    Comparison(
        "Table 3: Enhanced CNN with different optimizers",
        (DEFAULT_SGD, MODIFIED_SGD, RMSPROP, ADAM),
        train=REPORTED_TRAIN,
        test=REPORTED_TEST,
    ),
    Ranking("Table 4: ranking of performance", RANKED, test=REPORTED_TEST),
    Choice("What choosing the model on the test set gains", {"Model": RANKED}),
    Selection("What choosing the epoch on the test set would gain", RANKED),
    Summaries(
        "Appendices 1-4: layers, output shapes, parameters",
        ("lin-simple-nn", "lin-enhanced-nn", "lin-simple-cnn", "lin-enhanced-cnn"),
    ),
    PerClass("Precision and recall by digit: Enhanced CNN with Adam", ADAM),
    Confusion("Confusion matrix: Enhanced CNN with Adam", ADAM),
    Mistakes("Most confident mistakes: Enhanced CNN with Adam", ADAM),
)

# 5. Where we deviate, and what we assume.

STUDY = Study(
    key="lin",
    title="Using Neural Network Model for Handwritten Images Classification",
    authors=("Xiao Jun Lin",),
    framework="TensorFlow / Keras",
    summary=(
        "Trains two fully connected and two convolutional networks on MNIST, tries four optimizers on the "
        "larger CNN, and ranks seven models by their accuracy on the test set, which also served as "
        "validation data."
    ),
    reported=REPORTED,
    experiments=EXPERIMENTS,
    claims=CLAIMS,
    exhibits=EXHIBITS,
    deviations=(
        Deviation(
            "The test set serves as validation data: models, optimizers and the number of epochs were "
            "chosen on it.",
            "Run twice: as published, and in an honest reading in which 6,000 training images (stratified, "
            "split seed 0) are held out for validation and the test set is used once, after the last epoch.",
            "A test set that was used for choosing no longer tells how well a network does on unseen digits.",
        ),
        Deviation(
            "One run of each model.",
            "Several seeds, with the 95% interval of their mean; claims are judged on differences paired by "
            "seed.",
            "The published differences are of the size of those between two seeds.",
        ),
        Deviation(
            "TensorFlow with Keras.",
            "Our PyTorch engine with Keras' initializer, optimizer constants and placing of epsilon spelled "
            "out. From the same weights and batches it gives Keras' losses to 1e-4 over 20 steps.",
            "One engine for all studies, so that they can be compared.",
        ),
        Deviation(
            "Training accuracy as Keras prints it: a running mean over the last epoch, in training mode.",
            "That number stands in the tables; gaps between training and held-out accuracy are computed "
            "from the final weights without dropout.",
            "A running mean lags behind the weights, and dropout lowers it, so it hides overfitting.",
        ),
    ),
    assumptions=(
        Assumption(
            "Batch size",
            "32",
            "Keras' default; the paper gives none.",
            NN_TAKEN,
            {f"{size} (Enhanced Simple NN)": f"Enhanced Simple NN, batch {size}" for size in BATCHES},
        ),
        Assumption(
            "Initializer",
            "Glorot uniform, zero bias",
            "Keras' default; the paper gives none.",
            NN_TAKEN,
            {"PyTorch's (Enhanced Simple NN)": "Enhanced Simple NN, PyTorch's initializer"},
        ),
        Assumption(
            "Epochs of Enhanced Simple NN",
            "100",
            "As for Simple NN, to which it is compared.",
            NN_TAKEN,
            {f"{length}": f"Enhanced Simple NN, {length} epochs" for length in LENGTHS},
        ),
        Assumption(
            "Epochs of Simple CNN and of Enhanced CNN with SGD",
            "80",
            'The charts of the other CNNs show 80, and modified SGD has "the same number of epochs".',
        ),
        Assumption(
            "Optimizer of Simple CNN", "SGD, lr 0.01", "Keras' default, as for the enhanced CNN after it."
        ),
        Assumption(
            "Dropout rate of Enhanced CNN",
            "0.5",
            "The usual rate after a dense layer.",
            CNN_TAKEN,
            {f"{rate:g} (with Adam)": f"Enhanced CNN with Adam, dropout {rate:g}" for rate in DROPOUTS},
        ),
        Assumption(
            "To overfit sooner",
            "the held-out loss is lowest in an earlier epoch, of those that both networks ran",
            "The paper reads it from charts, which show the loss rise.",
        ),
    ),
    noticed=(
        "Validation and test are the same 10,000 images.",
        "lr 0.005 with momentum 0.5 has the same effective step as lr 0.01 without momentum, yet scores "
        "0.58 points lower.",
        "Dropout rate, batch size and several epochs are not stated.",
        "Future work: augmentation, pretraining, ensembles.",
    ),
)

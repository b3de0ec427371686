"""Xueju Hao, "Research on Optimization of Deep Learning in Handwritten Digit Recognition"."""

from dataclasses import replace
from typing import Any

from tenfold.networks.architecture import Architecture
from tenfold.networks.zoo import hao_cnn, hao_mlp
from tenfold.studies.claims import (
    as_printed,
    best_of,
    better,
    less_overfit,
    matters_more,
    ratio_between,
    reaches,
)
from tenfold.studies.exhibits import Confusion, Curves, Diagrams, PerClass
from tenfold.studies.experiment import PUBLISHED, SEARCH, Candidates, Experiment, Scale, Setup, with_recipe
from tenfold.studies.grids import Grid, Ours, Paper, Ratio, Row
from tenfold.studies.judgment import all_of, in_both
from tenfold.studies.readings import Choice, Selection
from tenfold.studies.study import Assumption, Claim, Deviation, Study
from tenfold.training import Adam, Recipe

# 1. What it reported: Tables 1 to 5.

TABLE_1: tuple[dict[str, Any], ...] = (
    {"model": "MLP", "train": 0.985, "test": 0.958, "minutes_per_50_epochs": 8.2},
    {"model": "Lightweight CNN", "train": 0.991, "test": 0.972, "minutes_per_50_epochs": 15.6},
)
TABLE_2 = (  # hidden layers, neurons, train, test
    (1, 64, 0.972, 0.943),
    (1, 128, 0.981, 0.951),
    (1, 256, 0.983, 0.955),
    (2, 128, 0.985, 0.958),
    (3, 128, 0.988, 0.952),
)
TABLE_3: tuple[tuple[tuple[int, ...], int, float], ...] = (  # kernels of each layer, dense units, test
    ((16, 32), 128, 0.961),
    ((32, 64), 128, 0.972),
    ((64, 128), 128, 0.973),
    ((32, 64, 64), 128, 0.978),
    ((32, 64, 64), 256, 0.976),
)
TABLE_4 = (  # model, dropout, train as printed, test, train - test in points
    ("MLP", 0.0, 0.985, 0.958, 2.7),
    ("MLP", 0.2, 0.962, 0.962, 1.9),
    ("MLP", 0.3, 0.965, 0.965, 1.3),
    ("MLP", 0.5, 0.961, 0.961, 0.8),
    ("CNN", 0.0, 0.978, 0.978, 1.5),
    ("CNN", 0.2, 0.982, 0.982, 0.8),
    ("CNN", 0.3, 0.986, 0.986, 0.3),
    ("CNN", 0.5, 0.980, 0.980, 0.2),
)
TABLE_5 = (  # learning rate, batch size, epochs, test, epochs to converge
    (0.0001, 64, 80, 0.980, 75),
    (0.001, 64, 80, 0.986, 45),
    (0.01, 64, 80, 0.979, 30),
    (0.001, 32, 80, 0.984, 50),
    (0.001, 64, 50, 0.982, 45),
    (0.001, 64, 100, 0.985, 45),
)

REPORTED: dict[str, Any] = {
    "table1": [dict(row) for row in TABLE_1],
    "table2": {"rows": [list(row) for row in TABLE_2]},
    "table3": {"rows": [[list(kernels), dense, test] for kernels, dense, test in TABLE_3]},
    "table4": {"rows": [list(row) for row in TABLE_4]},
    "table5": {"rows": [list(row) for row in TABLE_5]},
}

# 2. What is run: every row of the tables, and what the paper announces but does not print.

ADAM = Recipe(
    epochs=50,
    batch_size=64,
    optimizer=Adam(lr=0.001, epsilon=1e-7, convention="keras"),
    initializer="keras",
)
TUNED_EPOCHS = 80
DROPOUTS = (0.0, 0.2, 0.3, 0.4, 0.5)
MLP_STRUCTURES = tuple((depth, units) for depth in (1, 2, 3) for units in (64, 128, 256))
CNN_STRUCTURES: tuple[tuple[tuple[int, ...], int], ...] = (
    ((16, 32), 128),
    ((32, 64), 64),
    ((32, 64), 128),
    ((32, 64), 256),
    ((64, 128), 128),
    ((16, 32, 64), 128),
    ((32, 64, 64), 64),
    ((32, 64, 64), 128),
    ((32, 64, 64), 256),
)

DENSE = {
    "smoke": Scale(seeds=1, epochs=0.02, train=600, test=200),
    "quick": Scale(seeds=2, epochs=0.06, train=12_000),
    "paper": Scale(seeds=5),
}
CONVOLUTIONAL = {
    "smoke": Scale(seeds=1, epochs=0.0125, train=150, test=100),
    "quick": Scale(seeds=2, epochs=0.04, train=1200, test=2000),
    "paper": Scale(seeds=3),
}
"""Over half an hour a seed, but for the two smallest networks."""
SMALLEST = ((16, 32), (16, 32, 64))


def mlp(depth: int, units: int) -> str:
    """Return the name of an experiment on the structure of the MLP."""
    return f"MLP {depth}x{units}"


def cnn(kernels: tuple[int, ...], dense: int) -> str:
    """Return the name of an experiment on the structure of the CNN."""
    return f"CNN {'-'.join(map(str, kernels))}/{dense}"


def dropped(model: str, dropout: float) -> str:
    """Return the name of an experiment on dropout."""
    return f"{model}, dropout {dropout:g}"


def tuned(lr: float = 0.001, batch_size: int = 64, epochs: int = TUNED_EPOCHS) -> str:
    """Return the name of an experiment of Table 5."""
    return f"Tuned CNN, lr {lr:g}, batch {batch_size}, {epochs} epochs"


def best_cnn(dropout: float) -> Architecture:
    """Return the best CNN of Table 3 with dropout."""
    return hao_cnn(32, 64, 64, dropout=dropout).named(
        "hao-cnn" if not dropout else f"hao-cnn-dropout-{dropout:g}"
    )


# What the paper leaves out, taken otherwise.
MLP_TAKEN, CNN_TAKEN = "MLP 2x128, as taken", "CNN 32-64-64/128, as taken"
BASE_MLP, BASE_CNN = Setup(hao_mlp().named("hao-mlp"), ADAM), Setup(best_cnn(0.0), ADAM)
BATCHES, LENGTHS = (32, 128), (20, 80)
MLP_OTHERS = {
    MLP_TAKEN: BASE_MLP,
    **{f"MLP 2x128, batch {size}": with_recipe(BASE_MLP, batch_size=size) for size in BATCHES},
    **{f"MLP 2x128, {length} epochs": with_recipe(BASE_MLP, epochs=length) for length in LENGTHS},
    "MLP 2x128, PyTorch's initializer": with_recipe(BASE_MLP, initializer="torch"),
}
CNN_OTHERS = {
    CNN_TAKEN: BASE_CNN,
    "CNN 32-64-64/128, three poolings": replace(BASE_CNN, network=hao_cnn(32, 64, 64, pools=3)),
}

EXPERIMENTS = (
    *(
        Experiment(
            mlp(depth, units),
            Setup(hao_mlp(depth, units).named(f"hao-mlp-{depth}x{units}"), ADAM),
            DENSE,
        )
        for depth, units in MLP_STRUCTURES
    ),
    *(
        Experiment(
            cnn(kernels, dense),
            Setup(
                hao_cnn(*kernels, units=dense).named(f"hao-cnn-{'-'.join(map(str, kernels))}-dense-{dense}"),
                ADAM,
            ),
            CONVOLUTIONAL | ({"paper": Scale(seeds=5)} if kernels in SMALLEST else {}),
        )
        for kernels, dense in CNN_STRUCTURES
    ),
    *(
        Experiment(
            dropped("MLP", dropout),
            Setup(hao_mlp(dropout=dropout).named(f"hao-mlp-dropout-{dropout:g}"), ADAM),
            DENSE,
        )
        for dropout in DROPOUTS[1:]
    ),
    *(
        Experiment(
            dropped("CNN", dropout),
            Setup(best_cnn(dropout), replace(ADAM, epochs=TUNED_EPOCHS)),
            CONVOLUTIONAL,
        )
        for dropout in DROPOUTS
        if dropout != 0.3
    ),
    *(
        Experiment(
            tuned(lr, batch_size, epochs),
            Setup(
                best_cnn(0.3),
                replace(ADAM, batch_size=batch_size, epochs=epochs, optimizer=replace(ADAM.optimizer, lr=lr)),
            ),
            CONVOLUTIONAL,
        )
        for lr, batch_size, epochs, *_ in TABLE_5
    ),
    Experiment(
        "What we assume, otherwise: MLP", Candidates(MLP_OTHERS), DENSE | {"paper": Scale(3)}, (SEARCH,)
    ),
    Experiment("What we assume, otherwise: CNN", Candidates(CNN_OTHERS), CONVOLUTIONAL, (SEARCH,)),
)

MLP, LIGHTWEIGHT, BEST = mlp(2, 128), cnn((32, 64), 128), cnn((32, 64, 64), 128)
DROPPED = {
    # Two of them are rows of other tables too, and are run once.
    "MLP": {0.0: MLP, **{dropout: dropped("MLP", dropout) for dropout in DROPOUTS[1:]}},
    "CNN": {dropout: tuned() if dropout == 0.3 else dropped("CNN", dropout) for dropout in DROPOUTS},
}

# 3. What is claimed.

CLAIMS = (
    Claim(
        "ha-1",
        "The lightweight CNN (97.2%) beats the MLP (95.8%) and takes about twice the time.",
        in_both(
            lambda reading: all_of(
                better(LIGHTWEIGHT, than=MLP, reading=reading),
                as_printed(LIGHTWEIGHT, 0.972 - 0.958, over=MLP, rounding=0.0005, reading=reading),
                reaches(LIGHTWEIGHT, 0.972, reading=reading, rounding=0.0005),
                reaches(MLP, 0.958, reading=reading, rounding=0.0005),
                ratio_between(LIGHTWEIGHT, MLP, 1.5, 2.5, reading=reading),
            )
        ),
    ),
    Claim(
        "ha-2",
        "The best MLP has 2 hidden layers of 128; a third layer makes it worse.",
        in_both(
            lambda reading: best_of(
                MLP, among=tuple(mlp(depth, units) for depth, units, *_ in TABLE_2), reading=reading
            )
        ),
    ),
    Claim(
        "ha-3",
        "The best CNN has 3 convolutional layers (32, 64, 64) and 128 dense neurons, 97.8%.",
        in_both(
            lambda reading: all_of(
                best_of(
                    BEST, among=tuple(cnn(kernels, dense) for kernels, dense, _ in TABLE_3), reading=reading
                ),
                reaches(BEST, 0.978, reading=reading, rounding=0.0005),
            )
        ),
    ),
    Claim(
        "ha-4",
        "Dropout 0.3 is best for both models: MLP 95.8 to 96.5, CNN 97.8 to 98.6, and it closes the "
        "train-test gap.",
        in_both(
            lambda reading: all_of(
                *(best_of(of[0.3], among=tuple(of.values()), reading=reading) for of in DROPPED.values()),
                reaches(DROPPED["MLP"][0.3], 0.965, reading=reading, rounding=0.0005),
                reaches(DROPPED["CNN"][0.3], 0.986, reading=reading, rounding=0.0005),
                *(
                    as_printed(
                        DROPPED[model][0.3], gain, over=DROPPED[model][0.0], rounding=0.0005, reading=reading
                    )
                    for model, gain in (("MLP", 0.965 - 0.958), ("CNN", 0.986 - 0.978))
                ),
                *(less_overfit(of[0.3], than=of[0.0], reading=reading) for of in DROPPED.values()),
            )
        ),
    ),
    Claim(
        "ha-5",
        "Learning rate matters most; 0.001 beats 0.01 and 0.0001.",
        in_both(
            lambda reading: all_of(
                better(tuned(), than=tuned(lr=0.01), reading=reading),
                better(tuned(), than=tuned(lr=0.0001), reading=reading),
                *(
                    matters_more((tuned(lr=0.0001), tuned(), tuned(lr=0.01)), than=others, reading=reading)
                    for others in (
                        (tuned(batch_size=32), tuned()),
                        (tuned(epochs=50), tuned(), tuned(epochs=100)),
                    )
                ),
            )
        ),
    ),
    Claim(
        "ha-6",
        "Batch 64 beats 32 slightly and takes 30% less time.",
        in_both(
            lambda reading: all_of(
                better(tuned(), than=tuned(batch_size=32), reading=reading),
                ratio_between(tuned(), tuned(batch_size=32), 0.6, 0.8, reading=reading),
            )
        ),
    ),
    Claim(
        "ha-7",
        "80 epochs is best; 100 overfits slightly.",
        in_both(
            lambda reading: all_of(
                better(tuned(), than=tuned(epochs=50), reading=reading),
                better(tuned(), than=tuned(epochs=100), reading=reading),
                better(tuned(epochs=100), than=tuned(), metric="gap", reading=reading),
            )
        ),
    ),
)

# 4. What is shown: Tables 1 to 5 with what the paper announces, and the curves.

TRAIN_PAPER, TEST_PAPER, CONVERGED_PAPER = "Training, paper", "Test, paper", "Converged, paper"
TRAIN = Ours("Training", "train_accuracy", reading=PUBLISHED, help="of the final weights, without dropout.")
TESTS = (
    Ours("Test, as published", "test_accuracy", reading=PUBLISHED),
    Ours("Test, honest", "test_accuracy"),
)
GAP = Ours("Training − test", "gap", reading=PUBLISHED, unit="points", help="both without dropout.")
CONVERGED = Ours(
    "Converged",
    "convergence_epoch",
    reading=PUBLISHED,
    unit="epoch",
    percent=False,
    digits=1,
    help="the first epoch whose test accuracy lies within 0.1 points of the best.",
)
SECONDS = Ours("Training time", "seconds", reading=PUBLISHED, unit="s", percent=False, digits=1)
MLP_PRINTED = {
    (depth, units): {TRAIN_PAPER: train, TEST_PAPER: test} for depth, units, train, test in TABLE_2
}
CNN_PRINTED = {(kernels, dense): {TEST_PAPER: test} for kernels, dense, test in TABLE_3}
DROPOUT_PRINTED = {
    (model, dropout): {TRAIN_PAPER: train, TEST_PAPER: test, "Gap, paper": gap}
    for model, dropout, train, test, gap in TABLE_4
}

EXHIBITS = (
    Diagrams("The two basic networks", ("hao-mlp", "hao-cnn-lightweight")),
    Grid(
        "Table 1: the basic models",
        ("Model",),
        (
            Paper(TRAIN_PAPER),
            TRAIN,
            Paper(TEST_PAPER),
            *TESTS,
            Paper("Minutes, paper", "min", percent=False, digits=1),
            SECONDS,
            Ratio("Time ratio", "image_seconds", to=MLP, reading=PUBLISHED),
        ),
        tuple(
            Row(
                (str(row["model"]),),
                name,
                {
                    TRAIN_PAPER: float(row["train"]),
                    TEST_PAPER: float(row["test"]),
                    "Minutes, paper": float(row["minutes_per_50_epochs"]),
                },
            )
            for row, name in zip(TABLE_1, (MLP, LIGHTWEIGHT), strict=True)
        ),
    ),
    Grid(
        "Table 2: structure of the MLP, with what is announced but not printed",
        ("Hidden layers", "Neurons"),
        (Paper(TRAIN_PAPER), TRAIN, Paper(TEST_PAPER), *TESTS, SECONDS),
        tuple(
            Row((depth, units), mlp(depth, units), MLP_PRINTED.get((depth, units), {}))
            for depth, units in MLP_STRUCTURES
        ),
    ),
    Grid(
        "Table 3: structure of the CNN, with what is announced but not printed",
        ("Kernels", "Dense"),
        (Paper(TEST_PAPER), TRAIN, *TESTS, SECONDS),
        tuple(
            Row(
                ("-".join(map(str, kernels)), dense),
                cnn(kernels, dense),
                CNN_PRINTED.get((kernels, dense), {}),
            )
            for kernels, dense in CNN_STRUCTURES
        ),
    ),
    Grid(
        "Table 4: dropout, with the announced 0.4",
        ("Model", "Dropout"),
        (
            Paper(TRAIN_PAPER),
            TRAIN,
            Paper(TEST_PAPER),
            *TESTS,
            Paper("Gap, paper", "points", percent=False, digits=1),
            GAP,
        ),
        tuple(
            Row((model, dropout), name, DROPOUT_PRINTED.get((model, dropout), {}))
            for model, of in DROPPED.items()
            for dropout, name in of.items()
        ),
    ),
    Grid(
        "Table 5: learning rate, batch size, epochs",
        ("Learning rate", "Batch", "Epochs"),
        (
            Paper(TEST_PAPER),
            *TESTS,
            Paper(CONVERGED_PAPER, "epoch", percent=False, digits=0),
            CONVERGED,
            SECONDS,
            Ratio("Time ratio", "image_seconds", to=tuned(batch_size=32), reading=PUBLISHED),
        ),
        tuple(
            Row(
                (f"{lr:g}", batch_size, epochs),
                tuned(lr, batch_size, epochs),
                {TEST_PAPER: test, CONVERGED_PAPER: converged},
            )
            for lr, batch_size, epochs, test, converged in TABLE_5
        ),
    ),
    Curves("MLP, training and test images", MLP, reported=0.958, reported_train=0.985, converged=0),
    Curves(
        "Lightweight CNN, training and test images",
        LIGHTWEIGHT,
        reported=0.972,
        reported_train=0.991,
        converged=0,
    ),
    *(
        Curves(
            f"Tuned CNN, training and test images, lr {lr:g}, batch {batch_size}",
            tuned(lr, batch_size, epochs),
            reported=test,
            converged=converged,
        )
        for lr, batch_size, epochs, test, converged in TABLE_5
        if epochs == TUNED_EPOCHS
    ),
    Choice(
        "What choosing on the test set gains",
        {
            "Structure of the MLP": tuple(mlp(depth, units) for depth, units in MLP_STRUCTURES),
            "Structure of the CNN": tuple(cnn(kernels, dense) for kernels, dense in CNN_STRUCTURES),
            **{f"Dropout of the {model}": tuple(of.values()) for model, of in DROPPED.items()},
            "Learning rate, batch size, epochs": tuple(tuned(*row[:3]) for row in TABLE_5),
        },
    ),
    Selection("What choosing the epoch on the test set would gain", (MLP, LIGHTWEIGHT, BEST, tuned())),
    PerClass("Precision, recall and F1 by digit: tuned CNN", tuned()),
    Confusion("Confusion matrix: tuned CNN", tuned()),
)

# 5. Where we deviate, and what we assume.

STUDY = Study(
    key="hao",
    title="Research on Optimization of Deep Learning in Handwritten Digit Recognition",
    authors=("Xueju Hao",),
    source="doi:10.23977/cpcs.2025.090108",
    framework="TensorFlow 2.5",
    summary=(
        "Varies depth and width of an MLP and of a small CNN, then dropout for both, then learning rate, "
        "batch size and epochs of the best CNN, and reports 98.6% for it after tuning."
    ),
    reported=REPORTED,
    experiments=EXPERIMENTS,
    claims=CLAIMS,
    exhibits=EXHIBITS,
    deviations=(
        Deviation(
            "Structures, dropout, learning rate, batch size and epochs are chosen by their test accuracy.",
            "Run twice: as published, and in an honest reading in which 6,000 training images (stratified, "
            "split seed 0) are held out for validation and the test set is used once.",
            "A test set that was used for choosing no longer tells how well a network does on unseen digits.",
        ),
        Deviation(
            "One run of each network.",
            "Several seeds, with the 95% interval of their mean; claims are judged on differences paired by "
            "seed.",
            "The published differences are of the size of those between two seeds.",
        ),
        Deviation(
            "TensorFlow 2.5.",
            "Our PyTorch engine with Keras' initializer, optimizer constants and placing of epsilon spelled "
            "out.",
            "One engine for all studies, so that they can be compared.",
        ),
        Deviation(
            "Training accuracy as printed: in Table 4 it repeats the test accuracy for seven of eight rows.",
            "Training accuracy is that of the final weights, measured without dropout.",
            "Only so does its distance to the test accuracy say something about overfitting.",
        ),
        Deviation(
            "Training time in minutes on an RTX 3060.",
            "Ratios of processor times of one core on one machine, without the time spent on measuring.",
            "Minutes are the machine's; the claims are about ratios.",
        ),
        Deviation(
            "Of the structures and dropout rates that section 3.2 announces, some are not printed.",
            "All are run: MLPs of 1 to 3 layers by 64, 128 and 256; dense layers of 64; kernels 16, 32, 64; "
            "dropout 0.4.",
            "What was left out may have been left out for its result.",
        ),
    ),
    assumptions=(
        Assumption(
            "Batch size of Tables 1 to 4",
            "64",
            "Stated for Table 5 alone.",
            MLP_TAKEN,
            {f"{size} (MLP 2x128)": f"MLP 2x128, batch {size}" for size in BATCHES},
        ),
        Assumption(
            "Epochs of Tables 2 and 3 and of the MLPs of Table 4",
            "50",
            "Stated for Table 1.",
            MLP_TAKEN,
            {f"{length} (MLP 2x128)": f"MLP 2x128, {length} epochs" for length in LENGTHS},
        ),
        Assumption(
            "Epochs of the CNNs of Table 4", "80", "With dropout 0.3 it prints Table 5's accuracy after 80."
        ),
        Assumption(
            "Pooling after the third convolution",
            "none",
            'The best network has "2 pooling layers".',
            CNN_TAKEN,
            {"as after the others": "CNN 32-64-64/128, three poolings"},
        ),
        Assumption(
            "Initializer and Adam's constants",
            "Keras' defaults",
            "Not stated.",
            MLP_TAKEN,
            {"PyTorch's initializer (MLP 2x128)": "MLP 2x128, PyTorch's initializer"},
        ),
        Assumption(
            "Convergence",
            "the first epoch whose held-out accuracy lies within 0.1 points of the best",
            "The paper gives no rule.",
        ),
        Assumption("About twice the time", "1.5 to 2.5 times", "The paper measured 1.9 times."),
        Assumption("30% less time", "0.6 to 0.8 times", "The paper prints no times for it."),
    ),
    noticed=(
        "Table 4 prints the test accuracy again as training accuracy for seven of eight rows; the gap "
        "column implies other values.",
        "Its plain MLP and CNN are far below what the same networks usually reach.",
        "How convergence is judged is not stated: use the first epoch within 0.1 points of the best.",
        "The text gives the gap of the CNN with dropout 0.3 as 0.5 points, Table 4 as 0.3.",
        "The text says that 97.5% is reached with more kernels, Table 3 has 97.3%.",
        "Future work: augmentation, BatchNorm, MobileNet, ShuffleNet, bank documents, exam marking, "
        "embedded devices.",
    ),
)

"""The questions that several papers answer, and where each of them does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from tenfold.studies import abdelsalam, hao, lin, shrestha
from tenfold.studies.contrasts import Contrast, Marginal
from tenfold.studies.experiment import PUBLISHED, SEARCH


@dataclass(frozen=True)
class Question:
    """A question that several papers answer.

    Attributes
    ----------
    text : str
    about : str
        The aspect of a network or recipe that it asks about, as `contrasts.apart` calls it. What differs in
        more is shown, and not counted.
    contrasts : tuple of Contrast or Marginal
    """

    text: str
    about: str
    contrasts: tuple[Contrast | Marginal, ...]


WORDS = {"relu": "ReLU", "kaiming": "Kaiming", "xavier": "Xavier"}


def corrected(first: int, second: int, claimed: str = "+") -> Contrast:
    """Return the contrast of two of Shrestha and Paudel's experiments, with the true gradient."""
    better, worse = (shrestha.named(number, shrestha.CORRECTED) for number in (first, second))
    (_, *ours), (_, *theirs) = (
        (number, shrestha.sizes(layers), WORDS.get(activation, activation), WORDS.get(start, start))
        for number, layers, start, activation, *_ in (shrestha.TABLE[place - 1] for place in (first, second))
    )
    pairs = list(zip(ours, theirs, strict=True))
    apart = " − ".join(", ".join(pair[side] for pair in pairs if pair[0] != pair[1]) for side in (0, 1))
    common = ", ".join(pair[0] for pair in pairs if pair[0] == pair[1])
    what = f"{apart} ({common}; experiments {first} and {second}, corrected)"
    return Contrast("shrestha", better, worse, claimed, what=what)


def tried(study: str, first: str, second: str, what: str) -> Contrast:
    """Return the contrast of two candidates of a search, of which the paper says nothing."""
    return Contrast(study, first, second, "", SEARCH, what)


def swept() -> Iterator[Contrast]:
    """Yield the learning rate that Shrestha and Paudel's experiments take against the others swept."""
    taken = shrestha.ALONE.optimizer.lr
    for number, variant in shrestha.SWEPT:
        name = shrestha.named(number, variant)
        for rate in shrestha.LEARNING_RATES:
            if rate != taken:
                first, second = f"{name}, lr {taken:g}", f"{name}, lr {rate:g}"
                yield tried("shrestha", first, second, f"{name}: SGD {taken:g} − {rate:g}")


def grid(setting: str, value: str, other: str, claimed: str = "+") -> Iterator[Marginal]:
    """Yield a setting of Okon's grid over all candidates, and over those with ReLU alone.

    Those with Softmax hardly learn, whatever else is set, and so draw every effect toward nothing.
    """
    yield Marginal(setting, value, other, claimed)
    yield Marginal(setting, value, other, claimed, only={"nonlinear": "ReLU"})


QUESTIONS = (
    Question(
        "MLP or CNN?",
        "kind",
        (
            Contrast("lin", lin.SIMPLE_CNN, lin.SIMPLE_NN, reading=PUBLISHED, epoch=80),
            Contrast("lin", lin.ADAM, lin.ENHANCED_NN),
            Contrast("hao", hao.LIGHTWEIGHT, hao.MLP),
            Contrast("hao", hao.BEST, hao.MLP),
            Contrast("okon", "CNN", "ANN", reading=PUBLISHED, what="baselines: CNN − ANN"),
        ),
    ),
    Question(
        "Which optimizer?",
        "optimizer",
        (
            # The 50 epochs of Adam that the paper compares were cut from 80 after looking at the test set.
            Contrast("lin", lin.ADAM_80, lin.RMSPROP, reading=PUBLISHED, what="Enhanced CNN: Adam − RMSprop"),
            Contrast("lin", lin.RMSPROP, lin.DEFAULT_SGD, what="Enhanced CNN: RMSprop − SGD"),
            Contrast("lin", lin.DEFAULT_SGD, lin.MODIFIED_SGD, what="Enhanced CNN: default − modified SGD"),
            *grid("optimizer", "Adam", "RMSprop"),
        ),
    ),
    Question(
        "Which learning rate?",
        "learning rate",
        (
            Contrast("hao", hao.tuned(), hao.tuned(lr=0.01), what="Tuned CNN: Adam 0.001 − 0.01"),
            Contrast("hao", hao.tuned(), hao.tuned(lr=0.0001), what="Tuned CNN: Adam 0.001 − 0.0001"),
            Contrast("okon", "Section V", "Section IV", what="final CNN: Adam 0.0001 − 0.001"),
            *grid("lr", "0.0001", "0.001"),
            *swept(),
            *(
                tried("abdelsalam", abdelsalam.TAKEN, f"Adam, lr {rate:g}", f"MLP: Adam 0.001 − {rate:g}")
                for rate in abdelsalam.RATES
            ),
        ),
    ),
    Question(
        "How much dropout?",
        "dropout",
        (
            *(
                Contrast("hao", of[0.3], of[other], what=f"{model}: dropout 0.3 − {other:g}")
                for model, of in hao.DROPPED.items()
                for other in hao.DROPOUTS
                if other != 0.3
            ),
            Contrast("abdelsalam", "Untuned", "Without dropout", what="MLP: dropout 0.2 − 0"),
            *(
                tried(
                    "abdelsalam",
                    f"dropout 0.2, batch {batch_size}, 30 epochs",
                    f"dropout 0.3, batch {batch_size}, 30 epochs",
                    f"MLP, batch {batch_size}, 30 epochs: dropout 0.2 − 0.3",
                )
                for batch_size in abdelsalam.BATCH_SIZE
            ),
            *(
                tried(
                    "shrestha",
                    shrestha.DROPOUT_TAKEN,
                    f"Experiment 18, corrected: dropout {rate:g}",
                    f"Experiment 18, corrected: dropout 0.2 − {rate:g}",
                )
                for rate in shrestha.DROPOUTS
            ),
            *(
                tried(
                    "lin",
                    lin.CNN_TAKEN,
                    f"Enhanced CNN with Adam, dropout {rate:g}",
                    f"Enhanced CNN: dropout 0.5 − {rate:g}",
                )
                for rate in lin.DROPOUTS
            ),
        ),
    ),
    Question(
        "How deep?",
        "depth",
        (
            Contrast("hao", hao.mlp(2, 128), hao.mlp(1, 128)),
            Contrast("hao", hao.mlp(3, 128), hao.mlp(2, 128), "-"),
            Contrast("hao", hao.BEST, hao.LIGHTWEIGHT),
            Contrast("lin", lin.ENHANCED_NN, lin.SIMPLE_NN),
            corrected(11, 1, "-"),
            corrected(14, 6, "-"),
            corrected(15, 1, "-"),
            # Not in the paper's table.
            *(
                Contrast("hao", hao.mlp(depth, units), hao.mlp(depth - 1, units), "")
                for units in (64, 256)
                for depth in (2, 3)
            ),
            tried(
                "shrestha",
                "PyTorch: hidden layers of 20 and 10",
                shrestha.TORCH_TAKEN,
                f"{shrestha.sizes([784, 20, 10, 10])} − {shrestha.sizes([784, 20, 10])} (PyTorch, 10 epochs)",
            ),
        ),
    ),
    Question(
        "How wide?",
        "width",
        (
            Contrast("hao", hao.mlp(1, 256), hao.mlp(1, 64)),
            Contrast("hao", hao.cnn((64, 128), 128), hao.LIGHTWEIGHT),
            Contrast("hao", hao.cnn((32, 64, 64), 256), hao.BEST, "-"),
            corrected(6, 1),
            corrected(7, 2),
            corrected(8, 3),
            corrected(10, 5),
            # Not in the paper's table.
            *(Contrast("hao", hao.mlp(depth, 256), hao.mlp(depth, 64), "") for depth in (2, 3)),
            *grid("out_units", "30", "20", "-"),
            *grid("fout_units", "50", "40", "-"),
        ),
    ),
    Question(
        "Which activation?",
        "activation",
        (corrected(1, 4), corrected(1, 5), corrected(6, 10), Marginal("nonlinear", "ReLU", "Softmax")),
    ),
    Question(
        "Which initialization?",
        "initializer",
        (
            corrected(2, 1),
            corrected(3, 1),
            corrected(7, 6),
            corrected(8, 6),
            tried(
                "shrestha",
                shrestha.KAIMING_TAKEN,
                "Experiment 7, corrected: Kaiming uniform",
                "Kaiming normal − Kaiming uniform (experiment 7, corrected)",
            ),
            tried(
                "shrestha",
                shrestha.TORCH_TAKEN,
                "PyTorch: Kaiming normal",
                "PyTorch's − Kaiming normal (PyTorch network, 10 epochs)",
            ),
            *(
                tried("abdelsalam", abdelsalam.TAKEN, f"Initializer: {text}", f"MLP: Glorot uniform − {text}")
                for text in abdelsalam.INITIALIZED
            ),
            tried(
                "lin",
                lin.NN_TAKEN,
                "Enhanced Simple NN, PyTorch's initializer",
                "Enhanced Simple NN: Glorot uniform − PyTorch's",
            ),
            tried(
                "hao",
                hao.MLP_TAKEN,
                "MLP 2x128, PyTorch's initializer",
                "MLP 2x128: Glorot uniform − PyTorch's",
            ),
        ),
    ),
    Question(
        "Does the framework matter?",
        "engine",
        (
            # A framework that explains the published difference of 3.45 points gives at least one of them.
            Contrast("shrestha", shrestha.TORCH_FULL, shrestha.NUMPY_FULL, least=1.0),
            Contrast("shrestha", shrestha.TORCH_MINI, shrestha.NUMPY_MINI, least=1.0),
            Contrast(
                "shrestha",
                shrestha.NUMPY_MINI,
                shrestha.NUMPY_FULL,
                "",
                what="not the framework but the recipe, in NumPy: mini-batch − full batch",
            ),
        ),
    ),
)


STUDIED = tuple(dict.fromkeys(chain.from_iterable([c.study for c in q.contrasts] for q in QUESTIONS)))
"""The studies that the page draws on."""

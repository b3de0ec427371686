"""Time to an accuracy: our recipes, and networks as other libraries' documentation trains them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

from tenfold.benchmarks.benchmark import Benchmark, Goal, Measure, Side, Values

GOALS = (0.990, 0.994)
HELD_OUT = 6000
OURS = ("sprint", "fast")
PYTORCH, KERAS, SKORCH = "PyTorch, DataLoader loop", "Keras 3 on torch", "skorch"
EPOCHS = {PYTORCH: 8, KERAS: 10, SKORCH: 10}
"""The most that are trained of what their documentation has: 14, 15 and 10."""

SLOW = 2
"""How often the others are measured: a training of theirs takes minutes. Ratios are of so many repeats."""


class Clock:
    """Counts seconds of training, by the wall and of the processor, and notes when a goal was reached.

    Only what happens between `start` and `stop` counts: measuring the accuracy does not.
    """

    def __init__(self) -> None:
        self.seconds = self.processor = 0.0
        self.epochs = 0
        self.best = 0.0
        self.reached: dict[float, float | None] = dict.fromkeys(GOALS)

    def start(self) -> None:
        """Training goes on."""
        self._began = perf_counter(), process_time()

    def stop(self, epochs: int = 1) -> None:
        """So many epochs are done."""
        self.seconds += perf_counter() - self._began[0]
        self.processor += process_time() - self._began[1]
        self.epochs += epochs

    def measured(self, accuracy: float) -> bool:
        """Note the accuracy on the held-out images; return whether every goal is reached."""
        self.best = max(self.best, accuracy)
        for goal, when in self.reached.items():
            if when is None and accuracy >= goal:
                self.reached[goal] = self.seconds
        return all(when is not None for when in self.reached.values())

    def values(self, test: float) -> Values:
        """Return what is told of a side that ends with this accuracy on the test images."""
        return {
            **{f"to_{goal}": when for goal, when in self.reached.items()},
            "seconds": self.seconds,
            "cpu_seconds": self.processor,
            "epochs": self.epochs,
            "held_out": self.best,
            "test": test,
        }


def digits(seed: int, smoke: bool) -> tuple[Any, Any, Any]:
    """Return training, held-out and test images: MNIST's, 6,000 of the 60,000 held out by the seed."""
    from tenfold.data import load
    from tenfold.data.splits import hold_out

    found = load("mnist")
    train, held = hold_out(found.train, HELD_OUT, seed=seed)
    if smoke:
        return train.take(slice(0, 600)), held.take(slice(0, 200)), found.test.take(slice(0, 200))
    return train, held, found.test


def ours(name: str) -> Callable[[int, bool], Values]:
    """Return a side that trains one of our networks by its recipe, to its end."""

    def measure(repeat: int, smoke: bool) -> Values:
        from tenfold.networks import get
        from tenfold.training import default_recipe, get_engine, train

        images, held, test = digits(repeat, smoke)
        recipe = default_recipe(name)
        engine, network, clock = get_engine("torch", device="cpu"), get(name), Clock()
        clock.start()
        trained = train(network, recipe, images, engine=engine, seed=repeat)
        clock.stop(recipe.epochs)

        def accuracy(data: Any) -> float:
            logits = engine.logits(network, trained.weights, data.images)
            return float((logits.argmax(axis=1) == data.labels).mean())

        clock.measured(accuracy(held))
        return clock.values(accuracy(test))

    return measure


def pytorch(repeat: int, smoke: bool) -> Values:
    """Train the network that PyTorch's own MNIST example has, in the loop that its tutorials teach."""
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(repeat)
    parts = digits(repeat, smoke)
    images, held, test = (
        TensorDataset(
            ((torch.from_numpy(part.images).float() / 255 - 0.1307) / 0.3081)[:, None],
            torch.from_numpy(part.labels),
        )
        for part in parts
    )
    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5)),
        nn.Linear(128, 10),
    )
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    loader, clock = DataLoader(images, batch_size=64, shuffle=True), Clock()

    def accuracy(data: TensorDataset) -> float:
        model.eval()
        with torch.inference_mode():
            right = sum(int((model(x).argmax(1) == y).sum()) for x, y in DataLoader(data, batch_size=1000))
        return right / len(data)

    for _ in range(1 if smoke else EPOCHS[PYTORCH]):
        clock.start()
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]  # so it is in torch
            optimizer.step()
        schedule.step()
        clock.stop()
        if clock.measured(accuracy(held)):
            break
    return clock.values(accuracy(test))


def keras(repeat: int, smoke: bool) -> Values:
    """Train the "simple MNIST convnet" of Keras' documentation; torch computes."""
    import keras

    keras.utils.set_random_seed(repeat)
    (x, y), (x_held, y_held), (x_test, y_test) = (
        (part.images[..., None].astype("float32") / 255, part.labels) for part in digits(repeat, smoke)
    )
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *(layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2)),
            *(layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2)),
            *(layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax")),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    clock = Clock()

    def accuracy(images: Any, labels: Any) -> float:
        return float((model.predict(images, batch_size=1000, verbose=0).argmax(axis=1) == labels).mean())

    for _ in range(1 if smoke else EPOCHS[KERAS]):
        clock.start()
        model.fit(x, y, batch_size=128, epochs=1, verbose=0)
        clock.stop()
        if clock.measured(accuracy(x_held, y_held)):
            break
    return clock.values(accuracy(x_test, y_test))


def skorch(repeat: int, smoke: bool) -> Values:
    """Train the convolutional network of skorch's MNIST tutorial."""
    import torch
    from skorch import NeuralNetClassifier
    from torch import nn

    torch.manual_seed(repeat)
    (x, y), (x_held, y_held), (x_test, y_test) = (
        (part.images[:, None].astype("float32") / 255, part.labels) for part in digits(repeat, smoke)
    )
    module = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3), nn.Dropout2d(0.5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(1600, 100), nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 10)),
    )
    net = NeuralNetClassifier(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.002,
        max_epochs=1,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    net.initialize()
    clock = Clock()
    for _ in range(1 if smoke else EPOCHS[SKORCH]):
        clock.start()
        net.partial_fit(x, y)
        clock.stop()
        if clock.measured(net.score(x_held, y_held)):
            break
    return clock.values(net.score(x_test, y_test))


def mlp(repeat: int, smoke: bool) -> Values:
    """Train scikit-learn's MLPClassifier as it comes."""
    from sklearn.neural_network import MLPClassifier

    (x, y), (x_held, y_held), (x_test, y_test) = (
        (part.images.reshape(len(part), -1) / 255, part.labels) for part in digits(repeat, smoke)
    )
    model, clock = MLPClassifier(random_state=repeat, **({"max_iter": 2} if smoke else {})), Clock()
    clock.start()
    model.fit(x, y)
    clock.stop(model.n_iter_)
    clock.measured(model.score(x_held, y_held))
    return clock.values(model.score(x_test, y_test))


def _sides() -> tuple[Side, ...]:
    from tenfold.networks.zoo import NETWORKS

    own = [Side(f"Tenfold, {name}", ours(name), ("torch",)) for name in OURS if name in NETWORKS]
    return (
        *own,
        Side(PYTORCH, pytorch, ("torch",), repeats=SLOW),
        Side(KERAS, keras, ("keras", "torch"), repeats=SLOW),
        Side(SKORCH, skorch, ("skorch", "torch"), repeats=SLOW),
        Side("scikit-learn, MLPClassifier", mlp, ("sklearn",), repeats=SLOW),
    )


BENCHMARK = Benchmark(
    "accuracy",
    "Time to an accuracy",
    "MNIST; 6,000 of the 60,000 training images held out (stratified; another split each repeat, whose "
    "number is the seed), the rest trained on; two threads, or as many as there are cores. Seconds of "
    "training alone: libraries imported, images in memory, and what it takes to measure the accuracy left "
    "out. **Ours** train the fixed length of their recipe, multiply in bfloat16 (their precision is mixed) "
    "and are measured once, at the end. **The others** compute in float32, as they come; they are measured "
    "on the held-out images after each epoch, and the first epoch that reaches the goal counts, which favors "
    "them; they train as their documentation has it: PyTorch's example network (Adadelta 1.0, falling by 0.7 "
    "an epoch, batches of 64; at most 8 epochs of its 14, after which its rate is below a tenth) on tensors "
    "in memory, Keras' simple convnet (Adam, 128; at most 10 epochs of its 15), the convolutional network of "
    "skorch's tutorial (Adam 0.002, 128, at most its 10; without its internal validation), scikit-learn's "
    "defaults (one hidden layer of 100, until it no longer improves). A dash: not reached in every repeat. "
    "The test accuracy is that of the last weights, measured once. No seconds of scikit-learn's count epoch "
    "by epoch: it was measured at its end.",
    _sides(),
    (
        Measure("to_0.99", "to 99.0%", "s", 1, better="less"),
        Measure("to_0.994", "to 99.4%", "s", 1, better="less"),
        Measure("seconds", "whole training", "s", 1),
        Measure("cpu_seconds", "processor", "s", 1),
        Measure("epochs", "epochs", "", 0),
        Measure("held_out", "best held out", "%", 2, percent=True),
        Measure("test", "test", "%", 2, percent=True),
    ),
    reference=PYTORCH,
    goals=(
        Goal(
            "`sprint` gets 99.0% of the held-out images right in every repeat, in the mean within 6 s on two "
            "cores (over ten seeds, on the test set: recipes.md)",
            "Tenfold, sprint",
            "to_0.99",
            6,
        ),
        Goal(
            "`fast` gets 99.4% of the held-out images right in every repeat, in the mean within 25 s on two "
            "cores (over ten seeds, on the test set: recipes.md)",
            "Tenfold, fast",
            "to_0.994",
            25,
        ),
    ),
)

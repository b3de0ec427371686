"""Networks trained together get what each would have got alone."""

from dataclasses import replace

import numpy as np
import pytest

from tenfold import seeds
from tenfold.errors import TrainingError, TrainingStopped
from tenfold.networks import (
    GELU,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    network,
)
from tenfold.training import SGD, Adam, Recipe, get_engine, numpy_blocks, train
from tenfold.training.checkpoint import load_checkpoint
from tenfold.training.numpy_population import LARGEST, Member, Population
from tenfold.training.population import train_population


def recipe(epochs=8, lr=0.5, **changes):
    return Recipe(
        **{"epochs": epochs, "batch_size": "full", "optimizer": SGD(lr), "precision": "float64"} | changes
    )


DEEP = network(784)(Dense(6), Sigmoid(), Dropout(0.3), Dense(5), Sigmoid(), Dropout(0.3), Dense(10))
MEMBERS = (
    Member(network(784)(Dense(4), ReLU(), Dense(10)), recipe(initializer="uniform(-0.5, 0.5)"), seed=0),
    Member(network(784)(Dense(7), Tanh(), Dense(10)), recipe(optimizer=Adam(lr=0.01)), seed=1),
    # Alike but for their seeds, so that their masks differ.
    Member(DEEP, recipe(lr=0.1), seed=1),
    Member(DEEP, recipe(lr=0.2, initializer="keras"), seed=3),
    Member(DEEP, recipe(lr=0.1), seed=1, backward="shrestha"),
    Member(network(784)(Dense(3), Tanh(), Dense(10)), recipe(lr=0.05), seed=2, backward="shrestha"),
    Member(
        network(784)(Dense(8), GELU(), Dense(6), LeakyReLU(), Dense(5), Softmax(), Dense(10, bias=False)),
        recipe(
            loss="squared-error", label_smoothing=0.1, optimizer=SGD(0.3, momentum=0.9, weight_decay=0.01)
        ),
        seed=0,
    ),
)


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train.take(slice(0, 1500)), mnist.test.take(slice(0, 100))


def test_each_network_is_trained_as_it_would_be_alone(images, monkeypatch):
    # Several blocks pass through, of several pieces each.
    monkeypatch.setattr(numpy_blocks, "PIECE", 100)
    data, held = images
    together = train_population(MEMBERS, data, monitors={"validation": held}, monitor_every=4)
    for member, found in zip(MEMBERS, together, strict=True):
        alone = train(
            member.architecture,
            member.recipe,
            data,
            engine=get_engine("numpy", backward=member.backward),
            seed=member.seed,
            monitors={"validation": held},
            monitor_every=4,
        )
        assert found.weights.keys() == alone.weights.keys()
        for key, array in alone.weights.items():
            assert np.allclose(found.weights[key], array, rtol=1e-6, atol=1e-9), key
        rows = {row["epoch"]: row for row in alone.history}
        assert [row["epoch"] for row in found.history] == [4, 8]
        for row in found.history:
            for column in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr"):
                assert row[column] == pytest.approx(rows[row["epoch"]][column], rel=1e-9), column


def test_in_single_precision_losses_agree_to_four_digits_over_fifty_steps(images):
    data, _ = images
    data = data.take(slice(0, 700))
    members = [
        Member(
            each.architecture, each.recipe.change({"precision": "float32", "epochs": 50}), 5, each.backward
        )
        for each in MEMBERS
    ]
    together = train_population(members, data)
    for member, found in zip(members, together, strict=True):
        engine = get_engine("numpy", backward=member.backward)
        alone = train(member.architecture, member.recipe, data, engine=engine, seed=5)
        assert found.history.column("train_loss") == pytest.approx(
            alone.history.column("train_loss"), abs=1e-4
        )
        assert found.weights[next(iter(found.weights))].dtype == np.float32


def test_each_of_fifty_steps_has_the_loss_that_the_torch_engine_has(images, monkeypatch):
    # A step takes all images, so that an epoch is a step, and its mean loss that step's.
    pytest.importorskip("torch")
    data, engine = images[0].take(slice(0, 300)), get_engine("torch", device="cpu")
    members = [
        Member(each.architecture, each.recipe.change({"precision": "float32", "epochs": 50}), each.seed)
        for each in MEMBERS
        if each.backward == "true"
    ]
    together = [each.history.column("train_loss") for each in train_population(members, data)]

    def alone(member):
        trained = train(member.architecture, member.recipe, data, engine=engine, seed=member.seed)
        return pytest.approx(trained.history.column("train_loss"), abs=1e-4)

    for member, losses in zip(members, together, strict=True):
        assert len(losses) == 50
        assert losses == alone(member)
    # With the masks of another seed they would not agree.
    key = seeds.key
    monkeypatch.setattr(seeds, "key", lambda seed, *name: key(seed + (name[0] == "dropout"), *name))
    assert members[2].architecture == DEEP
    assert together[2] != alone(members[2])


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_whole_training_of_2500_steps_ends_where_it_would_have_alone(images, precision):
    # The published backward pass is chaotic: rounding alone leads its networks apart, float32's in any case.
    data, held = images
    data = data.take(slice(0, 300))
    members = [
        Member(each.architecture, each.recipe.change({"precision": precision, "epochs": 2500}), each.seed)
        for each in MEMBERS
        if each.backward == "true"
    ]
    together = train_population(members, data, monitors={"validation": held}, monitor_every=250)
    for member, found in zip(members, together, strict=True):
        engine = get_engine("numpy")
        alone = train(
            member.architecture,
            member.recipe,
            data,
            engine=engine,
            seed=member.seed,
            monitors={"validation": held},
        )
        last, wanted = found.history.rows[-1], alone.history.rows[-1]
        assert last["train_loss"] == pytest.approx(wanted["train_loss"], abs=1e-3)
        assert last["train_accuracy"] == pytest.approx(wanted["train_accuracy"], abs=1.1 / len(data))
        assert last["validation_accuracy"] == pytest.approx(
            wanted["validation_accuracy"], abs=1.1 / len(held)
        )


def test_threads_change_no_bit(images, monkeypatch):
    monkeypatch.setattr(numpy_blocks, "PIECE", 50)
    alone, crowd = (Population(MEMBERS, images[0]) for _ in range(2))
    for threads in (2, 3, 50):
        alone.step()
        crowd.step(threads=threads)

    states = alone.state(), crowd.state()
    assert states[0].keys() == states[1].keys()
    for key in states[0]:
        np.testing.assert_array_equal(*(state[key] for state in states), err_msg=key)
    assert [learner.loss for learner in alone.learners] == [learner.loss for learner in crowd.learners]


def test_what_goes_wrong_in_a_thread_is_told(images, monkeypatch):
    population = Population(MEMBERS, images[0].take(slice(0, 50)))

    def blow(*_):
        raise MemoryError("no room")

    monkeypatch.setattr("tenfold.training.numpy_stack.Stack.learn", blow)
    with pytest.raises(MemoryError, match="no room"):
        population.step(threads=2)


def test_networks_that_scale_their_images_read_the_blank_pixels_too(images):
    data, _ = images
    member = Member(network(784, mean=0.13, std=0.31)(Dense(5), ReLU(), Dense(10)), recipe(), seed=0)
    (found,) = train_population([member], data)
    alone = train(member.architecture, member.recipe, data, engine=get_engine("numpy"))
    for key, array in alone.weights.items():
        assert np.allclose(found.weights[key], array, rtol=1e-6, atol=1e-9), key


def test_a_population_that_was_stopped_goes_on_to_the_same_bits(images, tmp_path):
    data, _ = images
    whole = train_population(MEMBERS, data)

    def stop(part):
        if part > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStopped, match="after epoch 4 of 8"):
        train_population(MEMBERS, data, folder=tmp_path, on_progress=stop)
    assert load_checkpoint(tmp_path).epoch == 4
    again = train_population(MEMBERS, data, folder=tmp_path)
    for a, b in zip(whole, again, strict=True):
        assert all(np.array_equal(a.weights[key], b.weights[key]) for key in a.weights)
    with pytest.raises(TrainingError, match="the checkpoint of another population"):
        train_population(MEMBERS[:2], data, folder=tmp_path)


@pytest.mark.parametrize("lr", [3.0, 1e200])
def test_a_network_that_runs_away_leaves_the_others_alone(images, lr):
    data, held = images
    calm = MEMBERS[0]
    # The printed backward pass is unbounded: weights feed their own growth.
    start = {"initializer": "uniform(-0.5, 0.5)"}
    tanh = network(784)(Dense(4), Tanh(), Dense(10))
    wild = Member(tanh, recipe(lr=lr, epochs=40, **start), seed=0, backward="shrestha")
    calm = Member(calm.architecture, recipe(epochs=40, **start), seed=0)
    found, lost = train_population([calm, wild], data, monitors={"validation": held}, monitor_every=40)
    (alone,) = train_population([calm], data, monitor_every=40)
    assert all(np.allclose(found.weights[key], alone.weights[key], rtol=1e-6) for key in alone.weights)
    assert found.history.column("diverged") == [0]
    assert 1 <= lost.history.column("diverged")[0] <= 40
    assert lost.history.column("train_loss") == [None]
    # It can still be measured.
    assert all(np.abs(array).max() <= LARGEST for array in lost.weights.values())
    assert np.isfinite(get_engine("numpy").logits(lost.architecture, lost.weights, held.images)).all()
    assert lost.history.column("validation_loss")[0] is not None


def test_what_cannot_be_trained_together_is_refused(images):
    data, _ = images
    dense = MEMBERS[0].architecture
    with pytest.raises(TrainingError, match="a dense layer first"):
        Member(network(28, 28)(Conv(2, 3), Flatten(), Dense(10)), recipe(), 0)
    with pytest.raises(TrainingError, match="dense layers, dropout and activations"):
        Member(network(784)(Dense(4), BatchNorm(), ReLU(), Dense(10)), recipe(), 0)
    with pytest.raises(TrainingError, match="batch_size 'full'"):
        Member(dense, recipe(batch_size=32), 0)
    with pytest.raises(TrainingError, match="equally many epochs"):
        train_population([MEMBERS[0], Member(dense, recipe(epochs=3), 0)], data)
    with pytest.raises(TrainingError, match="the same precision"):
        train_population([MEMBERS[0], Member(dense, recipe(precision="float32"), 0)], data)
    scaled = network(784, mean=0.5, std=0.5)(Dense(4), ReLU(), Dense(10))
    with pytest.raises(TrainingError, match="scale their images alike"):
        train_population([MEMBERS[0], Member(scaled, recipe(), 0)], data)


def test_members_that_are_the_same_are_computed_once_and_keep_their_names(images):
    data, _ = images
    members = [replace(MEMBERS[0], architecture=MEMBERS[0].architecture.named(name)) for name in "ab"]
    members.append(replace(MEMBERS[0], seed=7))
    population = Population(members, data.take(slice(0, 50)))
    assert population.learners[0] is population.learners[1]
    assert population.learners[0] is not population.learners[2]
    first, second, other = train_population(members, data.take(slice(0, 50)))
    assert [first.architecture.name, second.architecture.name, other.seed] == ["a", "b", 7]
    for key, array in first.weights.items():
        assert (second.weights[key] == array).all()
        assert key.endswith("bias") or (other.weights[key] != array).any()

from dataclasses import replace

import numpy as np
import pytest

from tenfold.data import Dataset
from tenfold.errors import NetworkError, StoreError, TrainingError, TrainingStopped
from tenfold.evaluation import confidence_thresholds, evaluate
from tenfold.models.fit import Fit, fit, model_folder, read_predictions
from tenfold.networks import Dense, network
from tenfold.runs import Store, identity
from tenfold.training import INITIALIZERS, Recipe, get_engine, initial_weights
from tenfold.training.distillation import Teacher

NETWORK = network(16)(Dense(3), name="tiny")
ENGINE = get_engine("numpy")


def dataset(count, seed, name):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 80, (count, 4, 4), dtype=np.uint8)
    images[np.arange(count), labels] = 255
    return Dataset(images, labels, tuple("abc"), name)


@pytest.fixture
def plan():
    return Fit(
        NETWORK, Recipe(epochs=3, batch_size=8), dataset(60, 0, "x/train"), test=dataset(30, 1, "x/test")
    )


def test_a_fit_is_trained_measured_saved_and_kept(plan, tmp_path):
    store = Store(tmp_path)
    made = fit(plan, engine=ENGINE, store=store, tags={"why": "test"})

    assert not made.repeated
    assert store.find(identity(plan.what(ENGINE))) == made.run
    assert made.run.tags == {"why": "test"}
    probabilities = made.model().predict_proba(plan.test.images)
    assert made.run.metrics["test"] == evaluate(plan.test.labels, probabilities, plan.test.classes).to_dict()
    assert made.model().card["results"]["x/test"]["accuracy"] == made.run.metrics["test_accuracy"]
    assert made.model().classes == ("a", "b", "c")


def test_the_same_fit_is_not_trained_twice(plan, tmp_path):
    store = Store(tmp_path)
    first = fit(plan, engine=ENGINE, store=store)
    epochs = []
    again = fit(plan, engine=ENGINE, store=store, on_epoch=epochs.append)

    assert again.repeated
    assert again.run == first.run
    assert epochs == []


def test_validation_images_are_watched_and_part_of_what_the_run_is(plan, tmp_path):
    watched = replace(plan, validation=dataset(15, 2, "x/held"))
    made = fit(watched, engine=ENGINE, store=Store(tmp_path))

    assert identity(watched.what(ENGINE)) != identity(plan.what(ENGINE))
    assert made.run.history["validation_accuracy"][-1] == made.run.metrics["validation_accuracy"]


def test_held_out_images_tell_from_which_confidence_on_a_model_may_be_trusted(plan, tmp_path):
    held = dataset(300, 2, "x/held")
    watched = replace(plan, recipe=replace(plan.recipe, epochs=10), validation=held)

    made = fit(watched, engine=ENGINE, store=Store(tmp_path)).model()

    stated = made.card["thresholds"]
    assert stated["basis"] == "measured on 300 held-out images"
    found = confidence_thresholds(held.labels, made.predict_proba(held.images))
    assert stated["confidence"] == {f"{rate:g}": level for rate, level in found.items()}
    assert stated["confidence"]["0.05"] is not None
    assert stated["confidence"]["0.001"] is None  # 300 images cannot tell
    assert "thresholds" not in fit(plan, engine=ENGINE, store=Store(tmp_path)).model().card


def test_an_interrupted_fit_goes_on_to_the_same_bits(plan, tmp_path):
    def stop(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    store = Store(tmp_path / "stopped")
    with pytest.raises(TrainingStopped):
        fit(plan, engine=ENGINE, store=store, on_epoch=stop)
    assert store.list() == ()
    epochs = []
    resumed = fit(plan, engine=ENGINE, store=store, on_epoch=lambda progress: epochs.append(progress.epoch))
    whole = fit(plan, engine=ENGINE, store=Store(tmp_path / "whole"))

    assert epochs == [3]
    for key, value in whole.model().weights.items():
        np.testing.assert_array_equal(resumed.model().weights[key], value)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_what_was_stopped_while_it_was_measured_is_not_trained_again(plan, tmp_path, monkeypatch, failure):
    def stop(*_):
        raise failure

    store = Store(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("tenfold.models.fit.evaluate", stop)
        with pytest.raises(TrainingStopped if failure is KeyboardInterrupt else RuntimeError):
            fit(plan, engine=ENGINE, store=store)
    assert store.list() == ()
    epochs = []
    made = fit(plan, engine=ENGINE, store=store, on_epoch=epochs.append)

    assert epochs == []
    assert len(made.run.history["epoch"]) == 3
    assert sorted(path.name for path in made.run.folder.iterdir()) == ["model", "predictions.npz"]


def test_classes_must_be_as_many_as_the_network_tells_apart(plan):
    other = Dataset(plan.train.images, plan.train.labels, tuple("abcd"), "x/four")

    with pytest.raises(NetworkError, match="tiny tells 3 classes apart, but x/four has 4"):
        Fit(NETWORK, plan.recipe, other)


def test_a_model_that_was_deleted_is_told(plan, tmp_path):
    made = fit(plan, engine=ENGINE, store=Store(tmp_path))
    for file in made.folder.iterdir():
        file.unlink()
    made.folder.rmdir()

    with pytest.raises(StoreError, match=f"tenfold runs remove {made.run.id[:12]}"):
        model_folder(made.run)


def test_what_was_said_of_the_test_set_is_kept(plan, tmp_path):
    made = fit(plan, engine=ENGINE, store=Store(tmp_path))
    found = read_predictions(made.run)
    probabilities = made.model().predict_proba(plan.test.images)

    np.testing.assert_array_equal(found["truth"], plan.test.labels)
    np.testing.assert_array_equal(found["predicted"], probabilities.argmax(axis=1))
    np.testing.assert_array_equal(found["confidence"], probabilities.max(axis=1))
    assert [found[name].dtype for name in ("truth", "predicted", "confidence")] == ["u1", "u1", "f4"]

    (made.run.folder / "predictions.npz").write_bytes(b"no zip")
    with pytest.raises(StoreError, match=r"predictions.npz is damaged"):
        read_predictions(made.run)


def test_without_a_test_part_there_are_no_predictions(plan, tmp_path):
    from dataclasses import replace

    assert read_predictions(fit(replace(plan, test=None), engine=ENGINE, store=Store(tmp_path)).run) is None


def test_who_taught_it_is_part_of_what_a_run_is_and_another_teacher_makes_another_run(plan, tmp_path):
    def taught_by(seed):
        weights = initial_weights(NETWORK, INITIALIZERS["torch"], seed)
        recipe = plan.recipe.change({"distillation.teacher": "somebody"})
        return replace(plan, recipe=recipe, teacher=Teacher(NETWORK, weights))

    store = Store(tmp_path)
    one, two = (fit(taught_by(seed), engine=ENGINE, store=store) for seed in (1, 2))
    assert one.run.id != two.run.id
    assert fit(taught_by(1), engine=ENGINE, store=store).repeated
    assert one.model().card["recipe"]["distillation"]["teacher"] == "somebody"
    with pytest.raises(TrainingError, match="learns from 'somebody', and no teacher is given"):
        fit(replace(taught_by(1), teacher=None), engine=ENGINE, store=store)

"""The sides do what they say; how long they take is nothing for tests."""

import os
import sys

import numpy as np
import pytest

from tenfold.benchmarks import accuracy, experiments, grid, growth, inference, startup
from tenfold.benchmarks.benchmark import Growth
from tenfold.benchmarks.suite import SUITE
from tenfold.errors import BenchmarkError
from tenfold.networks import get


@pytest.mark.parametrize("benchmark", SUITE.values(), ids=list(SUITE))
def test_every_benchmark_is_whole(benchmark):
    names = [side.name for side in benchmark.sides]

    assert len(set(names)) == len(names)
    assert len(benchmark.protocol) > 100
    assert isinstance(benchmark, Growth) or benchmark.reference in names
    assert bool(benchmark.measures) != isinstance(benchmark, Growth)
    for goal in benchmark.goals:
        keys = {measure.key for measure in benchmark.measures if measure.better}
        assert {goal.measure, *(key for key, _ in goal.also)} <= keys
    for side in benchmark.sides:
        assert benchmark.reference_of(side) in {*names, ""}


def test_the_clock_notes_the_first_time_that_a_goal_was_reached():
    clock, seen = accuracy.Clock(), []
    for reached in (0.98, 0.991, 0.989, 0.995):
        clock.start()
        clock.stop()
        seen.append((clock.seconds, clock.measured(reached)))

    values = clock.values(test=0.99)

    assert values["to_0.99"] == seen[1][0]
    assert values["to_0.994"] == seen[3][0]
    assert [done for _, done in seen] == [False, False, False, True]
    assert (values["epochs"], values["held_out"], values["test"]) == (4, 0.995, 0.99)


def test_a_goal_that_was_not_reached_has_no_time():
    clock = accuracy.Clock()
    clock.start()
    clock.stop(7)
    clock.measured(0.9)

    assert clock.values(0.9)["to_0.99"] is None


def test_no_held_out_image_is_trained_on():
    train, held, test = accuracy.digits(seed=3, smoke=False)

    assert (len(train), len(held), len(test)) == (54_000, 6_000, 10_000)
    known = {image.tobytes() for image in train.images}
    assert sum(image.tobytes() in known for image in held.images) == 0


def test_plain_numpy_and_the_population_take_the_same_steps():
    every, data = experiments.members(), experiments.images(smoke=True)
    plain = [experiments._PlainNetwork(member) for member in every]
    x, wanted = data.images.reshape(len(data), -1).T / 255, np.eye(10)[data.labels].T

    from tenfold.training.numpy_population import Population

    population = Population(every, data)
    for _ in range(3):
        losses = [network.step(x, wanted) for network in plain]
        population.step(counted=False)

    found = [learner.loss for learner in population.learners]
    alike = [not experiments.has_dropout(member) for member in every]
    assert sum(alike) == 15
    np.testing.assert_allclose(np.array(losses)[alike], np.array(found)[alike], rtol=1e-10)
    np.testing.assert_allclose(losses, found, rtol=0.2)  # other masks


def test_a_search_falls_short_by_what_its_winner_lacks_of_the_best_in_noises_of_pairs():
    scores = {"poor": (0.5, 0.5, 0.5), "near": (0.90, 0.80, 0.70), "top": (0.93, 0.80, 0.76)}

    behind, noise = grid.shortfall(scores, "near")

    assert grid.best(scores) == "top"
    assert behind == pytest.approx(0.03)
    # Differences of 0.03, 0 and 0.06: a standard deviation of 0.03, of the mean of three 0.03 / sqrt(3).
    assert noise == pytest.approx(0.03 / 3**0.5)
    assert grid.shortfall(scores, "top") == (0, 0)


def test_the_grid_counts_the_whole_and_tells_it_net_of_the_start(monkeypatch):
    searched = []

    def spent(kind, images, points, seed):
        searched.append((kind, images, points, seed))
        far = {"low": (0.7, 0.8, 0.6), "high": (0.9, 0.9, 0.9)}
        near = {"low": (0.7, 0.8, 0.6)}
        cpu = 3.0 if images == grid.START else 20.0
        scores = near if kind == "halving" else far
        return {"cpu_seconds": cpu, "seconds": 11.0, "epochs": 5, "scores": scores}

    monkeypatch.setattr(grid, "_spent", spent)
    halved = grid.measured("halving")(1, False)
    whole = grid.measured("grid")(1, False)

    assert (halved["cpu_seconds"], halved["net"], halved["start"]) == (20, 17, 3)
    assert halved["behind"] == pytest.approx(0.2)  # its winner is looked up in the whole grid
    assert halved["noise"] == pytest.approx(0.1 / 3**0.5)
    assert (whole["accuracy"], whole["behind"], whole["noise"]) == (0.9, None, None)
    assert whole["all"] == pytest.approx(0.8)  # of both candidates
    assert halved["all"] is None  # its last rung has the best alone
    halving = [("halving", grid.START, 1, 1), ("halving", grid.IMAGES, 0, 1), ("grid", grid.IMAGES, 0, 1)]
    assert searched == [*halving, ("grid", grid.START, 1, 1), ("grid", grid.IMAGES, 0, 1)]


@pytest.mark.parametrize("name", ["fast", "tiny-8k"])
def test_torch_modules_say_what_the_model_says(name):
    torch = pytest.importorskip("torch")
    model, images = inference.drawn(name), inference.pictures(20).images
    for key in model.weights:
        if key.endswith(("mean", "variance")):
            model.weights[key] += 0.3

    with torch.inference_mode():
        x = (torch.from_numpy(images).float() / 255 - model.architecture.mean) / model.architecture.std
        found = inference.torch_modules(model)(x[:, None]).numpy()

    np.testing.assert_allclose(found, model.logits(images, "numpy"), rtol=1e-4, atol=1e-5)


def test_predictions_are_counted_once_a_pass_and_image():
    asked = []

    def predict(images):
        asked.append(len(images))
        return np.eye(10)[np.zeros(len(images), int)]

    test = inference.pictures(50)
    values = inference.timed(predict, test, single=5, passes=3)

    assert asked == [50, 50, 50, 50, 1, 1, 1, 1, 1]
    assert values["accuracy"] == np.mean(test.labels == 0)
    assert values["per_second"] > 0
    assert inference.timed(predict, test, 1, 1, accurate=False)["accuracy"] is None


def test_the_median_pass_counts(monkeypatch):
    took = iter([1.0, 4.0, 2.0, 0.5, 3.0, *[0.1, 0.3, 0.2]])
    now = [0.0]
    monkeypatch.setattr(inference, "perf_counter", lambda: now[0])
    monkeypatch.setattr(inference, "process_time", lambda: 2 * now[0])
    warm = []

    def predict(images):
        now[0] += next(took) if warm else 0.0
        warm.append(len(images))
        return np.zeros((len(images), 10))

    values = inference.timed(predict, inference.pictures(50), single=3, passes=5)

    assert values["per_second"] == 50 / 2.0
    assert values["processor"] == pytest.approx(1e6 * 4.0 / 50)
    assert values["single"] == pytest.approx(1e6 * 0.2)


def test_only_sides_that_run_one_network_are_compared():
    benchmark = inference.BENCHMARK
    pairs = {side.name: other for side in benchmark.sides if (other := benchmark.reference_of(side))}

    assert pairs == {
        "Tenfold, tiny-8k": "PyTorch, tiny-8k",
        "Tenfold: fast, trained for this": "PyTorch, fast",
        "Tenfold: lin-enhanced-cnn, as drawn": "ONNX Runtime, lin-enhanced-cnn",
    }


def test_fast_is_trained_elsewhere_so_that_pytorch_has_none_of_our_settings(monkeypatch):
    commands = []

    def run(command, **settings):
        commands.append(command)
        inference.drawn("fast").save(command[-1])

    monkeypatch.setattr(inference.subprocess, "run", run)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    found = inference.model("fast", smoke=False)

    assert [command[:3] for command in commands] == [[sys.executable, "-m", "tenfold.benchmarks.inference"]]
    assert found.architecture == inference.drawn("fast").architecture
    assert not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ)


def test_a_network_counts_by_the_seeds_of_its_recipe():
    recipes = {side.name: side.recipe for side in inference.BENCHMARK.sides}

    assert (recipes["Tenfold, base-1"], recipes["Tenfold, tiny-8k"]) == ("base", "tiny-8k")
    assert recipes["Tenfold, base-ensemble"] is None  # three networks side by side, which no recipe trains


def test_a_wider_network_has_more_channels_and_the_same_layers():
    wide = growth.widened(get("fast"), 2.0)

    assert [node.output_shape[0] for node in wide.nodes][:1] == [32]
    assert len(wide.layers) == len(get("fast").layers)
    assert wide.classes == 10
    assert growth.widened(get("fast"), 1.0) == get("fast")


def test_images_are_repeated_where_there_are_not_enough():
    many = growth.mnist(60_010)

    np.testing.assert_array_equal(many.images[60_000:], many.images[:10])
    np.testing.assert_array_equal(many.labels[60_000:], many.labels[:10])


def test_memory_and_time_of_a_program_are_its_own():
    small = startup.timed([sys.executable, "-c", "print(1)"])
    large = startup.timed([sys.executable, "-c", "print(len(bytearray(100 * 2**20)))"])

    assert 90 < large["memory"] - small["memory"] < 130
    assert small["seconds"] > 0


def test_a_program_that_fails_is_told():
    with pytest.raises(BenchmarkError, match=r"ended with 1: .*no digits"):
        startup.timed([sys.executable, "-c", "raise SystemExit('no digits')"])


def test_a_program_of_ours_that_imports_torch_is_told():
    stand_in = "import sys\nsys.modules['torch'] = sys"  # its name is what counts

    with pytest.raises(BenchmarkError, match=r"ended with 1: torch was imported"):
        startup.without_torch(stand_in)
    assert startup.without_torch("print(1)")["seconds"] > 0


@pytest.mark.parametrize("run", [startup.warmed, lambda command: startup.without_torch(*command[2:])])
def test_every_program_runs_once_before_it_counts(run, tmp_path):
    program = "import sys; open(sys.argv[1], 'a').write('x')"

    run([sys.executable, "-c", program, str(tmp_path / "runs")])

    assert (tmp_path / "runs").read_text() == "xx"


def test_predictions_are_the_least_of_as_many_as_the_protocol_says(monkeypatch):
    asked = []

    def spent(work, times=1):
        asked.append(times)
        return 1.0

    monkeypatch.setattr(growth, "spent", spent)
    growth.predicting_by_images(0, True)
    growth.predicting_by_width(0, True)

    assert set(asked) == {growth.TIMES} == {3}

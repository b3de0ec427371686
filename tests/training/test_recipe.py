import json
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.data.augment import Augmentation
from tenfold.errors import RecipeError, UnknownNameError
from tenfold.networks import NETWORKS
from tenfold.training.initializers import INITIALIZERS, Uniform
from tenfold.training.optimizers import SGD, Adam, AdamW, RMSprop
from tenfold.training.recipe import Recipe, default_recipe, load_recipe, recipe_names
from tenfold.training.schedules import Constant, Cosine, OneCycle, Step


def shipped(name: str) -> dict[str, object]:
    text = (resources.files("tenfold.training") / "recipes" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def test_every_shipped_recipe_loads():
    assert "default" in recipe_names()
    assert "fast" in recipe_names()
    for name in recipe_names():
        assert load_recipe(name) == Recipe.from_dict(shipped(name))


def test_every_shipped_recipe_says_where_its_numbers_come_from():
    for name in recipe_names():
        text = (resources.files("tenfold.training") / "recipes" / f"{name}.toml").read_text("utf-8")
        assert text.startswith("# "), name


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_zoo_has_a_recipe_of_its_own_or_of_its_family(name):
    families = [name.rsplit("-", cut)[0] for cut in range(name.count("-") + 1)]
    found = next(family for family in families if family in recipe_names())
    # Shrestha and Paudel's networks have a recipe for each initializer of their Table 1.
    assert default_recipe(name) in [load_recipe(each) for each in recipe_names() if each.startswith(found)]


def test_recipes_of_families():
    assert default_recipe("shrestha-7") == load_recipe("shrestha")
    assert default_recipe("shrestha-1").initializer == "uniform(-0.5, 0.5)"
    assert default_recipe("shrestha-3").initializer == "xavier-normal"
    assert default_recipe("shrestha-pytorch") == load_recipe("shrestha-pytorch")
    assert default_recipe("hao-cnn-32-64-dense-128") == load_recipe("hao-cnn")
    assert default_recipe("hao-cnn-dropout-30").epochs == 80
    assert default_recipe("of-my-own") == load_recipe("default")


def test_recipes_of_papers_that_used_keras_spell_its_conventions_out():
    for name in recipe_names():
        if name.startswith(("lin-", "abdelsalam-", "hao-")):
            recipe = load_recipe(name)
            assert recipe.initializer == "keras"
            if isinstance(recipe.optimizer, Adam):
                assert (recipe.optimizer.convention, recipe.optimizer.epsilon) == ("keras", 1e-7)
                assert {"beta1", "beta2", "epsilon", "convention", "lr"} <= set(shipped(name)["optimizer"])


def test_what_the_papers_leave_to_keras_is_keras_default(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras

    theirs = keras.optimizers.Adam()
    ours = load_recipe("lin-enhanced-cnn").optimizer
    assert isinstance(ours, Adam)
    assert ours.lr == pytest.approx(float(theirs.learning_rate))
    assert (ours.beta1, ours.beta2, ours.epsilon) == (theirs.beta_1, theirs.beta_2, theirs.epsilon)
    ours = load_recipe("lin-simple-nn").optimizer
    assert isinstance(ours, SGD)
    assert ours.lr == pytest.approx(float(keras.optimizers.SGD().learning_rate))
    assert ours.momentum == keras.optimizers.SGD().momentum
    assert load_recipe("lin-simple-nn").batch_size == 32


def test_what_has_no_teacher_is_written_as_it_was_before_there_were_any():
    # The names of kept runs are hashes of this.
    assert "distillation" not in Recipe().to_dict()
    taught = Recipe().change({"distillation.teacher": "base", "distillation.weight": 1})
    assert taught.to_dict()["distillation"] == {"teacher": "base", "weight": 1.0, "temperature": 1.0}
    assert Recipe.from_dict(taught.to_dict()) == taught
    assert taught.change({"distillation.teacher": ""}).distillation.on is False


@pytest.mark.parametrize("setting", [("weight", 0.0), ("weight", 1.1), ("temperature", 0.0)])
def test_distillation_out_of_range(setting):
    key, value = setting
    with pytest.raises(RecipeError, match=rf"distillation\.{key} must be .* Got {value} instead"):
        Recipe().change({f"distillation.{key}": value})


optimizers = st.one_of(
    st.builds(SGD, lr=st.floats(1e-6, 10), momentum=st.floats(0, 0.99)),
    st.builds(RMSprop, rho=st.floats(0, 0.99), convention=st.sampled_from(["torch", "keras"])),
    st.builds(Adam, beta1=st.floats(0, 0.99), epsilon=st.floats(1e-10, 1e-3)),
    st.builds(AdamW, weight_decay=st.floats(0, 1)),
)
schedules = st.one_of(
    st.just(Constant()),
    st.builds(Step, every=st.integers(1, 9)),
    st.builds(Cosine, warmup=st.floats(0, 0.5)),
    st.builds(OneCycle, start=st.floats(0, 1)),
)
recipes = st.builds(
    Recipe,
    epochs=st.integers(1, 100),
    batch_size=st.integers(1, 1000) | st.just("full"),
    optimizer=optimizers,
    schedule=schedules,
    initializer=st.sampled_from([*INITIALIZERS, "uniform(-0.5, 0.5)"]),
    loss=st.sampled_from(["cross-entropy", "squared-error"]),
    label_smoothing=st.floats(0, 0.9),
    augmentation=st.builds(Augmentation, shift=st.floats(0, 4), rotation=st.floats(0, 30)),
    augmentation_off=st.floats(0, 1),
    ema=st.floats(0, 0.99),
    precision=st.sampled_from(["float32", "float64", "mixed"]),
)


@given(recipes)
def test_every_recipe_survives_the_round_trip_through_json(recipe):
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@given(recipes)
def test_changing_every_setting_to_itself_changes_nothing(recipe):
    def dotted(values: dict[str, object], prefix: str = "") -> dict[str, object]:
        flat: dict[str, object] = {}
        for name, value in values.items():
            inner = isinstance(value, dict)
            flat |= dotted(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
        return flat

    assert recipe.change(dotted(recipe.to_dict())) == recipe


@given(recipes)
def test_every_recipe_survives_the_round_trip_through_toml(recipe):
    assert Recipe.from_dict(tomllib.loads(recipe.to_toml())) == recipe


def test_a_recipe_written_as_toml_is_read_back_whatever_a_teacher_is_called(tmp_path):
    recipe = load_recipe("tiny").change({"distillation.teacher": 'a "b"\\c\x7f\n-Infinity-ö'})
    (tmp_path / "mine.toml").write_text(recipe.to_toml(), "utf-8")
    assert load_recipe(tmp_path / "mine.toml") == recipe


def test_what_is_left_out_has_its_default():
    assert Recipe.from_dict({}) == Recipe()
    recipe = Recipe.from_dict({"optimizer": {"name": "adam", "lr": 0.01}, "schedule": "cosine"})
    assert recipe.optimizer == Adam(lr=0.01)
    assert recipe.schedule == Cosine()


def test_whole_numbers_serve_as_either_kind():
    recipe = Recipe.from_dict({"epochs": 5.0, "ema": 0, "optimizer": {"name": "sgd", "lr": 1}})
    assert (recipe.epochs, recipe.ema, recipe.optimizer.lr) == (5, 0.0, 1.0)
    assert type(recipe.epochs) is int
    assert type(recipe.optimizer.lr) is float


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"epochs": 3}, Recipe(epochs=3)),
        ({"batch_size": "full"}, Recipe(batch_size="full")),
        ({"optimizer.lr": 0.5, "optimizer.momentum": 0.9}, Recipe(optimizer=SGD(0.5, 0.9))),
        ({"optimizer": "adam"}, Recipe(optimizer=Adam())),
        ({"optimizer.name": "adam"}, Recipe(optimizer=Adam())),
        ({"optimizer": "adam", "optimizer.beta1": 0.5}, Recipe(optimizer=Adam(beta1=0.5))),
        ({"optimizer.beta1": 0.5, "optimizer.name": "adam"}, Recipe(optimizer=Adam(beta1=0.5))),
        ({"optimizer": {"name": "adam", "lr": 0.5}}, Recipe(optimizer=Adam(lr=0.5))),
        ({"schedule": "cosine", "schedule.warmup": 0.1}, Recipe(schedule=Cosine(warmup=0.1))),
        ({"augmentation.shift": 2}, Recipe(augmentation=Augmentation(shift=2))),
        ({"augmentation": {"shift": 2}}, Recipe(augmentation=Augmentation(shift=2))),
    ],
    ids=str,
)
def test_settings_are_changed_by_dotted_key(settings, expected):
    assert Recipe().change(settings) == expected


def test_a_change_leaves_the_recipe_it_was_asked_of_alone():
    recipe = Recipe()
    recipe.change({"optimizer.lr": 0.5, "epochs": 99})
    assert recipe == Recipe()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "There is no recipe key named 'epoch'. Did you mean 'epochs'?"),
        (
            {"optimizer": {"name": "sgd", "momentun": 0.9}},
            "There is no recipe key named 'optimizer.momentun'. Did you mean 'optimizer.momentum'?",
        ),
        ({"optimizer": "adm"}, "There is no optimizer named 'adm'. Did you mean 'adam'?"),
        ({"schedule": {"name": "cosin"}}, "There is no schedule named 'cosin'. Did you mean 'cosine'?"),
        ({"loss": "crossentropy"}, "There is no loss named 'crossentropy'. Did you mean 'cross-entropy'?"),
        ({"precision": "float16"}, "There is no precision named 'float16'. Did you mean 'float"),
        ({"initializer": "kiaming-normal"}, "Did you mean 'kaiming-normal'?"),
        ({"augmentation": {"shfit": 1}}, "Did you mean 'augmentation.shift'?"),
    ],
)
def test_unknown_keys_and_values_name_the_nearest(values, message):
    with pytest.raises(UnknownNameError) as caught:
        Recipe.from_dict(values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("optimizer.lrr", "optimizer.lr"),
        ("optimiser.lr", "optimizer.lr"),
        ("lr", "optimizer.lr"),
        ("epochs.many", "epochs"),
        ("augmentation.rotate", "augmentation.rotation"),
    ],
)
def test_a_change_of_an_unknown_key_names_the_nearest(key, nearest):
    with pytest.raises(UnknownNameError) as caught:
        Recipe().change({key: 1})
    assert f"no recipe key named {key!r}" in str(caught.value)
    assert nearest in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs must be an integer >= 1. Got 0 instead."),
        ({"epochs": 2.5}, "epochs must be an integer. Got 2.5 instead."),
        ({"epochs": True}, "epochs must be an integer. Got True instead."),
        ({"epochs": "ten"}, "epochs must be an integer. Got 'ten' instead."),
        ({"batch_size": "half"}, "batch_size must be an integer >= 1, or 'full'. Got 'half' instead."),
        ({"batch_size": 0}, "batch_size must be an integer >= 1, or 'full'. Got 0 instead."),
        ({"label_smoothing": 1}, "label_smoothing must be in [0, 1). Got 1.0 instead."),
        ({"augmentation_off": 1.5}, "augmentation_off must be in [0, 1]. Got 1.5 instead."),
        ({"ema": 1.0}, "ema must be in [0, 1). Got 1.0 instead."),
        ({"optimizer": {"lr": 0.1}}, "optimizer must name one of sgd, rmsprop, adam, adamw"),
        ({"optimizer": 3}, "optimizer must name one of sgd, rmsprop, adam, adamw"),
        ({"optimizer": {"name": "sgd", "lr": "fast"}}, "optimizer.lr must be a number. Got 'fast' instead."),
        ({"optimizer": {"name": "sgd", "nesterov": 1}}, "optimizer.nesterov must be true or false."),
        ({"initializer": "uniform(1)"}, "must be written as 'uniform(low, high)'. Got 'uniform(1)' instead."),
        ({"initializer": "uniform(1"}, "must be written as 'uniform(low, high)'. Got 'uniform(1' instead."),
        ({"initializer": "uniform(1, 2"}, "must be written as 'uniform(low, high)'."),
        ({"initializer": "uniform(2, 1)"}, "initializer.low must be below"),
        (
            {"initializer": "uniform(-inf, 1)"},
            "initializer must be finite. Got 'uniform(-inf, 1.0)' instead.",
        ),
        ({"initializer": "uniform(0, 1e400)"}, "initializer must be finite."),
        ({"initializer": 3}, "initializer must be a text. Got 3 instead."),
        ({"augmentation": 3}, "augmentation must be a table of settings. Got 3 instead."),
    ],
    ids=str,
)
def test_values_of_the_wrong_type_or_out_of_range_are_refused(values, message):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(values)
    assert message in str(caught.value)


def test_the_initializer_is_found_by_name_or_by_its_bounds():
    assert Recipe(initializer="keras").weight_rule() == INITIALIZERS["keras"]
    assert Recipe(initializer="uniform(-0.5, 0.5)").weight_rule() == Uniform(-0.5, 0.5)


def test_batches_and_steps():
    assert Recipe(batch_size=32).steps_per_epoch(100) == 4
    assert Recipe(batch_size=50).steps_per_epoch(100) == 2
    assert Recipe(batch_size="full").steps_per_epoch(100) == 1
    assert Recipe(batch_size="full").batch(100) == 100
    assert Recipe(batch_size=500).batch(100) == 100


def test_augmentation_ends_before_the_training_does():
    recipe = Recipe(epochs=10, augmentation=Augmentation(shift=1), augmentation_off=0.3)
    assert [recipe.augments(epoch) for epoch in range(10)] == [True] * 7 + [False] * 3
    assert not Recipe(augmentation_off=0.0).augments(0)


def test_a_recipe_is_read_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('epochs = 3\n[optimizer]\nname = "adam"\n')
    assert load_recipe(path) == load_recipe(str(path)) == Recipe(epochs=3, optimizer=Adam())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epochs = ", "Invalid value"),
        ("epoch = 3", "Did you mean 'epochs'?"),
        ("epochs = 0", "epochs must be an integer >= 1"),
        ("[optimizer]\nname = 'adam'\nlr = inf", "lr must be > 0 and finite"),
    ],
)
def test_errors_in_a_file_name_it(tmp_path, content, message):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    (tmp_path / "folder.toml").mkdir()
    for name, says in {
        "binary.toml": "cannot be read as a recipe",
        "missing.toml": r"There is no file .*missing\.toml\. Recipes by name: .*fast",
        "folder.toml": "cannot be read: Is a directory",
    }.items():
        with pytest.raises(RecipeError, match=says) as caught:
            load_recipe(tmp_path / name)
        assert "Errno" not in str(caught.value)


def test_a_recipe_that_is_neither_shipped_nor_a_file_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no recipe named 'fsat'\. Did you mean 'fast'"):
        load_recipe("fsat")
    for name in ("", "/", "."):
        with pytest.raises(UnknownNameError, match="no recipe named"):
            load_recipe(name)


SHIFTED = {"augmentation": Augmentation(shift=1)}


@pytest.mark.parametrize(
    ("settings", "alike"),
    [
        ({"schedule": Constant()}, True),
        ({"schedule": Step(2, 0.5)}, True),
        ({"schedule": Cosine()}, False),
        ({"schedule": OneCycle()}, False),
        (SHIFTED, True),
        (SHIFTED | {"augmentation_off": 0.5}, False),
        ({"augmentation_off": 0.5}, True),  # of nothing
    ],
)
def test_recipes_begin_alike_where_all_that_the_first_epochs_take_is_the_same(settings, alike):
    short, long = (Recipe(epochs, 32, SGD(0.1), **settings) for epochs in (4, 6))
    assert (short.beginning == long.beginning) is alike
    # So it is, epoch by epoch: what is augmented, and the rates.
    every = [
        [
            (recipe.augments(epoch), recipe.schedule.factor(epoch * 5, recipe.epochs * 5, 5))
            for epoch in range(4)
        ]
        for recipe in (short, long)
    ]
    assert (every[0] == every[1]) is alike
    assert short.beginning != Recipe(4, 32, SGD(0.2), **settings).beginning

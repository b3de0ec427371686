import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tenfold.errors import RecipeError
from tenfold.training.schedules import SCHEDULES, Constant, Cosine, OneCycle, Schedule, Step

STEPS_PER_EPOCH = 4
STEPS = 5 * STEPS_PER_EPOCH


def factors(schedule: Schedule, steps: int = STEPS) -> list[float]:
    return [schedule.factor(step, steps, STEPS_PER_EPOCH) for step in range(steps)]


def torch_factors(make, every: int = 1) -> list[float]:
    """What a scheduler of torch multiplies a rate of 1 by, stepped after every `every` steps."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for step in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % every == 0:
            scheduler.step()
    return rates


def test_constant_is_one():
    assert factors(Constant()) == [1.0] * STEPS


def test_step_is_torchs_step_lr():
    theirs = torch_factors(lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.3), every=STEPS_PER_EPOCH)
    assert factors(Step(every=2, gamma=0.3)) == pytest.approx(theirs)


def test_cosine_is_torchs_cosine_annealing():
    theirs = torch_factors(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS - 1, eta_min=0.2))
    assert factors(Cosine(final=0.2)) == pytest.approx(theirs)


def test_cosine_warms_up_in_equal_steps():
    rates = factors(Cosine(warmup=0.2))
    assert rates[:5] == pytest.approx([1 / 5, 2 / 5, 3 / 5, 4 / 5, 1])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] == pytest.approx(0)


def test_one_cycle_by_hand():
    # Ten steps, each judged at its middle: 0.05, 0.15, ... of the way; the top is at 0.2.
    rates = factors(OneCycle(warmup=0.2, start=0.5, final=0.1), steps=10)
    rise = [0.5 + 0.5 * 0.05 / 0.2, 0.5 + 0.5 * 0.15 / 0.2]
    fall = [0.1 + 0.9 * (1 - way) / 0.8 for way in (0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95)]
    assert rates == pytest.approx(rise + fall)


fractions = st.floats(0, 1)
inner = st.floats(0.01, 0.99)
schedules = st.one_of(
    st.just(Constant()),
    st.builds(Step, every=st.integers(1, 5), gamma=st.floats(0.01, 1)),
    st.builds(Cosine, warmup=st.floats(0, 0.99), final=fractions),
    st.builds(OneCycle, warmup=inner, start=fractions, final=fractions),
)


@given(schedule=schedules, steps=st.integers(1, 50), per_epoch=st.integers(1, 10))
def test_no_schedule_leaves_the_range_from_zero_to_one(schedule, steps, per_epoch):
    for step in range(steps):
        assert -1e-12 <= schedule.factor(step, steps, per_epoch) <= 1 + 1e-12


@given(steps=st.integers(1, 50), warmup=inner)
def test_one_cycle_never_stands_still_at_zero(steps, warmup):
    assert min(factors(OneCycle(warmup=warmup, start=0.0), steps)) > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step(every=0), "schedule.every must be an integer >= 1. Got 0 instead."),
        (lambda: Step(gamma=0.0), "schedule.gamma must be in (0, 1]. Got 0.0 instead."),
        (lambda: Cosine(warmup=1.0), "schedule.warmup must be in [0, 1). Got 1.0 instead."),
        (lambda: Cosine(final=2.0), "schedule.final must be in [0, 1]. Got 2.0 instead."),
        (lambda: OneCycle(warmup=0.0), "schedule.warmup must be in (0, 1). Got 0.0 instead."),
        (lambda: OneCycle(start=-1.0), "schedule.start must be in [0, 1]. Got -1.0 instead."),
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(RecipeError) as caught:
        make()
    assert str(caught.value) == message


def test_every_schedule_has_a_name():
    assert set(SCHEDULES.values()) == {Constant, Step, Cosine, OneCycle}

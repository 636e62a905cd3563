"""An optimiser by task: each group counts its own steps, as if its tasks' batches were all there are."""

from __future__ import annotations

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.models.taskwise import TaskwiseOptimizer
from tests.models.tasks import tagger, values

START = np.array([1.0, -2.0], "float32")
SLOPES = [np.array(pair, "float32") for pair in ([0.3, -0.1], [0.2, 0.5], [-0.4, 0.1])]


def made(optimizer, readers=((0, 1), (0, 2))):
    """Three variables: one that both tasks read, and one of each task's own."""
    variables = [keras.Variable(START) for _ in range(3)]
    found = TaskwiseOptimizer(optimizer)
    found.group([[variables[k] for k in own] for own in readers])
    found.build(variables)
    return found, variables


def slopes_of(optimizer, tasks, variables):
    """Gradients in the order in which `update` takes them."""
    number = {id(variable): k for k, variable in enumerate(variables)}
    return [keras.ops.convert_to_tensor(SLOPES[number[id(v)]]) for v in optimizer.variables_of(tasks)]


def alone(optimizer, slope, steps):
    """What the optimiser itself makes of one variable."""
    variable = keras.Variable(START)
    optimizer.build([variable])
    for _ in range(steps):
        optimizer.apply([keras.ops.convert_to_tensor(slope)], [variable])
    return values([variable])[0]


def adam(**options):
    return keras.optimizers.Adam(0.1, **options)


@pytest.mark.parametrize("options", [{}, {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2}])
def test_a_group_counts_its_own_steps(options):
    optimizer, variables = made(adam(**options))
    for task in (0, 1, 0, 0):
        optimizer.update([task], slopes_of(optimizer, [task], variables))
    for variable, slope, steps in zip(variables, SLOPES, (4, 3, 1), strict=True):
        np.testing.assert_allclose(values([variable])[0], alone(adam(**options), slope, steps), rtol=1e-5)
    assert int(values([optimizer.iterations])[0]) == 4


def test_the_norm_is_that_of_all_weights_of_the_step():
    optimizer, variables = made(keras.optimizers.SGD(1.0, global_clipnorm=0.1))
    optimizer.update([0], slopes_of(optimizer, [0], variables))
    norm = np.sqrt(sum(float(np.square(slope).sum()) for slope in SLOPES[:2]))
    for variable, slope in zip(variables, (SLOPES[0], SLOPES[1], 0 * SLOPES[2]), strict=True):
        np.testing.assert_allclose(values([variable])[0], START - slope * 0.1 / norm, rtol=1e-5)


def test_weight_decay_reaches_no_other_task():
    optimizer, variables = made(keras.optimizers.AdamW(0.1, weight_decay=0.5))
    optimizer.update([1], slopes_of(optimizer, [1], variables))
    assert np.array_equal(values([variables[1]])[0], START)
    assert not np.array_equal(values([variables[2]])[0], START)


@pytest.mark.parametrize("around", [False, True])
def test_weights_that_are_spared_do_not_decay(around):
    variables = [keras.Variable(START) for _ in range(3)]
    given = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    optimizer = TaskwiseOptimizer(given)
    (optimizer if around else given).exclude_from_weight_decay(var_list=[variables[0]])
    optimizer.group([variables[:2], variables[::2]])
    optimizer.build(variables)
    optimizer.update([0], slopes_of(optimizer, [0], variables))
    np.testing.assert_allclose(values(variables[:1])[0], alone(adam(), SLOPES[0], 1), rtol=1e-5)
    decayed = alone(keras.optimizers.AdamW(0.1, weight_decay=0.5), SLOPES[1], 1)
    np.testing.assert_allclose(values(variables[1:2])[0], decayed, rtol=1e-5)


def test_averages_take_the_weights_place_at_the_end():
    optimizer, variables = made(adam(use_ema=True, ema_momentum=0.5))
    for _ in range(2):
        optimizer.update([0], slopes_of(optimizer, [0], variables))
    before = values(variables)
    optimizer.finalize_variable_values(variables)
    changed = [not np.array_equal(new, old) for new, old in zip(values(variables), before, strict=True)]
    assert changed == [True, True, False]  # a task without a step has no average yet


def test_rates_are_set_and_scheduled_over_all_steps():
    optimizer, variables = made(keras.optimizers.SGD(1.0))
    optimizer.learning_rate = 0.5
    optimizer.update([0], slopes_of(optimizer, [0], variables))
    np.testing.assert_allclose(values([variables[0]])[0], START - 0.5 * SLOPES[0], rtol=1e-6)
    assert optimizer.get_config()["optimizer"]["config"]["learning_rate"] == 0.5

    steps = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.25])
    optimizer, variables = made(keras.optimizers.SGD(steps))
    for task in (0, 1):
        optimizer.update([task], slopes_of(optimizer, [task], variables))
    np.testing.assert_allclose(values([variables[2]])[0], START - 0.25 * SLOPES[2], rtol=1e-6)
    again = TaskwiseOptimizer.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()


def test_all_variables_are_counted_once():
    optimizer, variables = made(adam())
    found = [id(variable) for variable in optimizer.variables]
    assert len(set(found)) == len(found) == 2 + 3 * (2 + 2)  # a count and a rate for all and each group, two moments
    state = optimizer.state_of([1])
    assert {id(v) for v in state} < set(found)
    assert len(state) == 2 * (2 + 2)
    optimizer.update([1], slopes_of(optimizer, [1], variables))
    assert [id(variable) for variable in optimizer.variables] == found


def test_refuses():
    with pytest.raises(SettingsError, match="gradient_accumulation_steps"):
        TaskwiseOptimizer(adam(gradient_accumulation_steps=2))
    with pytest.raises(SettingsError, match="loss_scale_factor"):
        TaskwiseOptimizer(adam(loss_scale_factor=2.0))
    with pytest.raises(SettingsError, match="compile a MultiTaskTagger"):
        TaskwiseOptimizer(adam()).build([keras.Variable(START)])


def test_a_file_holds_one_optimizer(tmp_path):
    """What Keras finds as an attribute it saves, and files without it would no longer open."""
    made = tagger("lstm_s")
    made.optimizer.build(made.trainable_variables)
    made.save(tmp_path / "tagger.keras")
    with zipfile.ZipFile(tmp_path / "tagger.keras") as archive:
        stored = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
        assert list(stored["optimizer"]) == ["vars"]

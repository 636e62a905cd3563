"""A step on one task: its loss by NumPy, and what of the others stays as it is, to the bit."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.errors import DataError
from seqlab.evaluation.reach import gradient_reach
from seqlab.models.multitask_steps import with_task_named
from tests.layers.tasks.common import oracle_weights
from tests.models import tasks as toy
from tests.oracles.multitask import both_directions, cross_entropy

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def tagger():
    """An SC-LSTM whose steps are compiled."""
    keras.utils.set_random_seed(1)
    return toy.tagger()


def others_of(made, active):
    """What the tasks of a step do not read: weights, moments, averages and counts."""
    read = {id(weight) for task in active for weight in made.weights_of(task)}
    weights = [weight for weight in made.trainable_weights if id(weight) not in read]
    positions = [made.position(task) for task in active]
    state = {id(v) for v in made.optimizer.state_of(positions)} | {id(v) for v in made.optimizer.variables[:2]}
    return weights, [variable for variable in made.optimizer.variables if id(variable) not in state]


def check_step(made, active, inputs, labels):
    """One step moves all that its tasks read, their moments too, and nothing else by a bit."""
    weights, state = others_of(made, active)
    before = toy.values([*weights, *state])
    own = [weight for task in active for weight in made.weights_of(task)]
    started = toy.values(own)
    counts = int(toy.values([made.optimizer.iterations])[0])
    made.train_on_batch(inputs, labels)
    assert all(np.array_equal(a, b) for a, b in zip(toy.values([*weights, *state]), before, strict=True))
    unread = [w.path for w, b, a in zip(own, started, toy.values(own), strict=True) if np.array_equal(a, b)]
    assert not unread
    assert int(toy.values([made.optimizer.iterations])[0]) == counts + 1


@pytest.mark.compiled
def test_a_compiled_step_leaves_other_tasks_as_they_are(tagger):
    for task in ("pos", "ner", "pos", "chunk"):  # the second step on a task puts averages in the weights' place
        check_step(tagger, [task], *toy.batch(tagger, task))


@pytest.mark.parametrize("kind", [kind for kind in toy.KINDS if kind != "sc_lstm"])
def test_so_does_each_encoder(kind):
    made = toy.tagger(kind, eager=True)
    check_step(made, ["pos"], *toy.batch(made, "pos"))


def test_gates_at_all_layers_too():
    made = toy.tagger(gates="all", merge="sum", eager=True)
    check_step(made, ["ner"], *toy.batch(made, "ner"))


@pytest.mark.compiled
def test_a_batch_of_several_tasks_moves_all_of_them():
    made = toy.tagger()
    check_step(made, ["pos", "ner"], *toy.joint_batch(made, "pos", "ner"))


def expected_loss(made, task):
    """The mean over tokens of -log p, by NumPy, of a softmax task."""
    inputs, labels = toy.batch(made, task)
    k = made.position(task)
    tables = [np.array(keras.ops.convert_to_numpy(feature.weights[0])) for feature in made.features]
    kernel, bias = toy.values(made.heads_by_task[k].projection.weights)
    layers = [[oracle_weights(one.cell) for one in layer.both] for layer in made.encoder.recurrent]
    total = 0.0
    for row in range(3):
        real = inputs["mask"][row]
        x = np.concatenate(
            [table[inputs[f][row][real]] for table, f in zip(tables, ("words", "casing"), strict=True)], -1
        )
        for number, weights in enumerate(layers):
            x = both_directions(x, *weights, task=k if number == len(layers) - 1 else None)
        total += cross_entropy(x, kernel, bias, labels[row][real])
    return total / inputs["mask"].sum()


@pytest.mark.parametrize("task", ["pos", "ner"])
def test_the_loss_is_that_of_numpy(tagger, task):
    wanted = expected_loss(tagger, task)
    logs = tagger.test_on_batch(*toy.batch(tagger, task), return_dict=True)
    np.testing.assert_allclose(logs["loss"], wanted, rtol=1e-4)
    trained = tagger.train_on_batch(*toy.batch(tagger, task), return_dict=True)
    np.testing.assert_allclose(trained[f"{task}_loss"], wanted, rtol=1e-4)
    assert {name for name, value in trained.items() if value} == {"loss", f"{task}_loss"}


def test_lambdas_weigh_the_losses_of_a_joint_batch():
    made = toy.compiled(toy.tagger(eager=True), loss_weights={"ner": 3.0}, eager=True)
    logs = made.test_on_batch(*toy.joint_batch(made, *toy.TASKS), return_dict=True)
    parts = [logs[f"{task}_loss"] for task in toy.TASKS]
    np.testing.assert_allclose(logs["loss"], parts[0] + parts[1] + 3 * parts[2], rtol=1e-5)
    alone = made.test_on_batch(*toy.batch(made, "ner"), return_dict=True)
    np.testing.assert_allclose([alone["loss"], alone["ner_loss"]], [3 * parts[2], parts[2]], rtol=1e-5)


@pytest.mark.parametrize("rows", [[0, 0, 2], [3, 3, 3], [-1, -1, -1]])
def test_nothing_is_learnt_of_a_batch_of_no_one_task(tagger, rows):
    inputs, labels = toy.batch(tagger, "pos")
    before = toy.values([*tagger.trainable_variables, *tagger.optimizer.variables])
    loss = tagger.train_on_batch({**inputs, "task": np.array(rows, "int32")}, labels, return_dict=True)["loss"]
    after = toy.values([*tagger.trainable_variables, *tagger.optimizer.variables])
    assert np.isnan(loss)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_table_of_gradient_reach(tagger):
    found = gradient_reach(tagger, {task: toy.batch(tagger, task) for task in toy.TASKS})
    for weight, moved in zip(tagger.trainable_variables, found.values(), strict=True):
        reads = {task for task in toy.TASKS if any(weight is one for one in tagger.weights_of(task))}
        assert {task for task, yes in moved.items() if yes} == reads, weight.path
    assert {sum(moved.values()) for moved in found.values()} == {1, 3}  # a task's own, and what all share


class Two(keras.utils.PyDataset):
    """Batches that stand in a list."""

    def __init__(self, items):
        super().__init__()
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def test_a_batch_without_labels_of_a_task_does_not_count_for_it():
    made = toy.tagger(eager=True)
    inputs, labels = toy.joint_batch(made, *toy.TASKS)
    fewer = {**labels, "ner": labels["ner"].copy(), "chunk": np.full_like(labels["chunk"], -1)}
    fewer["ner"][1:] = -1
    logs = made.evaluate(Two([(inputs, labels), (inputs, fewer)]), return_dict=True, verbose=0)

    def loss(task, gold):
        made.reset_metrics()
        rows = {**inputs, "task": np.full(3, made.position(task), "int32")}
        return made.test_on_batch(rows, gold, return_dict=True)[f"{task}_loss"]

    both = [loss("ner", labels["ner"]), loss("ner", fewer["ner"])]
    np.testing.assert_allclose(logs["ner_loss"], (3 * both[0] + both[1]) / 4, rtol=1e-5)
    np.testing.assert_allclose(logs["chunk_loss"], loss("chunk", labels["chunk"]), rtol=1e-5)


def test_weights_of_sentences_count(tagger):
    inputs, labels = toy.batch(tagger, "pos")
    weight = np.array([1.0, 0.0, 0.0], "float32")
    logs = tagger.test_on_batch(inputs, labels, sample_weight=weight, return_dict=True)
    masked = np.where(weight[:, None] > 0, labels, -1)
    np.testing.assert_allclose(logs["loss"], tagger.test_on_batch(inputs, masked, return_dict=True)["loss"], rtol=1e-5)


def test_refuses_batches_without_task_or_labels():
    made = toy.tagger(eager=True)
    inputs, labels = toy.batch(made, "pos")
    with pytest.raises(DataError, match="'task' among the inputs"):
        made.train_on_batch({name: array for name, array in inputs.items() if name != "task"}, labels)
    with pytest.raises(DataError, match="no labels"):
        made.train_on_batch(inputs)


def test_a_batch_whose_labels_name_the_task_is_learnt_alike():
    found = []
    for named in (False, True):
        keras.utils.set_random_seed(1)
        made = toy.tagger(eager=True)
        inputs, labels = toy.batch(made, "ner")
        if named:
            inputs, labels, _ = with_task_named(made, (inputs, labels))
            assert list(labels) == ["ner"]
        logs = made.train_on_batch(inputs, labels, return_dict=True)
        found.append((logs, toy.values(made.trainable_weights)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("rows", [[0, 1, 0], [3, 3, 3], [-1, -1, -1]])
def test_a_batch_of_no_one_task_stays_unnamed(tagger, rows):
    inputs, labels = toy.batch(tagger, "pos")
    data = ({**inputs, "task": np.array(rows, "int32")}, labels)
    assert with_task_named(tagger, data) is data

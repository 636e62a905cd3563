"""Batches of several tasks hold each task's own sentences and labels, in an order that can be taken up anywhere."""

from __future__ import annotations

from collections import Counter
from unittest import mock

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from seqlab.batches.loader import Batches
from seqlab.batches.multitask import JointTaskBatches, MultiTaskBatches, encode_joint, encode_tasks
from seqlab.batches.schedules import SCHEDULES, Alternating, Sequential, Temperature, Uniform, Weighted
from seqlab.constants import IGNORE
from seqlab.corpora.records import Corpus, Sentence
from seqlab.corpora.tasks import joined_sentences
from seqlab.errors import DataError, SettingsError
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.sequence_model import SequenceModel
from seqlab.text.contextual import Contextual
from seqlab.text.vectorizer import Vectorizer
from tests.batches.common import VECTORIZER, corpus
from tests.text.producers import Toy

LENGTHS = st.lists(st.integers(0, 12), min_size=1, max_size=12)
BACKENDS = pytest.mark.parametrize("backend", ["tensorflow", "jax"])


def as_if_on(backend):
    return mock.patch.object(keras.backend, "backend", return_value=backend)


def encoded(*lengths):
    """The task chunk, and pos, with sentences of these lengths."""
    corpora = {task: corpus(own, (task,)) for task, own in zip(("chunk", "pos"), lengths, strict=True)}
    return encode_tasks(VECTORIZER, corpora)


def order(batches):
    steps = batches.steps[batches.first :]
    return [(step.loader, step.batch.time, *step.batch.sentences.tolist()) for step in steps]


@BACKENDS
@settings(max_examples=25)
@given(
    LENGTHS, LENGTHS, st.integers(1, 5), st.booleans(), st.sampled_from(["exhaustive", "proportional", "sequential"])
)
def test_an_epoch_holds_every_sentence_of_every_task_once_with_its_labels(backend, one, two, size, shuffle, schedule):
    with as_if_on(backend):
        data = encoded(one, two)
        batches = MultiTaskBatches(data, size, shuffle, schedule=schedule)
        for _ in range(2):
            seen = {"chunk": [], "pos": []}
            for index in range(len(batches)):
                inputs, labels = batches[index]
                assert inputs["task"].dtype == np.int32
                (position,) = set(inputs["task"].tolist())
                name = batches.tasks[position]
                encoding = data[name]
                sentences = batches.steps[index].batch.sentences
                assert len(inputs["task"]) == len(inputs["mask"]) in (len(sentences), len(sentences) + (index == 0))
                assert not inputs["mask"][len(sentences) :].any()
                assert (labels[~inputs["mask"]] == IGNORE).all()
                for row, number in enumerate(sentences):
                    part = slice(*encoding.offsets[number : number + 2])
                    real = inputs["mask"][row]
                    assert_array_equal(labels[row][real], encoding.labels[name][part])
                    assert_array_equal(inputs["words"][row][real], encoding.tokens["words"][part])
                seen[name] += sentences.tolist()
            assert {name: sorted(found) for name, found in seen.items()} == {
                "chunk": list(range(len(one))),
                "pos": list(range(len(two))),
            }
            batches.start(batches.epoch + 1)


@settings(max_examples=40)
@given(LENGTHS, LENGTHS, st.integers(1, 5), st.integers(0, 30))
def test_first_two_batches_differ_wherever_sizes_do_on_tensorflow(one, two, size, batch):
    with as_if_on("tensorflow"):
        batches = MultiTaskBatches(encoded(one, two), size, shuffle=True)
        batches.start(1, batch % len(batches))  # a resumed run too
        if len(batches) < 2:
            return
        (first, labels), (second, others) = batches[0], batches[1]
        assert labels.shape[1] != others.shape[1]
        assert all(first["chars"].shape[k] != second["chars"].shape[k] for k in range(2))
        if len({len(step.batch.sentences) for step in batches.steps}) > 1:
            assert len(first["mask"]) != len(second["mask"])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_order_depends_on_seed_and_epoch_alone_and_is_taken_up_anywhere(schedule):
    data = encoded([3, 5, 5, 4, 2, 2], [4, 4, 2])
    went = MultiTaskBatches(data, 2, shuffle=True, seed=7, schedule=schedule)
    for epoch in range(3):
        whole = order(went)
        other = MultiTaskBatches(data, 2, shuffle=True, seed=7, schedule=schedule)
        for batch in range(len(whole)):
            other.start(epoch, batch)
            assert order(other) == whole[batch:]
            assert len(other) == len(whole) - batch
        went.start_epoch(epoch + 1)
    orders = set()
    for seed, epoch in np.ndindex(2, 2):
        batches = MultiTaskBatches(data, 2, shuffle=True, seed=int(seed), schedule=schedule)
        batches.start(int(epoch))
        orders.add(tuple(order(batches)))
    assert len(orders) == 4


@BACKENDS
def test_a_batch_taken_up_holds_what_it_would_have_held(backend):
    with as_if_on(backend):
        data = encoded([3, 5, 5, 4, 2, 2], [4, 4, 2])
        whole, rest = (MultiTaskBatches(data, 2, shuffle=True) for _ in range(2))
        whole.start(2)
        rest.start(2, 2)
        for index in range(len(rest)):
            (inputs, labels), (others, other_labels) = rest[index], whole[index + 2]
            assert inputs["task"][0] == others["task"][0]
            rows, time = np.minimum(labels.shape, other_labels.shape)
            assert_array_equal(labels[:rows, :time], other_labels[:rows, :time])
            assert inputs["mask"].sum() == others["mask"].sum() == inputs["mask"][:rows, :time].sum()


def test_a_small_task_begins_anew_in_another_order():
    batches = MultiTaskBatches(encoded([4] * 9, [4] * 3), 1, shuffle=True, schedule=Alternating())
    small = [step.batch.sentences[0] for step in batches.steps if step.loader == 1]
    rounds = [tuple(small[k : k + 3]) for k in (0, 3, 6)]
    assert [sorted(part) for part in rounds] == [[0, 1, 2]] * 3
    assert len(set(rounds)) > 1
    assert Counter(step.loader for step in batches.steps) == {0: 9, 1: 9}


def test_tasks_of_one_size_go_their_own_ways():
    batches = MultiTaskBatches(encoded([4] * 9, [4] * 9), 1, shuffle=True)
    first, second = ([s.batch.sentences[0] for s in batches.steps if s.loader == k] for k in range(2))
    assert first != second


def test_shapes_are_shared_by_all_tasks():
    with as_if_on("jax"):
        batches = MultiTaskBatches(encoded([3, 9, 9, 3], [9, 3, 2, 3]), 2)
        found = {}
        for index in range(len(batches)):
            inputs, _ = batches[index]
            found.setdefault(inputs["mask"].shape, set()).add(inputs["chars"].shape)
        assert {time for _, time in found} == {3, 9}
        assert all(len(chars) == 1 for chars in found.values())


def test_positions_are_those_of_the_models_tasks():
    data = encoded([3], [4])
    batches = MultiTaskBatches({"pos": data["pos"]}, tasks=["ner", "pos"])
    assert batches[0][0]["task"].tolist() == [1]
    assert batches.names == ("pos",)
    fields = MultiTaskBatches(data, fields=["mask", "task"])
    assert set(fields[0][0]) == {"mask", "task"}


def model(tasks=1):
    words = keras.Input((None,), dtype="int32", name="words")
    mask = keras.Input((None,), dtype="bool", name="mask")
    task = keras.Input((), dtype="int32", name="task")
    x = WordEmbedding(len(VECTORIZER.words), 4)(words) * keras.ops.cast(task + 2, "float32")[:, None, None]
    scores = [SoftmaxHead(3, name=f"head_{k}")(x, mask=mask) for k in range(tasks)]
    made = SequenceModel({"words": words, "mask": mask, "task": task}, scores if tasks > 1 else scores[0])
    made.compile("adam")
    return made


class Seen(keras.callbacks.Callback):
    """Notes which epoch the batches are in at the start of each."""

    def __init__(self, batches):
        super().__init__()
        self.batches, self.found, self.steps = batches, [], 0

    def on_epoch_begin(self, epoch, logs=None):
        self.found.append((epoch, self.batches.epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1


def test_plain_fit_goes_through_the_epochs_and_on_from_the_middle_of_one():
    batches = MultiTaskBatches(
        encoded([3, 3, 3, 3, 3, 2], [4, 4, 2]), 2, shuffle=True, fields=["words", "mask"], schedule="proportional"
    )
    count = len(batches)
    batches.start(1, 2)
    made, seen = model(), Seen(batches)
    made.fit(batches, initial_epoch=1, epochs=2, verbose=0, callbacks=[seen])
    assert seen.steps == count - 2
    history = made.fit(batches, initial_epoch=2, epochs=4, verbose=0, callbacks=[seen]).history
    assert np.isfinite(history["loss"]).all()
    assert seen.found == [(1, 1), (2, 2), (3, 3)]
    assert seen.steps == 3 * count - 2


def test_joint_batches_ignore_labels_that_are_missing():
    pos = Corpus(Sentence(s.words, {"pos": s.columns["pos"]}) for s in corpus([3, 5, 2], ("chunk", "pos")))
    chunk = Corpus(Sentence(s.words, {"chunk": s.columns["chunk"]}) for s in corpus([3, 5, 4], ("chunk", "pos")))
    sentences = joined_sentences({"pos": pos, "chunk": chunk})
    data = encode_joint(VECTORIZER, sentences)
    batches = JointTaskBatches(data, batch_size=2, shuffle=True)
    found = {}
    for index in range(len(batches)):
        inputs, labels = batches[index]
        assert set(labels) == {"chunk", "pos"}
        assert inputs["task"].tolist() == [-1] * len(inputs["mask"])
        for row, number in enumerate(batches.plan[index].sentences):
            real = inputs["mask"][row]
            for task, rows in labels.items():
                tags = sentences[number].columns.get(task)
                wanted = [VECTORIZER.labels[task].index(tag) for tag in tags] if tags else [IGNORE] * real.sum()
                assert rows[row][real].tolist() == wanted
                assert (rows[row][~real] == IGNORE).all()
                found[task, tags is None] = True
    assert len(found) == 4
    model(2)  # a joint batch's structure is that of any model with labels by name


def test_joint_options():
    data = encode_joint(VECTORIZER, corpus([3, 3], ("chunk", "pos")))
    assert set(JointTaskBatches(data, fields=["mask"])[0][0]) == {"mask", "task"}
    with pytest.raises(SettingsError, match="two tasks or more, received pos"):
        JointTaskBatches(data, tasks=["pos"])
    with pytest.raises(DataError, match="'pos' has no training data"):
        encode_joint(VECTORIZER, corpus([3]), strict=True)
    assert set(encode_joint(VECTORIZER, corpus([3])).labels) == {"chunk"}
    with pytest.raises(DataError, match="column of any task; expected some of chunk, pos"):
        encode_joint(VECTORIZER, [Sentence(("a",), {})])


def test_contextual_vectors_are_those_of_the_sentences():
    made = Vectorizer.from_config(VECTORIZER.get_config())
    made.contextual = Contextual(producer=Toy())
    data = encode_tasks(made, {task: corpus(own, (task,)) for task, own in (("chunk", [3, 5, 4]), ("pos", [4, 2]))})
    batches = MultiTaskBatches(data, 1, shuffle=True, fields=["mask", "contextual"])
    for index, step in enumerate(batches.steps):
        words = data[batches.names[step.loader]].sentences[step.batch.sentences[0]].words
        (wanted,) = Toy().vectors([words])
        found = batches[index][0]["contextual"][0, : len(words)]
        assert_array_equal(found, wanted.transpose(1, 0, 2))


def test_a_share_of_zero_names_the_task():
    with pytest.raises(SettingsError, match="never visits the task 'pos'"):
        MultiTaskBatches(encoded([3] * 9, [3]), 1, schedule=Temperature(temperature=1e-4))


def test_weights():
    batches = MultiTaskBatches(encoded([4] * 30, [4] * 30), 1, schedule=Weighted(steps=60))
    batches.start(3, 1)
    batches.weigh({"pos": 1e9, "chunk": 1})
    assert (batches.epoch, batches.first) == (3, 0)
    assert {step.loader for step in batches.steps} == {1}
    for weights in ({"pos": 1}, {"pos": 1, "chunk": 1, "ner": 1}):
        with pytest.raises(SettingsError, match="a weight for each of chunk, pos"):
            batches.weigh(weights)
    with pytest.raises(SettingsError, match="never visits the task 'chunk'"):
        batches.weigh({"pos": 1, "chunk": 0})
    with pytest.raises(SettingsError, match="for the schedule Weighted, received Sequential"):
        MultiTaskBatches(encoded([4], [4]), schedule=Sequential()).weigh({})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "sometimes"}, "Unknown schedule 'sometimes'"),
        ({"schedule": Uniform(steps=1)}, "cannot visit 2 tasks"),
        ({"tasks": ["chunk", "chunk"]}, "Two tasks have one name"),
        ({"tasks": ["chunk", "ner"]}, "Unknown task 'pos'; expected some of chunk, ner"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(SettingsError, match=message):
        MultiTaskBatches(encoded([3], [3]), **options)


@pytest.mark.parametrize("batch", [-1, 2])
def test_batches_that_an_epoch_has_not(batch):
    with pytest.raises(SettingsError, match=f"has 2 batches: it cannot go on after {batch}"):
        MultiTaskBatches(encoded([3], [3])).start(0, batch)


def test_bad_corpora():
    with pytest.raises(SettingsError, match="Unknown task 'ner'; expected some of chunk, pos"):
        encode_tasks(VECTORIZER, {"ner": corpus([3])})
    with pytest.raises(DataError, match="'chunk' has no sentences"):
        encode_tasks(VECTORIZER, {"chunk": corpus([])})
    with pytest.raises(DataError, match="'pos' has no column of that name"):
        encode_tasks(VECTORIZER, {"pos": corpus([3])})
    wrong = Corpus([Sentence(("a", "of"), {"chunk": ("N", "V")})])
    with pytest.raises(DataError, match="task 'chunk' are those of 'pos'"):
        encode_tasks(VECTORIZER, {"chunk": wrong})
    with pytest.raises(DataError, match="was not seen in training"):
        encode_tasks(VECTORIZER, {"chunk": Corpus([Sentence(("a",), {"chunk": ("X",)})])}, strict=True)
    with pytest.raises(DataError, match="'pos' has no training data"):
        MultiTaskBatches({"pos": VECTORIZER.encode(corpus([]))})
    assert len(Batches(encoded([3], [4])["pos"])[0][1]) == 1

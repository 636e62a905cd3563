"""Several tasks that learn the words beside each token too: by one objective that every task's batch teaches."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest

import seqlab
from seqlab.errors import SettingsError
from seqlab.evaluation.reach import gradient_reach
from seqlab.layers import DilatedCNN, ScalarMix
from seqlab.layers.tasks.private import PrivateEncoders
from seqlab.layers.tasks.shared import SharedEncoder
from seqlab.models.language_objective import word_vectors
from seqlab.models.multitask import MultiTaskTagger
from tests.models import tasks as toy
from tests.models.test_multitask_steps import check_step
from tests.oracles.language_objective import losses as oracle

pytestmark = pytest.mark.usefixtures("eagerly")

SHARING = [kind for kind in toy.KINDS if kind != "stl"]
TEXT = ("Ada", "sang", "of", "Oslo")


def made(kind="sc_lstm", weight=0.2, eager=True, **options):
    language = {"words": 3, "units": 3, "weight": weight, "tied": options.pop("tied", False)}
    return toy.tagger(kind, eager=eager, language=language, **options)


@functools.cache
def reader(kind="sc_lstm"):
    """A tagger whose weights stay as they are."""
    return made(kind)


def wanted(tagger, task):
    """The objective's losses by NumPy, of the states that the encoder gives."""
    inputs, _ = toy.batch(tagger, task)
    read = keras.ops.concatenate([part(inputs[field]) for part in tagger.features for field in part.fields], axis=-1)
    _, states = tagger.encoder(read, mask=keras.ops.convert_to_tensor(inputs["mask"]), task=0, directions=True)
    weights = [toy.values(part[name] for name in ("kernel", "offset", "output", "bias")) for part in language(tagger)]
    lengths = inputs["mask"].sum(axis=1)
    return oracle(toy.values([states])[0], inputs["words"], lengths, tagger.language.rows, weights)


def language(tagger):
    return tagger.language.parts


@pytest.mark.parametrize("reduction", ["tokens", "sentences", "sum"])
def test_the_loss_adds_up(reduction):
    tagger = toy.compiled(made(), eager=True, loss_weights={"ner": 3.0})
    for head in tagger.heads_by_task:
        head.reduction = reduction
    inputs, labels = toy.batch(tagger, "ner")
    losses, real = wanted(tagger, "ner"), inputs["mask"].sum()
    share = {"tokens": real, "sentences": len(labels), "sum": 1}[reduction]
    logs = tagger.test_on_batch(inputs, labels, return_dict=True)
    np.testing.assert_allclose(logs["loss"], 3 * logs["ner_loss"] + 0.2 * losses.sum() / share, rtol=1e-4)
    mean = losses.sum() / (2 * real)
    np.testing.assert_allclose(logs["language_loss"], mean, rtol=1e-4)
    np.testing.assert_allclose(logs["language_perplexity"], np.exp(mean), rtol=1e-4)


@pytest.mark.parametrize("kind", SHARING)
def test_a_batch_of_several_tasks_teaches_words_once(kind):
    tagger = reader(kind)
    logs = tagger.test_on_batch(*toy.joint_batch(tagger, "pos", "ner"), return_dict=True)
    losses = wanted(tagger, "pos")
    np.testing.assert_allclose(logs["language_loss"], losses.sum() / 20, rtol=1e-4)
    total = logs["pos_loss"] + logs["ner_loss"] + 0.2 * losses.sum() / 10
    np.testing.assert_allclose(logs["loss"], total, rtol=1e-4)


def test_a_compiled_step_leaves_other_tasks_as_they_are():
    tagger = made(eager=False)  # on TensorFlow the runs of `finished_tasks` are compiled
    for task in ("pos", "ner", "pos"):
        check_step(tagger, [task], *toy.batch(tagger, task))


@pytest.mark.parametrize("kind", [kind for kind in SHARING if kind != "sc_lstm"])
def test_so_does_each_encoder(kind):
    tagger = made(kind)
    check_step(tagger, ["pos"], *toy.batch(tagger, "pos"))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {}) for kind in SHARING),
        ("lstm_s", {"tied": True}),
        ("sc_lstm", {"gates": "all"}),
        ("sc_lstm", {"layers": 1}),
    ],
)
def test_words_move_what_all_tasks_share_below_and_nothing_else(kind, options):
    """Without labels, a step moves the objective, the features and the first shared layer: no gate, head or layer."""
    tagger = toy.compiled(made(kind, **options), keras.optimizers.SGD(1.0), eager=True)
    inputs, labels = toy.batch(tagger, "ner")
    weights = tagger.trainable_weights
    before = toy.values(weights)
    tagger.train_on_batch(inputs, np.full_like(labels, -1))
    moved = {w.path for w, b, a in zip(weights, before, toy.values(weights), strict=True) if not np.array_equal(a, b)}
    encoder = tagger.encoder
    if kind == "sc_lstm":
        first = [
            weight for one in encoder.recurrent[0].both for weight in getattr(one.cell, "shared", one.cell).weights
        ]
    else:
        first = (encoder.shared if kind == "private_shared" else encoder.encoder).weights_up_to(1)
    features = [weight for feature in tagger.features for weight in feature.trainable_weights]
    assert moved == {weight.path for weight in [*first, *features, *tagger.language.weights]}


def test_the_table_of_gradient_reach_counts_it():
    tagger = made("lstm_d")
    found = gradient_reach(tagger, {task: toy.batch(tagger, task) for task in toy.TASKS})
    rows = [moved for name, moved in found.items() if name.startswith("language/")]
    assert len(rows) == len(tagger.language.weights) and all(all(moved.values()) for moved in rows)


def test_nothing_of_it_is_computed_when_text_is_tagged():
    tagger, plain = reader(), toy.tagger(eager=True)
    owned = {id(weight) for weight in tagger.language.weights}
    graphs = [tagger, *(tagger.view(task) for task in toy.TASKS)]
    assert [len(graph.outputs) for graph in graphs] == [3, 1, 1, 1]
    tagger.tag(TEXT)
    for graph in (*graphs[1:], *tagger.asking._graphs.values()):
        assert not owned & {id(weight) for weight in graph.weights}
    assert len(tagger.weights) == len(plain.weights) + len(owned) == len({id(weight) for weight in tagger.weights})
    assert not any("language" in metric.name for metric in plain.metrics)
    logs = plain.test_on_batch(*toy.batch(plain, "ner"), return_dict=True)
    assert not any("language" in name for name in logs)


def test_words_are_learnt_and_a_saved_file_goes_on(tmp_path):
    keras.utils.set_random_seed(1)
    tagger = toy.compiled(made("lstm_s", weight=0.5, tied=True, layers=1), keras.optimizers.Adam(0.1))
    given = {"batch_size": 3, "validation_data": toy.corpora(), "verbose": 0}
    logs = tagger.fit(toy.corpora(), epochs=2, restore_best="val_language_loss", **given).history
    for name in ("language_loss", "language_perplexity", "val_language_loss", "val_language_perplexity"):
        assert logs[name][-1] < logs[name][0], name
    np.testing.assert_allclose(logs["val_language_perplexity"], np.exp(logs["val_language_loss"]), rtol=1e-4)
    tagger.save(tmp_path / "tagger.keras")
    again = seqlab.load(tmp_path / "tagger.keras")
    assert again.language.get_config() == tagger.language.get_config()
    found = [one.evaluate(toy.corpora(), return_dict=True, verbose=0) for one in (tagger, again)]
    assert found[0] == pytest.approx(found[1], rel=1e-4) and "language_loss" in found[0]
    for one, other in zip(tagger.optimizer.variables, again.optimizer.variables, strict=True):
        assert np.array_equal(*toy.values([one, other]))


@pytest.mark.parametrize("kind", ["lstm_d", "sc_lstm"])
def test_a_task_more_or_less_keeps_what_was_learnt(kind):
    tagger = reader(kind)
    left = tagger.without_task("pos")
    more = left.with_task("pos", toy.corpus("pos"), head="softmax")
    assert more.language is not tagger.language
    for changed in (left, more):
        for one, other in zip(tagger.language.weights, changed.language.weights, strict=True):
            assert np.array_equal(*toy.values([one, other]))
        toy.compiled(changed, eager=True)
        logs = [one.test_on_batch(*toy.batch(one, "ner"), return_dict=True) for one in (tagger, changed)]
        assert logs[0]["language_loss"] == pytest.approx(logs[1]["language_loss"], rel=1e-4)


@pytest.mark.parametrize("rows", [[0, 0, 2], [3, 3, 3]])
def test_nothing_is_learnt_of_a_batch_of_no_one_task(rows):
    tagger = reader()
    inputs, labels = toy.batch(tagger, "pos")
    logs = tagger.test_on_batch({**inputs, "task": np.array(rows, "int32")}, labels, return_dict=True)
    assert np.isnan(logs["loss"]) and logs["language_loss"] == 0


def test_the_words_are_the_frequent_ones_of_all_tasks():
    tagger = toy.tagger(eager=True, language={})
    assert len(tagger.language.rows) == 4 and tagger.language.weight == 0.1
    assert word_vectors(tagger.features).rows >= max(tagger.language.rows)


def test_what_it_refuses():
    with pytest.raises(SettingsError, match="Separate networks share no layer"):
        toy.tagger("stl", language={})
    with pytest.raises(SettingsError, match="is a number above 0, received 0"):
        made(weight=0)
    tagger = reader()
    parts = {"vectorizer": tagger.vectorizer, "tasks": toy.TASKS, "heads": tagger.heads_by_task}
    parts["language"] = tagger.language
    with pytest.raises(SettingsError, match="Contextual vectors may have read the whole sentence"):
        MultiTaskTagger(features=[*tagger.features, ScalarMix(1, 4)], encoder=tagger.encoder, **parts)
    alone = PrivateEncoders([DilatedCNN(2) for _ in toy.TASKS])
    for encoder in (SharedEncoder(DilatedCNN(2), 3), alone):
        with pytest.raises(SettingsError, match="no first layer that all tasks share"):
            MultiTaskTagger(features=tagger.features, encoder=encoder, **parts)

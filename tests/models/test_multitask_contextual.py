"""Several tasks on contextual vectors: one mix that all of them read and train, one source, one file."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest

from seqlab.cli.main import main
from seqlab.corpora.conll import write_conll
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.reach import gradient_reach
from seqlab.inference.load import load
from seqlab.layers.features.scalar_mix import ScalarMix
from seqlab.models.multitask_asking import batches_of
from seqlab.text.contextual import Contextual
from tests.models import tasks as toy
from tests.oracles.features import scalar_mix
from tests.text.producers import Toy, store_of

pytestmark = pytest.mark.usefixtures("eagerly")

OTHER = ("Oslo", "sang")


@functools.cache
def reader():
    """A tagger whose tasks read the toy's vectors besides words and casing."""
    return toy.tagger("lstm_s", contextual=Toy(), eager=True)


@pytest.fixture
def tagger():
    """The same; tests leave its weights as they are and set its source."""
    reader().contextual = Toy()
    return reader()


def mix_of(made, task="pos"):
    (found,) = [part for part in made.features_of(task) if isinstance(part, ScalarMix)]
    return found


def batch(made, task):
    """As `toy.batch`, with the vectors of its tokens; those of the padding are numbers that nobody may see."""
    inputs, labels = toy.batch(made, task)
    vectors = np.stack(Toy().vectors(toy.WORDS)).transpose(0, 2, 1, 3)  # (batch, time, layers, width)
    vectors[~inputs["mask"]] = 7.0
    return {**inputs, "contextual": vectors}, labels


def scores(made, sentences=None):
    """The scores of all tasks, one array after the other."""
    found = made.predict(sentences or list(toy.corpus("pos")), tasks=toy.TASKS)
    return [rows for task in toy.TASKS for rows in found[task]]


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_all_tasks_read_what_numpy_mixes(tagger):
    inputs, _ = batch(tagger, "pos")
    assert (tagger.input["contextual"].shape, tagger.input["contextual"].dtype) == ((None, None, 2, 3), "float32")
    gamma, s = toy.values(mix_of(tagger).weights)
    mixed = scalar_mix(inputs["contextual"], s, gamma, inputs["mask"])
    parts = [part(inputs[part.fields[0]]) for part in tagger.features if not isinstance(part, ScalarMix)]
    x = np.concatenate([*(keras.ops.convert_to_numpy(part) for part in parts), mixed], -1).astype("float32")
    every = tagger.encoder(x, mask=inputs["mask"])  # (batch, time, tasks, width)
    given = {name: inputs[name] for name in tagger.input}
    for k, (head, found) in enumerate(zip(tagger.heads_by_task, tagger(given), strict=True)):
        wanted = keras.ops.convert_to_numpy(head(every[:, :, k], mask=inputs["mask"]))
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found), wanted, rtol=1e-3, atol=1e-4)


def test_the_vectors_change_the_scores_of_all_tasks_and_padding_none(tagger, tmp_path):
    computed = scores(tagger)
    tagger.contextual = store_of(tmp_path / "v.h5", toy.WORDS)
    same(scores(tagger), computed)

    class Opposite(Toy):
        def vectors(self, sentences):
            return [-array for array in super().vectors(sentences)]

    tagger.contextual = Opposite()
    changed = zip(scores(tagger), computed, strict=True)
    assert all(np.abs(one - other).max() > 1e-3 for one, other in changed)
    tagger.view("ner").contextual = Toy()  # which is the whole's
    inputs, _ = batch(tagger, "pos")
    longer = {
        name: np.pad(inputs[name], ((0, 0), (0, 2)) + ((0, 0),) * (inputs[name].ndim - 2))
        for name in inputs
        if name != "task"
    }
    for k, rows in enumerate(tagger.predict(longer, verbose=0)):
        alone = scores(tagger, [Sentence(toy.WORDS[0]), Sentence(toy.WORDS[1][:2])])[2 * k : 2 * k + 2]
        same([rows[0, :4], rows[1, :2]], alone)


def test_batches_of_one_task_and_of_several_hold_the_vectors(tagger):
    wanted = {words: array.transpose(1, 0, 2) for words, array in zip(toy.WORDS, Toy().vectors(toy.WORDS), strict=True)}
    for data in (toy.corpora(), toy.corpus(*toy.TASKS)):
        batches = batches_of(tagger, data, batch_size=2)
        for number in range(len(batches)):
            inputs = batches[number][0]
            assert set(inputs) == {*tagger.input, "task"}
            assert not inputs["contextual"][~inputs["mask"]].any()
            rows = [row[real] for row, real in zip(inputs["contextual"], inputs["mask"], strict=True) if real.any()]
            assert all(any(np.array_equal(row, known) for known in wanted.values()) for row in rows)


def test_a_step_on_one_task_trains_the_shared_mix_and_nothing_of_the_others():
    made = toy.tagger("sc_lstm", contextual=Toy(), eager=True)
    mix = {id(weight) for weight in mix_of(made).weights}
    for task in toy.TASKS:
        read = {id(weight) for weight in made.weights_of(task)}
        assert mix <= read
        others = [weight for weight in made.trainable_weights if id(weight) not in read]
        shared = {id(v) for v in (*made.optimizer.state_of([made.position(task)]), *made.optimizer.variables[:2])}
        others += [variable for variable in made.optimizer.variables if id(variable) not in shared]
        before, mixed = toy.values(others), toy.values(mix_of(made).weights)
        made.train_on_batch(*batch(made, task))
        assert len(others) > 4 and all(map(np.array_equal, toy.values(others), before))
        assert all(np.abs(a - b).max() > 0 for a, b in zip(toy.values(mix_of(made).weights), mixed, strict=True))
    reach = gradient_reach(made, {task: batch(made, task) for task in toy.TASKS})
    assert sum(moved == dict.fromkeys(toy.TASKS, True) for path, moved in reach.items() if "contextual" in path) == 2


def test_separate_networks_have_a_mix_each():
    made = toy.tagger("stl", contextual=Toy(), eager=True)
    mixes = [mix_of(made, task) for task in toy.TASKS]
    assert [mix.name for mix in mixes] == [f"contextual_vectors_{task}" for task in toy.TASKS]
    before = toy.values([weight for mix in mixes for weight in mix.weights])
    made.train_on_batch(*batch(made, "chunk"))
    moved = [
        not np.array_equal(*pair)
        for pair in zip(before, toy.values([weight for mix in mixes for weight in mix.weights]), strict=True)
    ]
    assert moved == [False, False, True, True, False, False]
    more = made.without_task("ner").with_task("ner", toy.corpus("ner"))
    same(toy.values(mix_of(more, "ner").weights), toy.values(mix_of(made, "pos").weights))
    assert mix_of(more, "ner").name != mix_of(more, "pos").name


def test_fit_and_joint_batches(tmp_path):
    made = toy.tagger("lstm_s", contextual=store_of(tmp_path / "v.h5", toy.WORDS), eager=True)
    before = toy.values(mix_of(made).weights)
    logs = made.fit(toy.corpora(), validation_data=toy.corpora(), batch_size=3, verbose=0).history
    assert {"ner_loss", "val_ner_f1", "val_f1"} <= set(logs)
    half = toy.values(mix_of(made).weights)
    assert "pos_f1" in made.evaluate(toy.corpus(*toy.TASKS), return_dict=True, verbose=0)
    made.fit(toy.corpus(*toy.TASKS), batch_size=3, verbose=0)
    for one, other in ((before, half), (half, toy.values(mix_of(made).weights))):
        assert all(np.abs(a - b).max() > 0 for a, b in zip(one, other, strict=True))


def test_tasks_come_and_go_with_the_source(tagger):
    toys = Toy()
    tagger.contextual = toys  # which has no place: it lives in this process alone
    fewer = tagger.without_task("pos")
    assert fewer.contextual is tagger.contextual
    again = fewer.with_task("pos", toy.corpus("pos"), head="softmax")
    assert again.contextual is tagger.contextual
    for made in (fewer, again):
        for task in ("chunk", "ner"):
            same(
                made.predict(list(toy.corpus(task)), tasks=[task])[task],
                tagger.predict(list(toy.corpus(task)), tasks=[task])[task],
            )
    same(toy.values(mix_of(again).weights), toy.values(mix_of(tagger).weights))


def test_a_saved_tagger_names_its_file_and_tags_by_it(tagger, tmp_path, capsys):
    store = store_of(tmp_path / "v.h5", toy.WORDS)
    tagger.contextual = store.path
    before = scores(tagger)
    tagger.save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    same(scores(again), before)
    every = again.tag(toy.WORDS[0])
    assert {task: found.tags for task, found in every.items()} == {
        task: found.tags for task, found in tagger.tag(toy.WORDS[0]).items()
    }
    text = r"v\.h5 has none for 1 of 1 sentences, first 'Oslo sang'.*seqlab embed"
    for ask in (again.tag, again.view("ner").tag):
        with pytest.raises(DataError, match=text):
            ask(OTHER)
    again.contextual = Contextual(again.contextual.file, Toy())
    assert len(again.tag(OTHER, tasks=["ner"])["ner"].tags) == 2
    by_command_line(tmp_path, capsys)


def by_command_line(folder, capsys):
    """What `tag`, `evaluate` and `compare` do with the saved tagger."""
    model, task = str(folder / "model.keras"), ["--task", "ner"]
    other = store_of(folder / "other.h5", [OTHER]).path
    tag = ["tag", model, " ".join(OTHER), "--tokens", *task]
    assert main(tag) == 1
    assert "reads contextual vectors" in capsys.readouterr().err
    assert main([*tag, "--contextual", other]) == 0
    assert capsys.readouterr().out.startswith("Oslo\t")
    write_conll(toy.corpus("ner"), folder / "known.conll", columns=["word", "ner"])
    write_conll(
        Corpus([Sentence(OTHER, {"ner": ("B-LOC", "O")})], {"ner": "iob2"}),
        folder / "other.conll",
        columns=["word", "ner"],
    )
    assert main(["evaluate", model, str(folder / "other.conll"), *task, "--contextual", other]) == 0
    assert "overall" in capsys.readouterr().out
    compare = ["compare", model, model, *task, "--samples", "20", "--data"]
    assert main([*compare, str(folder / "known.conll")]) == 0
    assert "ner on" in capsys.readouterr().out
    assert main([*compare, str(folder / "other.conll")]) == 1
    assert "has none for 1 of 1 sentences" in capsys.readouterr().err


def test_refuses_other_sizes_and_other_producers(tagger):
    with pytest.raises(SettingsError, match="of 2 layers of width 3; Toy gives 2 layers of width 5"):
        tagger.contextual = Toy(2, 5)
    with pytest.raises(SettingsError, match=r"reads no contextual vectors: give contextual=\.\.\. when it is made"):
        toy.tagger("lstm_s", eager=True).contextual = Toy()
    made = toy.tagger("lstm_s", contextual=Toy(), eager=True)
    one, other = Toy(), Toy()
    one.fingerprint, other.fingerprint = "one", "other"
    made.contextual = one
    with pytest.raises(SettingsError, match=r"fingerprint one\); those of Toy are another's \(other\)"):
        made.contextual = other


def test_training_data_that_the_file_lacks_is_named(tagger, tmp_path):
    tagger.contextual = store_of(tmp_path / "v.h5", toy.WORDS[1:])
    with pytest.raises(DataError, match="has none for 1 of 3 sentences, first 'Ada of Oslo sang'"):
        tagger.fit(toy.corpora())

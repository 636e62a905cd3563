"""Going on with a trained tagger on data with new labels, words or characters."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from seqlab.corpora.records import Corpus
from seqlab.errors import SettingsError
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.heads.rules import Rulebook
from seqlab.models import inputs
from seqlab.models.rules import Choice, rules_of
from seqlab.tags.rules import scheme_constraints
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vocabulary import Labels, Vocabulary


def extended_config(
    tagger: Any, corpus: Corpus, constrained: Choice | None = None, min_count: int = 2
) -> dict[str, Any]:
    """Returns the tagger's config with room for a corpus' labels, characters and words, appended to the known ones.

    Args:
        tagger: The trained tagger.
        corpus: The corpus to go on with.
        constrained: What decoding keeps; `None` for what the tagger keeps.
        min_count: Occurrences from which a new word without a vector gets a row.
    """
    old: Vectorizer = tagger.vectorizer
    table = _word_table(tagger)
    known = list(old.words.items[: table.rows - 2])
    frozen = old.words.items[table.rows - 2 :]
    counts = inputs.keyed_counts(corpus, old.rules, set(old.words.items))
    with_vector = set(frozen)
    wanted = {word for word, n in counts.items() if n >= min_count or word in with_vector} - set(known)
    if table.rows == 2 and frozen:  # no word's vector learns
        wanted = set()
    trained = [*known, *sorted(wanted)]
    vectorizer = Vectorizer(
        words=Vocabulary([*trained, *(word for word in frozen if word not in wanted)]),
        characters=_grown(old.characters, {c for word in corpus.words() for c in word}),
        labels={tagger.task: _more_labels(old.labels[tagger.task], corpus, tagger.task)},
        rules=old.rules,
        schemes={tagger.task: tagger.scheme},
        char_limit=old.char_limit,
        categories=old.categories,  # new values stay unknown
    )
    config = tagger.get_config()
    config["vectorizer"] = vectorizer.get_config()
    sizes = {"rows": len(trained) + 2, "frozen_rows": len(vectorizer.words) - len(trained) - 2}
    for feature in config["features"]:
        inner = feature["config"]
        inner.update({name: size for name, size in sizes.items() if name in inner})
        if "characters" in inner:
            inner["characters"] = len(vectorizer.characters)
        feature.pop("build_config", None)
    config["head"]["config"]["tags"] = len(vectorizer.labels[tagger.task])
    if constrained is not None or config["head"]["config"].get("constraints") is not None:
        labels = vectorizer.labels[tagger.task]
        rules = _wider(tagger, labels) if constrained is None else rules_of(constrained, labels.items, tagger.scheme)
        head = config["head"]["config"]
        head["constraints"] = rules and rules.get_config()
        if "constrained_loss" in head:  # which sees no words
            head["constrained_loss"] = head["constrained_loss"] and rules is not None and not rules.gates
    config["head"].pop("build_config", None)
    return _with_rows_moved({**config, "auxiliary": []}, old.words, vectorizer.words)


def copy_weights(source: Any, target: Any) -> None:
    """Copies what the source has learnt; rows and columns that only the target has keep their initial values.

    New entries stand behind the old ones in every table, so each old weight is the first block of its new one. Word
    vectors are copied by word, since a word may move from the frozen rows to those that learn.
    """
    target.vectorizer.contextual = source.vectorizer.contextual  # which may be of this process alone
    if target.language is not None:
        target.language.set_weights(source.language.get_weights())
    left = {id(part.head) for part in source.auxiliary}
    kept = [layer for layer in source.layers if id(layer) not in left]
    for old, new in zip(kept, target.layers, strict=True):
        if isinstance(old, WordEmbedding):
            _copy_words(source, target)
            continue
        for before, after in zip(old.weights, new.weights, strict=True):
            values = np.array(ops.convert_to_numpy(after))
            values[tuple(slice(0, size) for size in before.shape)] = ops.convert_to_numpy(before)
            after.assign(values)


def _copy_words(source: Any, target: Any) -> None:
    before, after = _word_table(source), _word_table(target)
    tables = [before.trained] + ([before.frozen] if before.frozen_rows else [])
    vectors = np.concatenate([ops.convert_to_numpy(table) for table in tables])
    rows = [target.vectorizer.words.index(word) for word in source.vectorizer.words.items]
    after.load_vectors(np.asarray([0, 1, *rows]), vectors)


def _word_table(tagger: Any) -> WordEmbedding:
    for feature in tagger.features:
        if isinstance(feature, WordEmbedding):
            return feature
    raise ValueError("This tagger reads no words: there is no table to extend.")


def _with_rows_moved(config: dict[str, Any], old: Vocabulary, new: Vocabulary) -> dict[str, Any]:
    """A config whose language-model objective, if any, goes on with its words, wherever their rows are now."""
    if config.get("language") is not None:
        inner = config["language"]["config"]
        inner["rows"] = [new.index(old.items[row - 2]) for row in inner["rows"]]
    return config


def _wider(tagger: Any, labels: Labels) -> Rulebook:
    """The constraints of the head for more labels, where they are those of the tag scheme."""
    known: Rulebook = tagger.head.constraints
    if known.tags == tuple(labels.items):
        return known
    if tagger.scheme is None or known != scheme_constraints(known.tags, tagger.scheme):
        raise SettingsError(
            f"The head's constraints know nothing of the new labels {', '.join(labels.items[len(known.tags) :])}, and "
            "are not those of a tag scheme alone: say what holds for all labels, as in extended(corpus, "
            "constrained=lambda labels, scheme: at_most_one(labels, scheme, 'PER'))."
        )
    return scheme_constraints(labels.items, tagger.scheme)


def _grown(vocabulary: Vocabulary, items: set[str]) -> Vocabulary:
    known = set(vocabulary.items)
    return Vocabulary([*vocabulary.items, *sorted(items - known)])


def _more_labels(labels: Labels, corpus: Corpus, task: str) -> Labels:
    known = set(labels.items)
    return Labels([*labels.items, *sorted(set(corpus.labels(task)) - known)])

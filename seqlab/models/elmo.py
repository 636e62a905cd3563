"""ELMo as a producer of contextual vectors, from the official files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from seqlab.errors import SettingsError, check_count
from seqlab.files import fingerprint_of
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.elmo import ElmoRecurrence, ElmoTokens
from seqlab.layers.features.elmo import ElmoVectors
from seqlab.migration.elmo import ElmoOptions, cell_name, find_elmo, read_elmo_options, read_elmo_weights
from seqlab.models.sparing import SparingModel
from seqlab.text.elmo_chars import LENGTH, elmo_characters, elmo_edges

TIMES, WORDS = 8, 64  # compilers that specialise on shapes see multiples of these alone


class Elmo:
    """ELMo's language model in both directions, a producer of contextual vectors (Peters et al. 2018).

    Its layers are the words' vectors, doubled, and the outputs of each recurrent layer, forward beside backward. Words
    are read by their characters, so none is unknown; the begin and the end of each sentence are read and left out of
    what it gives.

    As published the model is stateful: the states after a sentence are those before the next one in its row of the
    batch, so what it gives depends on what it has read before. Here each sentence begins anew, and its vectors are its
    own, unless `stateful` asks for the other.

    Args:
        options: What `read_elmo_options` returned.
        weights: What `read_elmo_weights` returned.
        stateful: Whether states go on from batch to batch; sentences then stay in their order.
        batch_size: Sentences in a batch.
        place: The folder that both were read from, for models that name their producer.
        fingerprint: What tells its files from others, as `seqlab.files.fingerprint_of`.

    Attributes:
        layers: Number of vectors for each token.
        width: Width of each.
        place: `None` where stateful too: what is opened by a place begins each sentence anew and gives other vectors.

    Raises:
        SettingsError: For a `batch_size` below 1.
    """

    def __init__(
        self,
        options: ElmoOptions,
        weights: dict[str, np.ndarray],
        stateful: bool = False,
        batch_size: int = 32,
        place: str | None = None,
        fingerprint: str | None = None,
    ) -> None:
        check_count("batch_size", batch_size)
        self.options = options
        self.stateful = stateful
        self.batch_size = batch_size
        self.place = None if stateful else place
        self.fingerprint = fingerprint
        self.layers = options.layers + 1
        self.width = 2 * options.projection
        self._tokens = elmo_tokens(options, weights)
        recurrence = elmo_recurrence(options, weights, return_state=True)
        spelled = keras.Input((options.length,), dtype="int32")
        self._words = SparingModel(spelled, self._tokens(spelled))
        inputs = [keras.Input((None, options.projection)), keras.Input((None,), dtype="bool")]
        states = [keras.Input((size,)) for size in recurrence.state_size]
        self._sentences = SparingModel(
            [*inputs, *states], list(recurrence(inputs[0], mask=inputs[1], initial_state=states))
        )
        self._sizes = recurrence.state_size
        self.reset()

    @classmethod
    def from_files(
        cls,
        options: str | os.PathLike[str],
        weights: str | os.PathLike[str],
        stateful: bool = False,
        batch_size: int = 32,
    ) -> Elmo:
        """Opens an ELMo model: its options (JSON) and weights (HDF5), as published by AllenNLP or made by bilm-tf.

        Raises:
            ModelFileError: For a file that is missing or damaged, and options that do not fit the weights, with the
                tensor, its shape and the one expected.
        """
        known, arrays = _read(options, weights)
        return cls(known, arrays, stateful, batch_size, _common(options, weights), fingerprint_of(options, weights))

    @classmethod
    def from_folder(cls, folder: str | os.PathLike[str], stateful: bool = False, batch_size: int = 32) -> Elmo:
        """Opens the model of a folder with one file *options*.json and one file *weights*.hdf5."""
        return cls.from_files(*find_elmo(folder), stateful=stateful, batch_size=batch_size)

    def reset(self) -> None:
        """Forgets what it has read: the next sentences begin from zero states."""
        self._states = [np.zeros((self.batch_size, size), "float32") for size in self._sizes]

    def vectors(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Returns (layers, time, width) float32 for each sentence, given by its words."""
        found: list[Any] = [None] * len(sentences)
        forms, table = self._table(sentences)
        order = list(range(len(sentences)))
        if not self.stateful:  # fewer padded steps
            order.sort(key=lambda number: len(sentences[number]))
        for start in range(0, len(order), self.batch_size):
            numbers = order[start : start + self.batch_size]
            rows = [[0, *(forms[word] for word in sentences[number]), 1] for number in numbers]
            block = self._batch(rows, table)
            for number, row, array in zip(numbers, rows, block, strict=False):  # the rest of the batch is padding
                found[number] = array[1 : len(row) - 1].transpose(1, 0, 2)
        return found

    def _table(self, sentences: Sequence[Sequence[str]]) -> tuple[dict[str, int], np.ndarray]:
        """The vectors of the distinct words, each read once, after those of a sentence's begin and end."""
        words = dict.fromkeys(word for sentence in sentences for word in sentence)
        forms = {word: number for number, word in enumerate(words, 2)}
        spelled = np.concatenate(
            [np.stack(elmo_edges(self.options.length)), elmo_characters(list(words), self.options.length)]
        )
        parts = []
        for start in range(0, len(spelled), WORDS):
            part = spelled[start : start + WORDS]
            filled = np.concatenate([part, np.zeros((WORDS - len(part), self.options.length), np.int32)])
            parts.append(np.asarray(self._words.predict_on_batch(filled))[: len(part)])
        return forms, np.concatenate(parts)

    def _batch(self, rows: list[list[int]], table: np.ndarray) -> np.ndarray:
        """(batch, time, layers, width) of sentences given by rows of the table, whose marks are among them."""
        time = -(-max(map(len, rows)) // TIMES) * TIMES
        x = np.zeros((self.batch_size, time, self.options.projection), "float32")
        mask = np.zeros((self.batch_size, time), bool)
        for number, row in enumerate(rows):
            x[number, : len(row)] = table[row]
            mask[number, : len(row)] = True
        found, *states = self._sentences.predict_on_batch([x, mask, *self._states])
        if self.stateful:
            self._states = [np.asarray(state) for state in states]
        return np.asarray(found)


def elmo_vectors(folder: str | os.PathLike[str], layer_norm: str | None = None, dropout: float = 0.0) -> ElmoVectors:
    """Reads an ELMo model as a feature that learns with its tagger: `Tagger.from_corpus(contextual=elmo_vectors(...))`.

    Args:
        folder: As `Elmo.from_folder`.
        layer_norm: As `ScalarMix`.
        dropout: As `ScalarMix`.

    Raises:
        ModelFileError: As `Elmo.from_files`.
        SettingsError: For a model that reads other than 50 characters of a word, which batches do not hold.
    """
    known, arrays = _read(*find_elmo(folder))
    if known.length != LENGTH:
        raise SettingsError(
            f"{os.fspath(folder)} reads {known.length} numbers of a word (max_characters_per_token); one that learns "
            f"with a tagger reads {LENGTH}, as the published models. Its vectors can be had from a file: seqlab embed."
        )
    tokens, recurrence = elmo_tokens(known, arrays), elmo_recurrence(known, arrays)
    edges = [row.tolist() for row in elmo_edges(known.length)]
    return ElmoVectors(tokens, recurrence, edges, layer_norm, dropout, name="elmo_vectors")


def elmo_tokens(options: ElmoOptions, weights: dict[str, np.ndarray]) -> ElmoTokens:
    """Builds the layer that reads words, with the weights of the files."""
    layer = ElmoTokens(
        options.filters,
        options.dim,
        len(weights["char_embed"]),
        options.activation,
        options.highway,
        options.projection if options.channels != options.projection else None,
        dtype="float32",
        name="tokens",
    )
    layer.build((None, options.length))
    layer.table.assign(weights["char_embed"])
    for number, (kernel, bias) in enumerate(layer.kernels):
        kernel.assign(weights[f"CNN/W_cnn_{number}"][0])
        bias.assign(weights[f"CNN/b_cnn_{number}"])
    for number, parts in enumerate(layer.carry.steps if layer.carry is not None else ()):
        # What bilm-tf calls the transform is the new value, and its carry gate is the one that lets it in.
        for weight, part in zip(parts, ("W_transform", "b_transform", "W_carry", "b_carry"), strict=True):
            weight.assign(weights[f"CNN_high_{number}/{part}"])
    if layer.project is not None:
        layer.project.set_weights([weights["CNN_proj/W_proj"], weights["CNN_proj/b_proj"]])
    return layer


def elmo_recurrence(options: ElmoOptions, weights: dict[str, np.ndarray], return_state: bool = False) -> ElmoRecurrence:
    """Builds the recurrent layers with the weights of the files."""
    layer = ElmoRecurrence(
        options.units,
        options.layers,
        options.projection if options.projected else None,
        options.cell_clip,
        options.projection_clip if options.projected else None,  # TensorFlow's cell clips projections alone
        options.skip_connections,
        return_state,
        dtype="float32",
        name="recurrence",
    )
    layer.build((None, None, options.projection))
    for direction, cells in enumerate((layer.forward, layer.backward)):
        for number, cell in enumerate(cells):
            _fill(cell, options, weights, cell_name(direction, number))
    return layer


def _fill(cell: LSTMCell, options: ElmoOptions, weights: dict[str, np.ndarray], name: str) -> None:
    """Gives a cell the weights of TensorFlow's, whose blocks are i, z, f, o and which adds 1 to f's bias itself."""
    i, z, f, o = np.split(weights[f"{name}/W_0"], 4, axis=1)
    both = np.concatenate([z, i, f, o], axis=1)
    cell.kernel_weight.assign(both[: options.projection])
    cell.recurrent.assign(both[options.projection :])
    i, z, f, o = np.split(weights[f"{name}/B"], 4)
    cell.bias.assign(np.concatenate([z, i, f + 1, o]))
    if cell.projection is not None:
        cell.projection.kernel.assign(weights[f"{name}/W_P_0"])


def _read(
    options: str | os.PathLike[str], weights: str | os.PathLike[str]
) -> tuple[ElmoOptions, dict[str, np.ndarray]]:
    known = read_elmo_options(options)
    return known, read_elmo_weights(weights, known)


def _common(options: str | os.PathLike[str], weights: str | os.PathLike[str]) -> str | None:
    """The folder from which both files can be found again."""
    folder = Path(options).parent
    try:
        return os.fspath(folder) if find_elmo(folder) == (Path(options), Path(weights)) else None
    except SettingsError:
        return None

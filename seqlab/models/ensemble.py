"""Several trained taggers as one model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.batches.joint import JointBatches, joint_name
from seqlab.batches.loader import Batches
from seqlab.errors import SettingsError
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.crf_layer import CRF
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.distillation import first_difference
from seqlab.models.extend import copy_weights
from seqlab.models.labeller import Labeller
from seqlab.models.tagger import Tagger
from seqlab.text.vectorizer import Encoded, Vectorizer

KINDS: dict[str, type[keras.layers.Layer]] = {"softmax": SoftmaxHead, "crf": CRFHead}


@keras.saving.register_keras_serializable(package="seqlab")
class Ensemble(Labeller):
    """The average of K trained taggers; it tags, scores, tells confidences, saves, loads and exports as one tagger.

        softmax:  p(t) = 1/K sum over k of p_k(t)
        CRF:      scores = 1/K sum over k of scores_k;    transitions, start and end alike

    The second is the geometric mean of the members' probabilities of whole paths, normalised. A member's temperature
    counts, since it belongs to what the member thinks probable. Rules, which all members share, are kept after
    averaging. Members may be made of other parts, and know other words and characters: each reads integers of its own.

    The members are copies, without auxiliary tasks. The head is a CRF over scores; those of softmax members are
    `log p(t)`, with transitions of 0. An ensemble is not trained.

    Args:
        members: The taggers, at least two.
        temperature: What the average's scores are divided by, see `ChainHead`; `calibrate` sets it.
        **kwargs: Of `keras.Model`.

    Raises:
        SettingsError: For less than two members, for what is no tagger with a softmax or CRF head, or for members that
            differ in task, labels, tag scheme, kind of head or rules; the first difference is named.
    """

    def __init__(self, members: Sequence[Tagger], temperature: float = 1.0, **kwargs: Any) -> None:
        # === Layers ===
        kind = _check(members)
        members = [_member(tagger, f"member_{number}") for number, tagger in enumerate(members, 1)]
        vectorizers, places = _vectorizers(members)
        rules = members[0].head.constraints
        head = CRF(members[0].head.tags, constraints=rules, temperature=temperature, name="head")
        inputs: dict[str, Any] = {}
        scores = []
        for member, place in zip(members, places, strict=True):
            names = {field: joint_name(field, place) for field in member.input}
            for field, name in names.items():
                given = member.input[field]
                if name not in inputs:
                    inputs[name] = keras.Input(given.shape[1:], dtype=given.dtype, name=name)
            found = member({field: inputs[name] for field, name in names.items()})
            scores.append(found / member.head.temperature)  # (batch, time, labels)
        temperatures = [member.head.temperature for member in members]

        # === Functional model ===
        mean = log_mean(scores) if kind == "softmax" else sum(scores[1:], scores[0]) / len(scores)
        super().__init__(inputs=inputs, outputs=head(mean, mask=inputs["mask"]), **kwargs)
        moves = zip(*(map(member.head.tempered, member.head.moves()) for member in members), strict=True)
        for weight, parts in zip(head.moves(), moves, strict=True):
            weight.assign(sum(parts[1:], parts[0]) / len(parts))

        # === Config ===
        self.members = members
        self.vectorizers = vectorizers
        self.vectorizer = vectorizers[0]
        self.task = members[0].task
        self.tasks = (self.task,)
        self.head = head
        self._places = places
        self._temperatures = temperatures  # which the graph holds: later ones of the members change nothing
        self.compile(optimizer=None)

    def batched(self, encoded: Encoded, **options: Any) -> Batches:
        """Returns encoded sentences as batches with the arrays of every vectorizer; options as `Batches`."""
        others = [vectorizer.encode(encoded.sentences, tasks=()) for vectorizer in self.vectorizers[1:]]
        return JointBatches([encoded, *others], fields=tuple(self.input), **options)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Refuses.

        Raises:
            SettingsError: Always.
        """
        raise SettingsError("An ensemble is not trained: train the members and make it of them again.")

    def get_config(self) -> dict[str, Any]:
        """Returns the members, and the vectorizers that they share."""
        members = []
        for member, place, temperature in zip(self.members, self._places, self._temperatures, strict=True):
            config = {**member.get_config(), "vectorizer": place}
            config["head"]["config"]["temperature"] = temperature
            members.append(config)
        return {
            "name": self.name,
            "vectorizers": [vectorizer.get_config() for vectorizer in self.vectorizers],
            "members": members,
            "temperature": self.head.temperature,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Ensemble:
        """Rebuilds an ensemble from `get_config()`."""
        rows, vectorizers = config["members"], config["vectorizers"]
        members = [
            Tagger.from_config({**row, "vectorizer": vectorizers[row["vectorizer"]]}, custom_objects) for row in rows
        ]
        return cls(members, config["temperature"], name=config["name"])


def log_mean(scores: Sequence[Any]) -> Any:
    """Returns `log(1/K sum over k of softmax(scores_k))` over the last axis, exact where probabilities underflow."""
    logs = [one - ops.logsumexp(one, axis=-1, keepdims=True) for one in scores]
    return ops.logsumexp(ops.stack(logs), axis=0) - float(ops.log(len(logs)))


def _member(tagger: Tagger, name: str) -> Tagger:
    """Returns a copy of that name with its own task alone; the tagger itself if it is so already, as from a file."""
    if tagger.name == name and not tagger.auxiliary and tagger.language is None:
        return tagger
    found = Tagger.from_config({**tagger.get_config(), "name": name, "auxiliary": [], "language": None})
    copy_weights(tagger, found)
    return found


def _vectorizers(members: Sequence[Tagger]) -> tuple[list[Vectorizer], list[int]]:
    """Returns the vectorizers that read words differently, and which of them each member uses."""
    found: list[Vectorizer] = []
    known: list[Any] = []
    places: list[int] = []
    for member in members:
        config = member.vectorizer.get_config()
        reading = {name: value for name, value in config.items() if name not in ("labels", "schemes")}
        alike = [k for k, other in enumerate(known) if other == reading and _same_source(found[k], member.vectorizer)]
        if not alike:
            alike = [len(known)]
            known.append(reading)
            found.append(member.vectorizer)
        places.append(alike[0])
    return found, places


def _same_source(one: Vectorizer, other: Vectorizer) -> bool:
    return one.contextual is None or one.contextual.same(other.contextual)


def _check(members: Sequence[Tagger]) -> str:
    """Refuses taggers that cannot be averaged; returns the kind of their heads."""
    if len(members) < 2:
        raise SettingsError(f"An ensemble has at least two members, received {len(members)}.")
    for number, tagger in enumerate(members, 1):
        if not isinstance(tagger, Tagger):
            raise SettingsError(f"An ensemble is made of taggers; member {number} is a {type(tagger).__name__}.")
    first, *others = (_properties(tagger, number) for number, tagger in enumerate(members, 1))
    for number, other in enumerate(others, 2):
        for what, value in first.items():
            if other[what] != value:
                raise SettingsError(
                    f"Members of an ensemble agree on {what}. {_difference(what, value, other[what], number)}"
                )
    return str(first["kind of head"])


def _properties(tagger: Tagger, number: int) -> dict[str, Any]:
    """What members agree on, in the order in which differences are named."""
    kind = next((name for name, known in KINDS.items() if isinstance(tagger.head, known)), None)
    if kind is None:
        raise SettingsError(
            f"Probabilities of softmax heads and potentials of CRFs can be averaged; member {number} has a "
            f"{type(tagger.head).__name__}."
        )
    rules = tagger.head.constraints
    return {
        "task": tagger.task,
        "labels": tagger.labels,
        "tag scheme": tagger.scheme,
        "kind of head": kind,
        "rules": rules and rules.get_config(),
    }


def _difference(what: str, one: Any, other: Any, number: int) -> str:
    """Names the first difference between the first member and another."""
    if what == "rules":
        return f"Those of member 1 are not those of member {number}: train them with the same constraints."
    if what != "labels":
        return f"That of member 1 is {one!r}, that of member {number} is {other!r}."
    found = first_difference(one, other, "member 1", f"member {number}")
    return f"{found}: train all members on data with the same labels."

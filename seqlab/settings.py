"""Settings of a training run: frozen, validated, the same in a recipe, on the command line and in a run's folder."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from seqlab.errors import SettingsError, suggest
from seqlab.model_settings import (
    KIND_OF_ENCODER,
    KINDS_OF_ATTENTION,
    Attention,
    AttentionSettings,
    Cell,
    CharSettings,
    ContextualSettings,
    EncoderSettings,
    LanguageSettings,
    WordSettings,
)
from seqlab.settings_part import Part

__all__ = [
    "KINDS_OF_ATTENTION",
    "KIND_OF_ENCODER",
    "Attention",
    "AttentionSettings",
    "AuxiliarySettings",
    "Cell",
    "CharSettings",
    "ContextualSettings",
    "DataSettings",
    "DistillSettings",
    "EncoderSettings",
    "LanguageSettings",
    "RuleSettings",
    "Settings",
    "TrainingSettings",
    "WordSettings",
]


class DataSettings(Part):
    """Where the sentences come from."""

    train: str = Field(description="training file")
    dev: str | None = Field(None, description="development file; without one, part of the training file is held out")
    test: str | None = Field(None, description="test file, scored once at the end")
    format: Literal["conll", "conllu"] = Field("conll", description="file format")
    columns: dict[str, int] = Field({"word": 0, "label": -1}, description="name and number of each column (conll)")
    fields: dict[str, str] = Field({"pos": "upos"}, description="name and field of each column (conllu)")
    scheme: str | None = Field(None, description="tag scheme; found from the tags where it is not given")
    lenient: bool = Field(False, description="keep tags that break their scheme, and read them as conlleval does")
    separator: str | None = Field(None, description="what stands between columns; any blanks if not given (conll)")
    encoding: str = Field("utf-8", description="text encoding")
    held_out: float = Field(
        0.1, gt=0, description="held out where there is no dev: a share below 1, or a number of sentences"
    )
    sentences: int | None = Field(
        None, ge=1, description="train on so many sentences, drawn from what is not held out; on all if not given"
    )
    join_dev: bool = Field(False, description="train on the development sentences too, once all else is chosen")
    split_seed: int = Field(
        1, ge=0, description="seed of what is held out, of folds and of data.sentences, the same for all runs"
    )
    folds: int | None = Field(None, ge=2, description="n-fold training over the training file in place of one run")


class RuleSettings(Part):
    """What paths of tags must keep besides the tag scheme; tags are those that are learnt."""

    forbid: tuple[str, ...] = Field(
        (), description="pairs of tags, as 'DT VBZ': the second never follows the first; <start> and <end> are edges"
    )
    require: tuple[str, ...] = Field(
        (), description="pairs of tags, as 'DT NN': the first is always followed by the second, or by one of several"
    )
    at_most_one: tuple[str, ...] = Field((), description="types with at most one span in a sentence, up to three")
    at_least_one: tuple[str, ...] = Field((), description="types with at least one span in a sentence, up to three")
    only_listed: tuple[str, ...] = Field(
        (), description="TYPE=FILE: spans of the type only from a list, an entry a line, words separated by blanks"
    )
    in_loss: bool = Field(False, description="the loss of a crf too is over the allowed paths alone")
    leave_out_broken: bool = Field(
        False, description="leave training sentences that break the rules out of the loss, instead of refusing them"
    )

    @property
    def lists(self) -> dict[str, str]:
        """The file of each type that is limited to a list.

        Raises:
            SettingsError: An entry of `only_listed` is not TYPE=FILE, or a type is there twice.
        """
        found: dict[str, str] = {}
        for item in self.only_listed:
            kind, _, path = item.partition("=")
            if not kind or not path or kind in found:
                raise SettingsError(
                    f"rules.only_listed holds TYPE=FILE, each type once, as LOC=places.txt; received {item!r}."
                )
            found[kind] = path
        return found

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        lists = self.lists
        if self.in_loss and lists:
            raise SettingsError(
                "rules.in_loss: the loss does not see the words, on which rules.only_listed depends; leave one of them "
                "out. Decoding keeps all rules in any case."
            )
        if self.leave_out_broken and not self.in_loss:
            raise SettingsError("rules.leave_out_broken concerns rules.in_loss: without it the loss keeps no rules.")


CYCLE = 10
"""Epochs of a cycle if none are given."""


class TrainingSettings(Part):
    """How the weights are found."""

    epochs: int = Field(30, gt=0, description="most epochs")
    batch_size: int = Field(16, gt=0, description="sentences in a batch")
    optimizer: Literal["adam", "nadam", "sgd"] = Field("adam", description="optimiser")
    learning_rate: float = Field(1e-3, gt=0, description="initial learning rate")
    clip_norm: float | None = Field(5.0, gt=0, description="limit of the global gradient norm")
    average: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="momentum of the exponential average of weights (EMA), which is validated and saved in their "
        "place; none if not given",
    )
    monitor: Literal["val_f1", "val_accuracy", "val_precision", "val_recall", "val_loss"] = Field(
        "val_f1", description="figure that names the best epoch"
    )
    patience: int = Field(
        8,
        gt=0,
        description="epochs without a better figure after which training restarts, if it may, or stops; in cycles at "
        "least one of them",
    )
    schedule: Literal["halve", "linear", "constant", "restarts", "decay", "triangular", "cosine"] = Field(
        "halve",
        description="learning rate: halved on a plateau; falling in a line to 3 % over all epochs; constant; halved in "
        "restarts from the best weights with a fresh optimiser; divided by 1 + decay * epoch; or in cycles, from a "
        "tenth up and down in lines, or down a cosine to 0",
    )
    halve_after: int | None = Field(
        None, gt=0, description="epochs without a better figure after which the schedule halve does; 3 if not given"
    )
    restarts: int | None = Field(None, gt=0, description="most restarts of that schedule; 2 if not given")
    decay: float | None = Field(None, gt=0, description="of the schedule decay; 0.05 if not given")
    cycle: int | None = Field(None, gt=0, description="epochs of a cycle (triangular, cosine); 10 if not given")
    snapshots: bool = Field(False, description="keep the model of each cycle's end, for seqlab ensemble")
    swa_from: int | None = Field(
        None, gt=0, description="epoch from which weights are averaged (SWA), in cycles at their ends, for the model"
    )
    momentum: float | None = Field(None, ge=0, lt=1, description="momentum of sgd; none if not given")
    beta_2: float | None = Field(
        None, gt=0, lt=1, description="decay of the squared gradients' mean (adam, nadam); 0.999 if not given"
    )
    class_weight: Literal["balanced"] | None = Field(
        None, description="weights of tokens in a softmax's loss: balanced, in inverse proportion to the label's count"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of a softmax's loss that all labels have alike")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="type of numbers in computation; weights are float32 in any case"
    )

    @property
    def cyclical(self) -> bool:
        """Whether the learning rate goes in cycles."""
        return self.schedule in ("triangular", "cosine")

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        cycles = ("triangular", "cosine")
        concerns: dict[str, tuple[str, ...]] = {name: (name,) for name in ("restarts", "decay")}
        concerns |= {"halve_after": ("halve",), "cycle": cycles, "snapshots": cycles}
        for name, schedules in concerns.items():
            if getattr(self, name) not in (None, False) and self.schedule not in schedules:
                raise SettingsError(
                    f"{name} concerns the schedule {' or '.join(schedules)}, received {self.schedule!r}: leave one of "
                    "them out."
                )
        if self.momentum is not None and self.optimizer != "sgd":
            raise SettingsError(f"momentum is that of the optimizer sgd, received {self.optimizer!r}: leave it out.")
        if self.beta_2 is not None and self.optimizer == "sgd":
            raise SettingsError("beta_2 is for the optimizer adam or nadam, received 'sgd': leave it out.")
        for name in ("swa_from", "average"):
            if getattr(self, name) is not None and self.schedule == "restarts":
                raise SettingsError(
                    f"{name} averages one course of weights, and the schedule restarts goes back: drop one."
                )
        if self.swa_from is not None and self.average is not None:
            raise SettingsError("average and swa_from both put an average in the weights' place: drop one.")
        if self.average is not None and self.precision == "mixed_float16":
            raise SettingsError("average needs the precision float32 or mixed_bfloat16: float16 leaves steps out.")
        cycle = (self.cycle or CYCLE) if self.cyclical else 1
        last = self.epochs // cycle * cycle
        if self.swa_from is not None and self.swa_from > last:
            raise SettingsError(f"swa_from is {self.swa_from}, but the last epoch to be averaged is {last}.")
        if self.snapshots and not last:
            raise SettingsError(f"snapshots: no cycle ends within {self.epochs} epochs; set cycle to less.")


class AuxiliarySettings(Part):
    """Another column that is learnt besides, in training alone."""

    task: str | None = Field(None, description="column to learn besides, from a lower layer; none if not given")
    weight: float = Field(1.0, gt=0, description="weight of its loss; that of the task is 1")
    layer: int = Field(1, gt=0, description="encoder layer that it reads, 1 for the first")


class DistillSettings(Part):
    """What is learnt of a trained model besides the labels."""

    teacher: str | None = Field(None, description="run's folder or .keras file of the teacher, such as an ensemble")
    weight: float = Field(0.5, gt=0, le=1, description="share of the teacher in the loss; the labels have the rest")
    temperature: float = Field(1.0, gt=0, description="what flattens the probabilities that are taught")


class Settings(Part):
    """A whole run."""

    data: DataSettings
    task: str = Field("label", description="column to learn")
    tag_scheme: str | None = Field(None, description="scheme to learn in, for instance iobes; else that of the data")
    words: WordSettings = WordSettings()
    chars: CharSettings = CharSettings()
    encoder: EncoderSettings = EncoderSettings()
    contextual: ContextualSettings = ContextualSettings()
    head: Literal["crf", "softmax"] = Field("crf", description="output layer")
    constrained: bool = Field(False, description="decode only what the tag scheme allows")
    rules: RuleSettings = RuleSettings()
    attention: AttentionSettings = AttentionSettings()
    distill: DistillSettings = DistillSettings()
    auxiliary: AuxiliarySettings = AuxiliarySettings()
    language: LanguageSettings = LanguageSettings()
    training: TrainingSettings = TrainingSettings()
    seed: int = Field(1, ge=0, description="seed of weights, dropout and order")

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several parts."""
        self.chars.options(self.words.chars)
        name = "columns" if self.data.format == "conll" else "fields"
        known = getattr(self.data, name)
        if self.data.folds is not None and (self.data.dev or self.data.test or self.data.join_dev):
            raise SettingsError("data.folds trains and scores on parts of data.train: leave dev, test, join_dev out.")
        if self.data.held_out > 1 and self.data.held_out != int(self.data.held_out):
            raise SettingsError(f"data.held_out is a share below 1 or a whole number, received {self.data.held_out}.")
        for key, task in (("task", self.task), ("auxiliary.task", self.auxiliary.task or self.task)):
            if task not in known:
                raise SettingsError(
                    f"{key} {task!r} is not among data.{name} ({', '.join(known)}).{suggest(task, known)}"
                )
        for column in self.words.columns:
            taken = ("word", self.task, self.auxiliary.task)
            if column not in known or column in taken or self.words.columns.count(column) > 1:
                raise SettingsError(
                    f"words.columns are different ones of data.{name} ({', '.join(known)}), others than those that are "
                    f"learnt and the words; received {column!r}.{suggest(column, known)}"
                )
        if self.rules.in_loss and self.head != "crf":
            raise SettingsError(f"rules.in_loss is for the head crf, received {self.head}: leave it out.")
        flags = {"in_loss": False, "leave_out_broken": False}
        if self.rules.in_loss and self.rules.model_copy(update=flags) == RuleSettings() and not self.constrained:
            raise SettingsError("rules.in_loss needs rules, or --constrained for those of the tag scheme.")
        self.attention.options(self.encoder.attention)
        for option in ("class_weight", "label_smoothing"):
            if getattr(self.training, option) and self.head != "softmax":
                raise SettingsError(f"training.{option} is for the head softmax: a crf has one loss for all tokens.")
        if self.auxiliary.task == self.task:
            raise SettingsError(f"auxiliary.task is the task itself, {self.task!r}; expected another of data.{name}.")
        if self.auxiliary.task is None and self.auxiliary != AuxiliarySettings():
            raise SettingsError("auxiliary.weight and auxiliary.layer concern auxiliary.task: name that column too.")
        if self.distill.teacher is None and self.distill != DistillSettings():
            raise SettingsError("distill.weight and distill.temperature concern distill.teacher: name that model too.")
        if self.distill.teacher is not None and self.data.folds is not None:
            raise SettingsError("distill.teacher and data.folds: a teacher may have learnt from the folds held out.")
        self.language.check(self.encoder, self.contextual)
        if self.auxiliary.layer > self.encoder.layers:
            raise SettingsError(
                f"auxiliary.layer is {self.auxiliary.layer}, but the encoder has {self.encoder.layers} layers."
            )

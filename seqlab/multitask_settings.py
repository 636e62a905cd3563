"""Settings of a training run of several tasks: frozen and validated as those of `seqlab.settings`."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field

from seqlab.errors import SettingsError
from seqlab.model_settings import Cell, CharSettings, ContextualSettings, LanguageSettings, WordSettings
from seqlab.settings import DataSettings, Settings, TrainingSettings
from seqlab.settings_part import Part, check_between

NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
OPTIONS_OF_SCHEDULES = {
    "steps": ("uniform", "temperature", "alternating", "weighted"),
    "temperature": ("temperature",),
    "turns": ("alternating",),
    "power": ("weighted",),
}
"""Schedules that each option is for."""


class TaskSettings(Part):
    """One task: where its sentences come from, and what is learnt of them."""

    name: str = Field(description="name of the task, in scores and where the model is asked")
    data: DataSettings = Field(description="its files")
    column: str | None = Field(None, description="column of the data to learn; that of the task's name if not given")
    tag_scheme: str | None = Field(None, description="scheme to learn in, for instance iob2; else that of the data")
    head: Literal["crf", "softmax"] = Field("crf", description="output layer")
    weight: float = Field(1.0, gt=0, allow_inf_nan=False, description="weight of its loss (lambda)")
    depth: int | None = Field(
        None, gt=0, description="encoder layer that it reads (lstm_d), 1 for the first; the top if not given"
    )

    @property
    def learnt(self) -> str:
        """The column to learn."""
        return self.column or self.name

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        if not NAME.fullmatch(self.name):
            raise SettingsError(f"a task's name is made of letters, digits, _, - and dots; received {self.name!r}.")
        if self.data.folds is not None:
            raise SettingsError(f"task {self.name!r}: data.folds is for runs of one task: leave it out.")


class TaskEncoderSettings(Part):
    """What the tasks share. All kinds are stacks of bidirectional layers."""

    kind: Literal["stl", "lstm_s", "lstm_d", "sc_lstm", "private_shared"] = Field(
        "sc_lstm",
        description="separate networks (stl); one stack whose top all read (lstm_s), or each a layer of its own "
        "(lstm_d); one memory with an output gate for each task (sc_lstm); a stack for each beside one for all",
    )
    units: int = Field(300, gt=0, description="units of each direction")
    layers: int = Field(3, gt=0, description="bidirectional layers")
    dropout: float = Field(0.5, ge=0, lt=1, description="variational dropout before, between and after layers")
    input_dropout: float | None = Field(None, ge=0, lt=1, description="that before the first; as dropout if not given")
    output_dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="that after the last, which lower depths do not read; as dropout if not given",
    )
    cell: Cell = Field("np", description="LSTM variant, np for the usual LSTM; another cell but for sc_lstm")
    gates: Literal["top", "all"] | None = Field(None, description="layers with task gates (sc_lstm), top if not given")
    merge: Literal["concat", "sum"] | None = Field(
        None, description="how a task's output and the shared one are joined (sc_lstm), concat if not given"
    )

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        for name in ("gates", "merge"):
            if getattr(self, name) is not None and self.kind != "sc_lstm":
                raise SettingsError(f"encoder.{name} is for encoder.kind sc_lstm, received {self.kind}: leave it out.")
        if self.kind == "sc_lstm" and self.cell in ("fgr", "gru", "gru_after", "srn"):
            raise SettingsError(
                f"encoder.cell is an LSTM without full gate recurrence for encoder.kind sc_lstm; received {self.cell}."
            )
        check_between(self)


class TaskScheduleSettings(Part):
    """Which task a step belongs to, see `seqlab.batches.schedules`."""

    kind: Literal["exhaustive", "proportional", "uniform", "temperature", "alternating", "weighted"] = Field(
        "exhaustive",
        description="a task at random among those with batches left, until none has (exhaustive); in proportion to "
        "its batches left; all alike; by batches ^ (1 / temperature); in turn; the more, the worse its score",
    )
    steps: int | None = Field(None, gt=0, description="steps of an epoch, where all batches are not used once each")
    temperature: float | None = Field(None, gt=0, allow_inf_nan=False, description="of that schedule; 2 if not given")
    turns: tuple[int, ...] | None = Field(None, description="steps of each task in a row (alternating); 1 if not given")
    power: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="how strongly scores count (weighted); 1 if not given"
    )

    @property
    def given(self) -> dict[str, Any]:
        """The options that are given, without the kind."""
        return {name: value for name, value in self if name != "kind" and value is not None}

    def model_post_init(self, context: Any) -> None:
        """Checks that options are those of the kind."""
        for name in self.given:
            if self.kind not in OPTIONS_OF_SCHEDULES[name]:
                raise SettingsError(
                    f"schedule.{name} is for schedule.kind {' or '.join(OPTIONS_OF_SCHEDULES[name])}, received "
                    f"{self.kind}: leave it out."
                )


class TaskTrainingSettings(Part):
    """How the weights are found; by default as Lu, Bai and Langlais (2019) do."""

    epochs: int = Field(30, gt=0, description="most epochs")
    batch_size: int = Field(10, gt=0, description="sentences in a batch")
    optimizer: Literal["adam", "nadam", "sgd"] = Field("adam", description="optimiser")
    learning_rate: float = Field(1e-3, gt=0, description="initial learning rate")
    clip_norm: float | None = Field(5.0, gt=0, description="limit of the gradient norm of a step")
    average: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="momentum of the exponential average of weights (EMA), which is validated and saved in their "
        "place, over the steps on the tasks that read a weight; none if not given",
    )
    schedule: Literal["constant", "halve", "linear"] = Field(
        "constant", description="learning rate: constant; halved on a plateau; falling in a line to 3 % over all epochs"
    )
    patience: int = Field(
        8,
        gt=0,
        description="epochs without a better mean of the development scores (stl: of any task), then it stops",
    )
    reduction: Literal["tokens", "sentences", "sum"] = Field(
        "tokens", description="what a batch's loss is a mean over, or the sum over its tokens, as in the paper"
    )
    precision: Literal["float32", "mixed_bfloat16"] = Field("float32", description="type of numbers in computation")

    @property
    def plain(self) -> TrainingSettings:
        """The same for what trains one task: optimiser, learning rate and stopping."""
        shared = set(type(self).model_fields) & set(TrainingSettings.model_fields)
        return TrainingSettings(**{name: getattr(self, name) for name in shared})


class MultiTaskSettings(Part):
    """A whole run of several tasks."""

    tasks: tuple[TaskSettings, ...] = Field(min_length=1, description="the tasks, in their order")
    words: WordSettings = WordSettings(chars=None)
    chars: CharSettings = CharSettings()
    contextual: ContextualSettings = ContextualSettings()
    encoder: TaskEncoderSettings = TaskEncoderSettings()
    schedule: TaskScheduleSettings = TaskScheduleSettings()
    training: TaskTrainingSettings = TaskTrainingSettings()
    constrained: bool = Field(False, description="decode only what the tag schemes allow, where tasks have one")
    language: LanguageSettings = LanguageSettings()
    seed: int = Field(1, ge=0, description="seed of weights, dropout and order")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tasks."""
        return tuple(task.name for task in self.tasks)

    def of(self, task: TaskSettings) -> Settings:
        """Returns the settings of a run of one task alone, by which its data is read."""
        shared = {name: getattr(self, name) for name in ("words", "chars", "contextual", "seed")}
        return Settings(data=task.data, task=task.learnt, **shared)

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several parts."""
        for name in self.names:
            if self.names.count(name) > 1:
                raise SettingsError(f"two tasks have the name {name!r}; give each a name of its own.")
        for task in self.tasks:
            try:
                self.of(task)
            except SettingsError as error:
                raise SettingsError(f"task {task.name!r}: {error}") from None
        self._check_depths()
        self.language.check(None, self.contextual)
        if self.language.weight is not None and self.encoder.kind == "stl":
            raise SettingsError(
                "language.weight reads a layer that all tasks share, and encoder.kind stl has none: take another "
                "kind, or train each task by a recipe of its own."
            )
        turns, count = self.schedule.turns, len(self.tasks)
        if turns is not None and (len(turns) != count or min(turns) < 1):
            raise SettingsError(
                f"schedule.turns holds a number above 0 for each of {', '.join(self.names)}, or it would never visit "
                f"a task; received {turns}."
            )
        steps, least = self.schedule.steps, sum(turns or (1,) * count)
        if steps is not None and steps < least:
            raise SettingsError(
                f"schedule.steps is {steps}: an epoch would not visit all of {', '.join(self.names)}; set it to "
                f"{least} at least."
            )

    def _check_depths(self) -> None:
        depths = {task.name: task.depth for task in self.tasks}
        given = [depth for depth in depths.values() if depth is not None]
        if self.encoder.kind != "lstm_d":
            if given:
                raise SettingsError(
                    f"a task's depth is for encoder.kind lstm_d, received {self.encoder.kind}: leave it out."
                )
            return
        layers = self.encoder.layers
        if not given or max(given) > layers or (len(given) == len(depths) and max(given) < layers):
            raise SettingsError(
                f"encoder.kind lstm_d needs the depth of a task at least, from 1 to encoder.layers, {layers}, the top, "
                f"which one of them reads, as do those without a depth; received {depths}."
            )

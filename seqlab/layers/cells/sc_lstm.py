"""The shared-cell LSTM: one memory for several tasks, and an output gate for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.errors import SettingsError, check_count
from seqlab.layers.cells.base import Options, Ran, RecurrentCell, Run, after_last
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.parts import fresh, serialized
from seqlab.ops.recurrence.activations import activation as activation_of
from seqlab.ops.recurrence.fused import Stream, fused
from seqlab.ops.recurrence.simple import SimpleWeights, TaskGateKernel

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class SCLSTMCell(RecurrentCell):
    """One step of the shared-cell LSTM (Lu, Bai & Langlais 2019).

        h, c = the shared LSTM's step
        o_k = s(x U_k + q_k(t-1) W_k + b_k)     task k's output gate
        q_k = o_k tanh(c)                       task k's view of the shared memory

    The output is `[h; q_1; ...; q_K]`; in `Recurrent` and `Bidirectional`, called with `task=k`, it is `[q_k; h]`, and
    the gates of other tasks are neither computed nor trained. States: h, c, q_1, ..., q_K. Recurrent dropout drops the
    same units of h(t-1) and of every q_k(t-1).

    Args:
        units: Width of h and of each q.
        tasks: K.
        variant: Of the shared LSTM, see `LSTMCell`; the paper's has no peepholes.
        kernel_initializer: Of what multiplies x.
        recurrent_initializer: Of what multiplies h and q.
        bias_initializer: Of all biases but the shared forget gate's, which is 1.

    Raises:
        ValueError: For `units` or `tasks` below 1, or full gate recurrence, whose states are more than h and c.
    """

    output_is_state = False

    def __init__(
        self,
        units: int,
        tasks: int,
        variant: str = "NP",
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.shared = LSTMCell(
            units,
            variant,
            kernel_initializer=self.kernel_initializer,
            recurrent_initializer=self.recurrent_initializer,
            bias_initializer=self.bias_initializer,
            dtype=self.dtype_policy,
            name="shared",
        )
        check_count("tasks", tasks)
        if len(self.shared.state_size) != 2:
            raise SettingsError(
                f"SCLSTMCell shares h and c alone, and full gate recurrence has more states: choose another variant "
                f"than {variant!r}."
            )
        self.units = units
        self.tasks = tasks
        self.variant = self.shared.variant
        self.output_size = (1 + tasks) * units
        self.state_size = [units] * (2 + tasks)

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        """Creates the shared weights and those of each task."""
        width, units = self.check_inputs(inputs_shape), self.units
        self.shared.build(inputs_shape)
        self.gates = [
            (
                self.add_weight((width, units), fresh(self.kernel_initializer), name=f"kernel_{k}"),
                self.add_weight((units, units), fresh(self.recurrent_initializer), name=f"recurrent_{k}"),
                self.add_weight((units,), fresh(self.bias_initializer), name=f"bias_{k}"),
            )
            for k in range(self.tasks)
        ]

    def fusable(self) -> bool:
        """As the shared memory; the tasks' gates always are."""
        return self.shared.fusable()

    def call(self, inputs: Tensor, states: Any, training: bool | None = None, dropped: Tensor | None = None) -> Any:
        """See the class."""
        self.check_states(states)
        shared, task_states = list(states[:2]), list(states[2:])
        h, (_, c) = self.shared(inputs, shared, dropped=dropped)
        gate = self._gate()
        views = [
            gate.step(gate.prepared((self._entered(inputs, k), c)), (q,), self._recurrence(k, dropped))[0][0]
            for k, q in enumerate(task_states)
        ]
        return ops.concatenate([h, *views], axis=-1), [h, c, *views]

    def run(self, runs: Sequence[Run], options: Options) -> list[Ran]:
        """Runs the shared memory once, then over it the gates that are wanted."""
        inner = [
            Stream(
                run.cell.shared.entered(run.steps), run.cell.shared.recurrence(run.dropped), run.states[:2], run.valid
            )
            for run in runs
        ]
        shared = fused(self.shared.kernel(), inner, 2, options.truncation, runs[0].packing)
        tasks = range(self.tasks) if options.task is None else [self._checked(options.task)]
        streams = [
            Stream(
                (run.cell._entered(run.steps, k), c),
                run.cell._recurrence(k, run.dropped),
                (run.states[2 + k],),
                run.valid,
            )
            for run, (_, c) in zip(runs, shared, strict=True)
            for k in tasks
        ]
        views = [view for (view,) in fused(self._gate(), streams, 1, options.truncation, runs[0].packing)]
        found = []
        for n, (run, (h, c)) in enumerate(zip(runs, shared, strict=True)):
            own = views[n * len(tasks) : (n + 1) * len(tasks)]
            parts = [h, *own] if options.task is None else [own[0], h]
            sequences = dict(zip([0, 1, *(2 + k for k in tasks)], [h, c, *own], strict=True))
            found.append(Ran(ops.concatenate(parts, axis=-1), self._states(sequences, run, options)))
        return found

    def width(self, task: int | None = None) -> int:
        """The output's width for a task, or for all of them."""
        if task is None:
            return self.output_size
        self._checked(task)
        return 2 * self.units

    def pick(self, outputs: Tensor, task: int | None = None) -> Tensor:
        """Of (..., h and all q) the task's own q, then h."""
        if task is None:
            return outputs
        h, *views = ops.split(outputs, 1 + self.tasks, axis=-1)
        return ops.concatenate([views[self._checked(task)], h], axis=-1)

    def weights_of(self, task: int) -> list[Any]:
        """The weights that a task reads: the shared ones, then those of its own gate."""
        return [*self.shared.weights, *self.gates[self._checked(task)]]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in ("units", "tasks", "variant")},
            **serialized(self, "kernel_initializer", "recurrent_initializer", "bias_initializer"),
        }

    def _states(self, sequences: dict[int, Tensor], run: Run, options: Options) -> tuple[Tensor, ...]:
        if not options.states:
            return run.states
        found = list(run.states)
        places = list(sequences)
        some = run._replace(states=tuple(found[k] for k in places))
        for k, state in zip(places, after_last(list(sequences.values()), some), strict=True):
            found[k] = state
        return tuple(found)

    def _gate(self) -> TaskGateKernel:
        return TaskGateKernel(activation_of("sigmoid"), activation_of("tanh"))

    def _entered(self, inputs: Tensor, task: int) -> Tensor:
        kernel, _, bias = self.gates[task]
        return ops.matmul(inputs, kernel) + bias

    def _recurrence(self, task: int, dropped: Tensor | None) -> SimpleWeights:
        return SimpleWeights(self.gates[task][1], dropped)

    def _checked(self, task: int) -> int:
        number = int(task) if isinstance(task, int | np.integer) and not isinstance(task, bool) else -1
        if not 0 <= number < self.tasks:
            raise ValueError(
                f"This SCLSTMCell serves tasks 0 to {self.tasks - 1}, given as a whole number; received task={task!r}."
            )
        return number

"""Small spaces, samples and studies that tests of analyses share."""

from __future__ import annotations

import numpy as np

from seqlab.analysis.space import axis
from seqlab.analysis.trials import Trials
from seqlab.studies import Condition, Objective, Parameter, Study, Trial

MIXED = [axis("rate", "float", 1e-3, 1, "log"), axis("cell", "choice", values=["a", "b", "c"]), axis("bias", "boolean")]


def sample(axes, count, seed=0):
    """Places drawn by the axes' measures, and a score of all of them with noise."""
    random = np.random.default_rng(seed)
    places = np.stack([one.draw(count, random) for one in axes], axis=1)
    weights = np.arange(1, len(axes) + 1)
    return places, places @ weights + 2 * places[:, 0] * places[:, 1] + 0.1 * random.normal(size=count)


SPACE = (
    Parameter("variant", "choice", values=("V", "NFG", "NP")),
    Parameter("rate", "float", 1e-4, 1e-1, "log"),
    Parameter("layers", "int", 1, 3),
    Parameter("residual", "boolean", conditions=(Condition("layers", (2, 3)),)),
    Parameter("epochs", "fixed", values=(5,)),
)


def study(per_group=30, seed=0, test=True, direction="min"):
    """A study in which NFG is worse, the rate matters most, high rates diverge, and one trial failed."""
    random = np.random.default_rng(seed)
    sign = 1 if direction == "min" else -1
    trials = []
    for number in range(3 * per_group):
        variant = SPACE[0].values[number % 3]
        rate, layers = float(10 ** random.uniform(-4, -1)), int(random.integers(1, 4))
        values = {"variant": variant, "rate": rate, "layers": layers, "residual": bool(number % 2), "epochs": 5}
        score = sign * (5 + 3 * np.log10(rate / 3e-3) ** 2 + 2 * (variant == "NFG") + 0.1 * random.normal())
        lost = rate > 8e-2
        numbers = {"seconds": 10.0 * layers + float(random.random()), "weights": 1000 * layers}
        outcome = None if lost else float(score)
        given = outcome + 0.05 * float(random.normal()) if test and outcome is not None else None
        status = "diverged" if lost else "completed"
        trials.append(Trial(str(number), status, values, outcome, given, **numbers))
    trials.append(Trial("failed", "failed", {"variant": "V", "rate": 1e-3, "layers": 1}, error="out of memory"))
    return Study(Objective("loss", direction), SPACE, trials=tuple(trials))


def trials(name="small", **options):
    """Its trials."""
    return Trials.of(study(**options), name, "small/trials.csv")

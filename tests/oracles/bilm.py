"""ELMo's language model in float64 loops, from its files' arrays: one sentence, one direction, one step at a time.

Written from Peters et al. (2018) and the conventions of bilm-tf's files; imports nothing of seqlab.
"""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def spelling(word, length):
    """Numbers of a word: begin of word 258, bytes, end of word 259, padding 260; all plus one."""
    numbers = [258, *list(word.encode("utf-8"))[: length - 2], 259]
    return [number + 1 for number in numbers + [260] * (length - len(numbers))]


def sentence_spelling(words, length):
    """A sentence's words between its begin (256) and its end (257), which are words of one character."""
    begin, end = ([n + 1 for n in [258, mark, 259] + [260] * (length - 3)] for mark in (256, 257))
    return [begin, *(spelling(word, length) for word in words), end]


def token(numbers, weights, options):
    """One word: filters inside the word, the greatest of each, highway layers, projection."""
    g = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}[options["char_cnn"]["activation"]]
    letters = [weights["char_embed"][number - 1].astype("float64") for number in numbers]
    found = []
    for k, (width, count) in enumerate(options["char_cnn"]["filters"]):
        kernel, bias = weights[f"CNN/W_cnn_{k}"][0], weights[f"CNN/b_cnn_{k}"]
        values = np.full(count, -np.inf)
        for start in range(len(letters) - width + 1):
            values = np.maximum(values, sum(letters[start + j] @ kernel[j] for j in range(width)))
        found.append(g(values + bias))
    x = np.concatenate(found)
    for k in range(options["char_cnn"].get("n_highway", 0)):
        part = {name: weights[f"CNN_high_{k}/{name}"] for name in ("W_carry", "b_carry", "W_transform", "b_transform")}
        gate = sigmoid(x @ part["W_carry"] + part["b_carry"])
        x = gate * np.maximum(x @ part["W_transform"] + part["b_transform"], 0) + (1 - gate) * x
    if "CNN_proj/W_proj" in weights:
        x = x @ weights["CNN_proj/W_proj"] + weights["CNN_proj/b_proj"]
    return x


def direction(xs, weights, number, options, states):
    """The outputs of each layer of one direction, and its states after the last step read."""
    lstm = options["lstm"]
    results, after = [], []
    read = list(xs)
    for layer in range(lstm["n_layers"]):
        name = f"RNN_{number}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
        matrix, bias = weights[f"{name}/W_0"].astype("float64"), weights[f"{name}/B"].astype("float64")
        y, c = states[layer]
        outputs = []
        for x in read:
            i, j, f, o = np.split(np.concatenate([x, y]) @ matrix + bias, 4)
            c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
            if lstm.get("cell_clip"):
                c = np.clip(c, -lstm["cell_clip"], lstm["cell_clip"])
            y = sigmoid(o) * np.tanh(c)
            if f"{name}/W_P_0" in weights:
                y = y @ weights[f"{name}/W_P_0"]
                if lstm.get("proj_clip"):
                    y = np.clip(y, -lstm["proj_clip"], lstm["proj_clip"])
            outputs.append(y + x if lstm.get("use_skip_connections") and layer else y)
        results.append(outputs)
        after.append((y, c))
        read = outputs
    return results, after


def start(weights, options):
    """Zero states: for each direction and layer the output and the cell."""
    lstm = options["lstm"]
    out = min(lstm["projection_dim"], lstm["dim"])
    return [[(np.zeros(out), np.zeros(lstm["dim"])) for _ in range(lstm["n_layers"])] for _ in (0, 1)]


def bilm(words, weights, options, states=None):
    """(layers, tokens, width) of one sentence without its begin and end, and the states after it."""
    length = options["char_cnn"].get("max_characters_per_token", 50)
    xs = [token(numbers, weights, options) for numbers in sentence_spelling(words, length)]
    states = start(weights, options) if states is None else states
    forward, after_forward = direction(xs, weights, 0, options, states[0])
    backward, after_backward = direction(xs[::-1], weights, 1, options, states[1])
    layers = [[np.concatenate([x, x]) for x in xs]]
    for one, other in zip(forward, backward, strict=True):
        layers.append([np.concatenate(pair) for pair in zip(one, other[::-1], strict=True)])
    return np.array(layers)[:, 1:-1], [after_forward, after_backward]

"""Recurrent cells in float64, one sentence at a time, each written out from its paper; imports nothing of seqlab.

The nine LSTMs of Greff et al. (LSTM: A Search Space Odyssey), the SC-LSTM of Lu, Bai and Langlais, and their kin.

x (T, M) is one sentence without its masked steps: a masked step is one that does not happen, so the caller removes it.
y0, c0 (N,) and the like are the state before the first step. Results are sequences (T, N), the first step first.
w is a dict of arrays in the row-vector convention: x @ W with W (M, N), y @ R with R (N, N), biases b and peepholes p
(N,). z is the block input, i, f, o are the gates, c the cell, y the output. p_i and p_f see c(t-1), p_o sees c(t).
Keys that a cell does not name it does not read: a gate that a variant drops takes its weights with it.
The nine variants share no step on purpose: a slip in one of them is not in the others.
"""

from __future__ import annotations

import numpy as np

NORM_EPSILON = 1e-3


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))  # 1 / (1 + exp(-x)), and no overflow


def doubles(*arrays):
    return [np.asarray(array, "float64") for array in arrays]


def room(x, *states):
    """An array (T, width) for the sequence of each state."""
    return [np.zeros((len(x), len(state))) for state in states]


def lstm_v(x, w, y0, c0):
    """Vanilla."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"])
        f = sigmoid(x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"])
        c = z * i + c * f
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"])
        y = np.tanh(c) * o
        ys[t], cs[t] = y, c
    return ys, cs


def lstm_nig(x, w, y0, c0):
    """No input gate: i = 1."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        f = sigmoid(x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"])
        c = z + c * f
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"])
        y = np.tanh(c) * o
        ys[t], cs[t] = y, c
    return ys, cs


def lstm_nfg(x, w, y0, c0):
    """No forget gate: f = 1."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"])
        c = z * i + c
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"])
        y = np.tanh(c) * o
        ys[t], cs[t] = y, c
    return ys, cs


def lstm_nog(x, w, y0, c0):
    """No output gate: o = 1."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"])
        f = sigmoid(x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"])
        c = z * i + c * f
        y = np.tanh(c)
        ys[t], cs[t] = y, c
    return ys, cs


def lstm_niaf(x, w, y0, c0):
    """No input activation function: g(x) = x."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"]
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"])
        f = sigmoid(x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"])
        c = z * i + c * f
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"])
        y = np.tanh(c) * o
        ys[t], cs[t] = y, c
    return ys, cs


def lstm_noaf(x, w, y0, c0):
    """No output activation function: h(x) = x."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"])
        f = sigmoid(x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"])
        c = z * i + c * f
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"])
        y = c * o
        ys[t], cs[t] = y, c
    return ys, cs


def lstm_cifg(x, w, y0, c0):
    """Coupled input and forget gate: f = 1 - i."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"])
        f = 1 - i
        c = z * i + c * f
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"])
        y = np.tanh(c) * o
        ys[t], cs[t] = y, c
    return ys, cs


def lstm_np(x, w, y0, c0):
    """No peepholes."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["b_i"])
        f = sigmoid(x[t] @ w["W_f"] + y @ w["R_f"] + w["b_f"])
        c = z * i + c * f
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["b_o"])
        y = np.tanh(c) * o
        ys[t], cs[t] = y, c
    return ys, cs


def lstm_fgr(x, w, y0, c0, i0, f0, o0):
    """Full gate recurrence: each gate sees all gates of the step before; R_fi brings f(t-1) into i."""
    x, y, c, i, f, o = doubles(x, y0, c0, i0, f0, o0)
    ys, cs, input_gates, forget_gates, output_gates = room(x, y, c, i, f, o)
    for t in range(len(x)):
        to_i = i @ w["R_ii"] + f @ w["R_fi"] + o @ w["R_oi"]
        to_f = i @ w["R_if"] + f @ w["R_ff"] + o @ w["R_of"]
        to_o = i @ w["R_io"] + f @ w["R_fo"] + o @ w["R_oo"]
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"] + to_i)
        f = sigmoid(x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"] + to_f)
        c = z * i + c * f
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"] + to_o)
        y = np.tanh(c) * o
        ys[t], cs[t], input_gates[t], forget_gates[t], output_gates[t] = y, c, i, f, o
    return ys, cs, input_gates, forget_gates, output_gates


def sc_lstm(x, w, tasks, states=None):
    """SC-LSTM: an LSTM, and for each task an output gate of its own over the shared cell.

    U_* (M, N) for x, W_* (N, N) for h, with * of f, i, o, c; task k has W_k, U_k, b_k, and W_k sees its own q_k(t-1).
    The states are h, c and each task's q, zeros without.

    Returns:
        h, c, and the sequence q of each task; s_k is [q_k ; h].
    """
    (x,) = doubles(x)
    h, c, *q = states or [np.zeros(len(w["b_c"]))] * (2 + len(tasks))
    q = dict(zip(tasks, q, strict=True))
    hs, cs = room(x, h, c)
    qs = {k: np.zeros((len(x), len(q[k]))) for k in tasks}
    for t in range(len(x)):
        f = sigmoid(h @ w["W_f"] + x[t] @ w["U_f"] + w["b_f"])
        i = sigmoid(h @ w["W_i"] + x[t] @ w["U_i"] + w["b_i"])
        o = sigmoid(h @ w["W_o"] + x[t] @ w["U_o"] + w["b_o"])
        c_hat = np.tanh(h @ w["W_c"] + x[t] @ w["U_c"] + w["b_c"])
        c = i * c_hat + f * c
        h = o * np.tanh(c)
        for k in tasks:
            o_k = sigmoid(q[k] @ w[f"W_{k}"] + x[t] @ w[f"U_{k}"] + w[f"b_{k}"])
            q[k] = o_k * np.tanh(c)
            qs[k][t] = q[k]
        hs[t], cs[t] = h, c
    return hs, cs, qs


def gru_before(x, w, y0):
    """GRU of Cho et al.: the reset gate r acts before the product; u is the update gate, _c the candidate's keys."""
    x, y = doubles(x, y0)
    (ys,) = room(x, y)
    for t in range(len(x)):
        r = sigmoid(x[t] @ w["W_r"] + y @ w["R_r"] + w["b_r"])
        u = sigmoid(x[t] @ w["W_u"] + y @ w["R_u"] + w["b_u"])
        candidate = np.tanh(x[t] @ w["W_c"] + (r * y) @ w["R_c"] + w["b_c"])
        y = u * y + (1 - u) * candidate
        ys[t] = y
    return ys


def gru_after(x, w, y0):
    """GRU whose reset gate acts after the product, which has a bias: the candidate's recurrent bias d_c."""
    x, y = doubles(x, y0)
    (ys,) = room(x, y)
    for t in range(len(x)):
        r = sigmoid(x[t] @ w["W_r"] + y @ w["R_r"] + w["b_r"])
        u = sigmoid(x[t] @ w["W_u"] + y @ w["R_u"] + w["b_u"])
        candidate = np.tanh(x[t] @ w["W_c"] + w["b_c"] + r * (y @ w["R_c"] + w["d_c"]))
        y = u * y + (1 - u) * candidate
        ys[t] = y
    return ys


def srn(x, w, y0):
    """Simple recurrent network, keys W, R, b."""
    x, y = doubles(x, y0)
    (ys,) = room(x, y)
    for t in range(len(x)):
        y = np.tanh(x[t] @ w["W"] + y @ w["R"] + w["b"])
        ys[t] = y
    return ys


def projected_lstm(x, w, y0, c0, cell_clip, projection_clip):
    """LSTM of Sak et al.: P (N, K) shrinks the output, so y0 is (K,) and R_* (K, N). A clip of None is none.

    The clipped cell is the cell: p_o, h and the next step use it.
    """
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"])
        f = sigmoid(x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"])
        c = z * i + c * f
        if cell_clip is not None:
            c = np.clip(c, -cell_clip, cell_clip)
        o = sigmoid(x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"])
        y = (o * np.tanh(c)) @ w["P"]
        if projection_clip is not None:
            y = np.clip(y, -projection_clip, projection_clip)
        ys[t], cs[t] = y, c
    return ys, cs


def layer_norm(x, gain, offset):
    variance = np.mean((x - np.mean(x)) ** 2)
    return gain * (x - np.mean(x)) / np.sqrt(variance + NORM_EPSILON) + offset


def normalized_lstm(x, w, y0, c0):
    """LSTM with layer normalisation of each whole pre-activation (peephole and bias in it) and of c before h.

    Gains g_* and offsets s_* (N,), with * of z, i, f, o, c. What goes on, and what p_o sees, is c un-normalised.
    """
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z_bar = x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"]
        i_bar = x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"]
        f_bar = x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"]
        z = np.tanh(layer_norm(z_bar, w["g_z"], w["s_z"]))
        i = sigmoid(layer_norm(i_bar, w["g_i"], w["s_i"]))
        f = sigmoid(layer_norm(f_bar, w["g_f"], w["s_f"]))
        c = z * i + c * f
        o_bar = x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"]
        o = sigmoid(layer_norm(o_bar, w["g_o"], w["s_o"]))
        y = np.tanh(layer_norm(c, w["g_c"], w["s_c"])) * o
        ys[t], cs[t] = y, c
    return ys, cs


def sloped_lstm(x, w, y0, c0):
    """LSTM with gate slopes (Doetsch et al.): each gate is sigmoid(a pre), with a_i, a_f, a_o a number or (N,)."""
    x, y, c = doubles(x, y0, c0)
    ys, cs = room(x, y, c)
    for t in range(len(x)):
        z = np.tanh(x[t] @ w["W_z"] + y @ w["R_z"] + w["b_z"])
        i = sigmoid(w["a_i"] * (x[t] @ w["W_i"] + y @ w["R_i"] + w["p_i"] * c + w["b_i"]))
        f = sigmoid(w["a_f"] * (x[t] @ w["W_f"] + y @ w["R_f"] + w["p_f"] * c + w["b_f"]))
        c = z * i + c * f
        o = sigmoid(w["a_o"] * (x[t] @ w["W_o"] + y @ w["R_o"] + w["p_o"] * c + w["b_o"]))
        y = np.tanh(c) * o
        ys[t], cs[t] = y, c
    return ys, cs

"""Plain tables and what their columns hold."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.analysis.tables import infer, read_rows
from seqlab.errors import DataError, SettingsError
from seqlab.studies import Parameter


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["True", "false", "true"], Parameter("x", "boolean")),
        (["lstm", "gru", "lstm"], Parameter("x", "choice", values=("lstm", "gru"))),
        (["64", "32", "128"], Parameter("x", "choice", values=(32, 64, 128))),
        (["0.5", "0.25"], Parameter("x", "choice", values=(0.25, 0.5))),
        ([str(n) for n in range(20, 90, 10)], Parameter("x", "int", 20, 80, "linear")),
        ([f"{n / 10}" for n in range(7)], Parameter("x", "float", 0.0, 0.6, "linear")),
        ([f"{10.0**-n:g}" for n in range(1, 8)], Parameter("x", "float", 1e-7, 0.1, "log")),
        ([str(2**n) for n in range(1, 9)], Parameter("x", "int", 2, 256, "log")),
        ([str(n) for n in range(1, 31)], Parameter("x", "int", 1, 30, "linear")),  # a factor of 30, but even
        ([], Parameter("x", "choice")),
    ],
    ids=str,
)
def test_kinds_are_inferred(cells, wanted):
    assert infer("x", cells) == wanted


def test_log_is_by_order_in_any_case():
    cells = ["1", "2", "3"]
    assert infer("x", cells, log=True) == Parameter("x", "int", 1, 3, "log")
    for bad in (["0", "1"], ["a", "b"], []):
        with pytest.raises(SettingsError, match="t.csv: column 'x' holds no numbers above 0"):
            infer("x", bad, log=True, file="t.csv")
    with pytest.raises(DataError, match="not finite"):
        infer("x", ["1", "inf"])


def test_cells(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('\ufeffa, b,"c"\n1,x,true\n\n,y z,\nbad,,False\n', encoding="utf-8")
    rows = read_rows(path)
    assert rows.names == ["a", "b", "c"] and rows.lines == (2, 4, 5)
    assert rows.number("a", 0) == 1 and np.isnan(rows.number("a", 1))
    with pytest.raises(DataError, match="t.csv:5: column 'a': 'bad' is no number"):
        rows.number("a", 2)
    b, c = rows.parameter("b"), rows.parameter("c")
    assert [rows.value(b, k) for k in range(3)] == ["x", "y z", None]
    assert [rows.value(c, k) for k in range(3)] == [True, None, False]
    assert rows.value(Parameter("a", "choice", values=(1, 2)), 0) == 1
    assert rows.known("a", "score") == "a" and rows.known(None, "score") is None
    with pytest.raises(SettingsError, match=r"no column 'aa' for `score`; expected one of a, b, c. Did you mean 'a'"):
        rows.known("aa", "score")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv:1: expected a header"),
        ("a,a\n1,2\n", "t.csv:1: expected a header of distinct names"),
        ("a,b\n", "t.csv: the table has no row"),
        ("a,b\n1,2\n1\n", "t.csv:3: 1 cells, expected 2"),
    ],
)
def test_what_is_no_table(text, message, tmp_path):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_rows(tmp_path / "t.csv")


def test_other_encodings_are_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\nø,1\n".encode("latin-1"))
    with pytest.raises(DataError, match="no table in UTF-8"):
        read_rows(tmp_path / "t.csv")

"""Pen strokes: points of the XML, features, and each fault with its line."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.corpora.strokes import halved, read_strokes, stroke_features
from seqlab.errors import DataError

HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
POINT = '<Point x="1" y="2" time="3"/>'


def wrapped(inside, head=HEAD):
    return f"{head}<WhiteboardCaptureSession><StrokeSet>\n{inside}\n</StrokeSet></WhiteboardCaptureSession>"


@pytest.fixture
def read(tmp_path):
    def reader(text):
        path = tmp_path / "line.xml"
        path.write_text(text, encoding="latin-1")
        return read_strokes(path)

    return reader


def test_points_of_each_stroke(read):
    first = '<Stroke start_time="5"><Point x="1" y="2" time="3.5"/><Point y="5" x="4" time="6"/></Stroke>'
    one, two = read(wrapped(f"{first}<Stroke>{POINT}</Stroke>"))
    assert one.tolist() == [[1, 2, 3.5], [4, 5, 6]] and two.tolist() == [[1, 2, 3]]


def test_a_public_excerpt(real_data):
    strokes = read_strokes(real_data / "formats" / "iamondb_excerpt.xml")
    assert [len(stroke) for stroke in strokes] == [3, 2]
    found = stroke_features(strokes)
    expected = [[0, 0, 0, 0], [-1, 27, 0.02, 0], [132, 245, 0.59, 1], [-28, -93, 0, 0], [-162, 6, 0.2, 1]]
    assert_allclose(found, expected, atol=1e-9)
    assert_allclose(halved(found), [[-1, 27, 0.02, 0], [104, 152, 0, 1], [-162, 6, 0.2, 1]], atol=1e-9)


def test_halved_keeps_the_way_and_every_pen_up():
    random = np.random.default_rng(0)
    strokes = [np.cumsum(random.uniform(0.1, 1, (count, 3)), axis=0) for count in (5, 1, 4, 2, 1)]
    whole = stroke_features(strokes)
    half = halved(whole)
    assert len(whole) == 13 and len(half) == 7
    points = np.concatenate(strokes)
    kept = points[[1, 3, 5, 7, 9, 11, 12]]
    assert_allclose(points[0, :2] + np.cumsum(half[:, :2], axis=0), kept[:, :2])
    ups = {4, 5, 9, 11, 12}
    assert half[:, 3].tolist() == [float(bool({2 * k, 2 * k + 1} & ups)) for k in range(7)]
    assert_allclose(half[:, 2], whole[[1, 3, 5, 7, 9, 11, 12], 2])


BOMB = '<!DOCTYPE a [<!ENTITY b "bb">]>\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (wrapped(""), r"line\.xml: Holds no strokes"),
        (wrapped("<Stroke></Stroke>"), r"line\.xml:3: A Stroke has no points"),
        (wrapped(POINT), r"line\.xml:3: A Point stands outside"),
        (wrapped('<Stroke><Point x="1" y="2"/></Stroke>'), r"line\.xml:3: A Point has .*expected numbers"),
        (wrapped('<Stroke><Point x="1" y="2" time="a"/></Stroke>'), "expected numbers for x, y and time"),
        (wrapped('<Stroke><Point x="1" y="2" time="inf"/></Stroke>'), "expected finite numbers"),
        (wrapped(f"<Stroke>{POINT}"), r"line\.xml:4: Not well-formed XML \(mismatched tag\)"),
        ("", "Not well-formed XML"),
        (wrapped(f"<Stroke>{POINT}</Stroke>", HEAD + BOMB), r"line\.xml:2: Declares the entity 'b'"),
    ],
)
def test_faults(read, text, message):
    with pytest.raises(DataError, match=message):
        read(text)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"none\.xml: Cannot be read"):
        read_strokes(tmp_path / "none.xml")

"""Compiled programs are let go of before the system's limit of mappings is reached, and nothing else changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from seqlab.models import sparing
from tests.models import toy

JAX = keras.backend.backend() == "jax"
on_jax = pytest.mark.skipif(not JAX, reason="JAX alone compiles for each shape")


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Sets how many mappings the process has, and how many it may have; `None` for none of these files."""

    def give(count, limit):
        for name, text in (("MAPPINGS", count and "a line\n" * count), ("LIMIT", limit and f"{limit}\n")):
            file = tmp_path / name
            file.unlink(missing_ok=True)
            if text:
                file.write_text(text)
            monkeypatch.setattr(sparing, name, file)

    return give


@pytest.fixture
def cleared(monkeypatch):
    """How often JAX has let go of its programs."""
    import jax

    found, clear = [], jax.clear_caches

    def counted():
        found.append(True)
        clear()

    monkeypatch.setattr(jax, "clear_caches", counted)
    return found


@on_jax
def test_programs_are_let_go_of_near_the_limit_and_after_compiling(system, cleared, caplog):
    compiled = sparing._compiled()
    for count, limit, share, wanted in ((79, 100, 0.8, 0), (81, 100, 0.8, 1), (51, 100, 0.5, 1), (81, None, 0.8, 0)):
        system(count, limit)
        compiled.since = 1
        with caplog.at_level("INFO"):
            sparing.spare_mappings(share)
        assert len(cleared) == wanted
        assert ("vm.max_map_count" in caplog.text) == bool(wanted)
        cleared.clear()
        caplog.clear()
    system(None, 100)
    compiled.since = 0
    sparing.spare_mappings()  # the file is not read


@on_jax
def test_a_new_program_is_heard_of(system, cleared):
    import jax

    system(1, 100)
    sparing.spare_mappings()
    compiled, x = sparing._compiled(), np.zeros(7, "float32")
    program = jax.jit(lambda x: x * 3 + 1)
    assert compiled.since == 0
    program(x)
    assert compiled.since >= 1
    sparing.spare_mappings()
    program(x)
    assert compiled.since == 0
    assert not cleared


@on_jax
def test_training_goes_on_as_if_nothing_had_been_let_go_of(system, cleared):
    found = []
    for count in (1, 90):
        system(count, 100)
        tagger = toy.tagger()
        tagger.fit(toy.corpus(), validation_data=toy.corpus(), epochs=2, batch_size=2, verbose=0)
        found.append([*tagger.get_weights(), tagger.tags(toy.corpus())])
        assert bool(cleared) == (count == 90)
    for one, other in zip(*found, strict=True):
        assert_array_equal(np.asarray(one, object), np.asarray(other, object))


@on_jax
@pytest.mark.skipif(not sparing.MAPPINGS.exists(), reason="Linux tells of mappings")
def test_mappings_are_freed():
    import jax

    def count():
        return sparing.MAPPINGS.read_bytes().count(b"\n")

    def program(x):
        for k in range(40):  # kernels of their own
            x = jax.numpy.cumsum(x[::-1]) * k
        return x

    run = jax.jit(program)
    before = count()
    run(np.ones(11, "float32"))
    held = count()
    assert held > before
    jax.clear_caches()
    assert count() < held


@pytest.mark.skipif(JAX, reason="JAX is spared")
def test_other_backends_are_left_alone(system):
    system(None, 1)
    sparing.spare_mappings()


def test_a_call_is_spared_after_it_is_done(monkeypatch):
    order = []
    monkeypatch.setattr(sparing, "spare_mappings", lambda: order.append("spared"))
    assert sparing.sparing(lambda x: order.append("ran") or x + 1)(2) == 3
    assert order == ["ran", "spared"]

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


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """What is counted is this test's own."""
    if JAX:
        compiled = sparing.Compiled()
        compiled.listen()
        monkeypatch.setattr(sparing, "_compiled", lambda: compiled)


@on_jax
def test_programs_are_let_go_of_near_the_limit_and_after_compiling(system, cleared, caplog):
    for count, limit, wanted in ((79, 100, 0), (81, None, 0), (81, 100, 1)):
        system(count, limit)
        sparing._compiled().since = 1
        with caplog.at_level("INFO"):
            sparing.spare_mappings()
        assert len(cleared) == wanted
        assert ("vm.max_map_count" in caplog.text) == bool(wanted)
    system(None, 100)
    sparing.spare_mappings()  # nothing was compiled: the file is not read


@on_jax
def test_what_is_not_the_programs_does_not_make_them_go_each_time(system, cleared, caplog):
    for count, wanted in ((85, 1), (90, 1), (94, 1), (96, 2), (96, 2)):
        system(count, 100)  # and after it has let go of them as many are left
        sparing._compiled().since = 1
        sparing.spare_mappings()
        assert len(cleared) == wanted
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "which left 85: raise that limit" in caplog.text


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
def test_training_goes_on_as_if_nothing_had_been_let_go_of(system, monkeypatch):
    import jax

    calls, clear = [], jax.clear_caches
    monkeypatch.setattr(jax, "clear_caches", lambda: (calls.append(True), clear()))

    def used(count):
        system(count, 100)
        tagger = toy.tagger()
        uses = (
            lambda: tagger.fit(toy.corpus(), epochs=2, batch_size=2, verbose=0).history["loss"],
            lambda: tagger.evaluate(toy.corpus(), verbose=0),
            lambda: sum(tagger.tags(toy.corpus()), []),
            lambda: tagger.tag(["a", "b"]).tags,
        )
        for use in uses:
            sparing._compiled().least = 0
            yield use()
            assert bool(calls) == (count == 90)
            calls.clear()
        yield from tagger.get_weights()

    for one, other in zip(list(used(1)), list(used(90)), strict=True):
        assert_array_equal(one, other)


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

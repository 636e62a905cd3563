"""What all tests share: the backend, fixed seeds and the folder of real corpora."""

from __future__ import annotations

import atexit
import gc
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from packaging.version import Version

# Read by Keras, TensorFlow and JAX when they are imported, so they are set before any test module is.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("SEQLAB_CACHE", "off")  # tests leave nothing in the user's cache of word vectors
# Several test processes share one GPU where there is one: none of them may take all its memory.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# Compiling is much of what TensorFlow does here, nearly all of what JAX does (below): unoptimised code comes sooner and
# computes the same.
if os.environ["KERAS_BACKEND"] == "tensorflow":
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
# JAX compiles each graph once a session instead of once a model, in the subprocesses that tests start as well.
if os.environ["KERAS_BACKEND"] == "jax":
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="seqlab-jax-")
        atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # 1.5 times sooner
    # Without the fusion emitters, which lower each loop through MLIR, and with one part to a program compiling takes a
    # third of that; such programs are slower. XLA ends the process at a flag that it does not know: these versions of
    # jaxlib were tried.
    if (0, 5, 3) <= Version(version("jaxlib")).release < (0, 11):
        os.environ.setdefault(
            "XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
        )

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SEED = 20_240
MAPPINGS = 15_000  # of memory, from which on a test process lets go of compiled code

# Derandomised, so that a run can be repeated; no deadline, because the first call of a graph compiles it.
hypothesis.settings.register_profile("seqlab", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("seqlab")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test that asks for the real corpora, so that `-m "not corpus"` leaves them out."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.corpus)


def pytest_collection_finish() -> None:
    """Spares the collector of garbage the millions of objects that imports have made, which it would look through."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real corpora: SEQLAB_DATA, else ../shared/data beside the checkout; else a skip."""
    folder = Path(os.environ.get("SEQLAB_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real corpora: {folder} is absent (set SEQLAB_DATA to a folder that has them)")
    return folder


@pytest.fixture(autouse=True)
def seeds() -> int:
    """Seeds every random source before each test; Keras only where the test's module has loaded it."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(SEED)
    else:
        random.seed(SEED)
        np.random.seed(SEED)
    return SEED


@pytest.fixture
def eagerly(request: pytest.FixtureRequest) -> Iterator[None]:
    """On TensorFlow runs at once, operation by operation, what would be traced and compiled for each model anew.

    A step of a tiny model takes a fraction of the time in which its graph is made. For tests of what a step gives; that
    the same steps compile is held by `test_trains_under_xla` of the catalogue, by the runs of `finished_run` and
    `finished_tasks`, by the tests of exports and recipes, and by every test on JAX. A test marked `compiled` stays out.
    """
    if os.environ["KERAS_BACKEND"] != "tensorflow" or request.node.get_closest_marker("compiled"):
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module", autouse=True)
def compiled_code() -> Iterator[None]:
    """Lets go of what JAX has compiled when it is much.

    Compiled graphs hold mappings of memory, of which Linux gives a process 65,530 (vm.max_map_count) and then none: the
    whole suite in one process ended in a segmentation fault. Compiling anew costs, so it is not done each time.
    """
    yield
    maps = Path("/proc/self/maps")
    if "jax" in sys.modules and maps.exists() and maps.read_bytes().count(b"\n") > MAPPINGS:
        sys.modules["jax"].clear_caches()
        gc.collect()


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small finished run, its data beside it in `data`; tests read it and change nothing."""
    from seqlab.training.run import train
    from tests import tiny

    folder = tmp_path_factory.mktemp("finished")
    train(tiny.settings(tiny.write(folder / "data")), folder / "run", verbose=0)
    return folder / "run"


@pytest.fixture(scope="session")
def finished_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small finished run of several tasks, its data beside it in `data`; as `finished_run`."""
    from seqlab.training.multitask import train
    from tests import tiny

    folder = tmp_path_factory.mktemp("finished_tasks")
    train(tiny.finished_task_settings(tiny.write(folder / "data")), folder / "run", verbose=0)
    return folder / "run"

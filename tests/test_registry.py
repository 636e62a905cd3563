"""A saved model opens in a fresh process after `import seqlab`, and `import seqlab` itself is light."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import keras
import pytest

from seqlab import registry
from tests import tiny
from tests.structure.sources import ROOT, dotted, library_modules

TEXT = "The old council of Tromsø has closed its northern harbour."
PROGRAM = """
import json, sys
{imports}
assert "seqlab.models.tagger" not in sys.modules, "import seqlab imports the tagger"
model = keras.models.load_model(sys.argv[1])
print(json.dumps([type(model).__module__, *model.tag(sys.argv[2]).tags]))
"""
LIGHT = """
import sys
import seqlab
seqlab.registry.StandIn
print(*sorted({"keras", "tensorflow", "jax", "torch", "numpy"} & sys.modules.keys()))
"""


def python(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small tagger's file, and its tags of the text."""
    file = tmp_path_factory.mktemp("registry") / "tagger.keras"
    tagger = tiny.tagger()
    tagger.optimizer.build(tagger.trainable_variables)  # Keras warns when it opens a file without its variables
    tagger.save(file)
    return str(file), list(tagger.tag(TEXT).tags)


@pytest.mark.parametrize(
    "imports", ["import keras\nimport seqlab", "import seqlab\nimport keras"], ids=["keras-first", "seqlab-first"]
)
def test_keras_opens_a_model_in_a_fresh_process(saved, imports):
    file, tags = saved
    module, *found = json.loads(python(PROGRAM.format(imports=imports), file, TEXT).splitlines()[-1])
    assert module == "seqlab.models.tagger"
    assert found == tags


def test_import_loads_no_backend():
    assert python(LIGHT).split() == []


@pytest.mark.parametrize(("name", "module"), registry.CLASSES.items(), ids=list(registry.CLASSES))
def test_class_is_where_the_table_says(name, module):
    kind = getattr(importlib.import_module(module), name)
    assert kind.__module__ == module
    assert keras.saving.get_registered_name(kind) == f"seqlab>{name}"
    assert keras.saving.get_registered_object(f"seqlab>{name}") is kind


def test_every_registered_class_is_in_the_table():
    for path in library_modules():
        importlib.import_module(dotted(path))
    known = keras.saving.get_custom_objects()
    assert {name.removeprefix("seqlab>") for name in known if name.startswith("seqlab>")} == registry.CLASSES.keys()


def test_stand_in_imports_the_class_when_asked():
    config = {"units": 3, "layers": 2, "name": "encoder"}
    layer = registry.StandIn("RecurrentStack", "seqlab.layers.stack").from_config(config)
    assert (type(layer).__name__, layer.units, layer.layers) == ("RecurrentStack", 3, 2)


def test_stand_ins_never_displace_a_class():
    before = dict(keras.saving.get_custom_objects())
    registry.install()
    assert keras.saving.get_custom_objects() == before

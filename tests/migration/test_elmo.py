from __future__ import annotations

import json

import numpy as np
import pytest

from seqlab.errors import ModelFileError, SettingsError
from seqlab.migration.elmo import cell_name, find_elmo, read_elmo_options, read_elmo_weights
from tests.migration.official import options_of, random_weights, write

CELL = cell_name(0, 0)


def read(folder):
    return read_elmo_weights(folder / "lm_weights.hdf5", read_elmo_options(folder / "options.json"))


@pytest.mark.parametrize("lstm", [{}, {"projection_dim": 5}, {"dim": 7, "n_layers": 3}])
def test_reads_what_was_written(tmp_path, lstm) -> None:
    options = options_of(**lstm)
    found, wanted = read(write(tmp_path, options)), random_weights(options)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array)


def test_options(tmp_path) -> None:
    options = read_elmo_options(write(tmp_path, options_of(use_skip_connections=True)) / "options.json")
    assert (options.units, options.projection, options.layers, options.projected) == (5, 3, 2, True)
    assert (options.cell_clip, options.projection_clip, options.skip_connections) == (0.4, 0.3, True)
    assert (options.dim, options.filters, options.highway, options.length) == (2, ((1, 2), (3, 3)), 3, 9)
    plain = options_of(cell_clip=None)
    for name in ("n_highway", "max_characters_per_token", "n_characters", "activation"):
        del plain["char_cnn"][name]
    options = read_elmo_options(write(tmp_path, plain, {}) / "options.json")
    assert (options.cell_clip, options.skip_connections, options.highway) == (None, False, 0)
    assert (options.length, options.activation) == (50, "relu")


@pytest.mark.parametrize(
    ("lstm", "words"),
    [
        ({"dim": 6}, rf"{CELL}/W_0 has the shape \(6, 20\), expected \(6, 24\) by lstm\.dim"),
        ({"projection_dim": 4}, r"CNN_proj/W_proj has the shape \(5, 3\), expected \(5, 4\) by .*lstm\.projection_dim"),
        ({"n_layers": 1}, rf"{cell_name(0, 1)}/W_0 of the shape \(6, 20\) is none that the options ask for"),
        ({"n_layers": 3}, rf"{cell_name(0, 2)}/W_0 is missing, expected the shape \(6, 20\) by .*lstm\.n_layers"),
    ],
)
def test_options_of_the_recurrence_that_do_not_fit(tmp_path, lstm, words: str) -> None:
    write(tmp_path, options_of(**lstm), random_weights(options_of()))
    with pytest.raises(ModelFileError, match=words) as error:
        read(tmp_path)
    assert "lm_weights.hdf5 does not fit its options" in str(error.value) and str(error.value).count(";") <= 5


@pytest.mark.parametrize(
    ("chars", "words"),
    [
        ({"embedding": {"dim": 3}}, r"char_embed has the shape \(261, 2\), expected \(261, 3\) by char_cnn\.embedding"),
        ({"filters": [[2, 2], [3, 3]]}, r"CNN/W_cnn_0 has the shape \(1, 1, 2, 2\), expected \(1, 2, 2, 2\)"),
        ({"n_highway": 2}, r"CNN_high_2/W_carry of the shape \(5, 5\) is none that the options ask for"),
    ],
)
def test_options_of_the_characters_that_do_not_fit(tmp_path, chars, words: str) -> None:
    options = options_of()
    options["char_cnn"] |= chars
    write(tmp_path, options, random_weights(options_of()))
    with pytest.raises(ModelFileError, match=words):
        read(tmp_path)


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        ("lstm", {"dim": None}, "lstm.dim is None; expected a whole number above 0"),
        ("lstm", {"n_layers": 1.5}, "lstm.n_layers is 1.5"),
        ("lstm", {"projection_dim": 6}, "lstm.projection_dim is 6; expected at most lstm.dim, 5"),
        ("lstm", {"cell_clip": -1}, "lstm.cell_clip is -1; expected a number above 0, or null"),
        ("lstm", {"proj_clip": "3"}, "lstm.proj_clip is '3'"),
        ("char_cnn", {"filters": [[1, 2, 3]]}, "char_cnn.filters is .* expected pairs"),
        ("char_cnn", {"filters": []}, "char_cnn.filters is"),
        ("char_cnn", {"embedding": 4}, "char_cnn.embedding.dim is None"),
        ("char_cnn", {"activation": "gelu"}, "char_cnn.activation is 'gelu'; expected 'relu' or 'tanh'"),
        ("char_cnn", {"n_characters": 300}, "char_cnn.n_characters is 300; expected 261 or 262"),
    ],
)
def test_options_that_no_model_has(tmp_path, part: str, change, words: str) -> None:
    options = options_of()
    options[part] |= change
    with pytest.raises(ModelFileError, match=words):
        read_elmo_options(write(tmp_path, options, {}) / "options.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "expected the options of an ELMo model in JSON"),
        ("[]", "no 'char_cnn'"),
        (json.dumps({"lstm": {}}), "whole words only"),
        (json.dumps({"char_cnn": {}}), "lstm.dim is None"),
    ],
)
def test_files_of_another_kind(tmp_path, text: str, words: str) -> None:
    (tmp_path / "options.json").write_text(text)
    with pytest.raises(ModelFileError, match=words):
        read_elmo_options(tmp_path / "options.json")


def test_files_that_are_missing_or_cut(tmp_path) -> None:
    with pytest.raises(ModelFileError, match=r"options\.json: no such file"):
        read_elmo_options(tmp_path / "options.json")
    write(tmp_path, options_of())
    weights = tmp_path / "lm_weights.hdf5"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelFileError, match=r"lm_weights\.hdf5: no HDF5 file, or one that was cut off"):
        read(tmp_path)
    weights.unlink()
    with pytest.raises(ModelFileError, match=r"lm_weights\.hdf5: no such file"):
        read(tmp_path)


def test_a_folder_holds_one_of_each(tmp_path) -> None:
    with pytest.raises(SettingsError, match=r"one file \*options\*\.json .* found none"):
        find_elmo(tmp_path)
    write(tmp_path, options_of())
    assert [path.name for path in find_elmo(tmp_path)] == ["options.json", "lm_weights.hdf5"]
    (tmp_path / "other_weights.h5").write_bytes(b"")
    with pytest.raises(SettingsError, match=r"found lm_weights\.hdf5, other_weights\.h5"):
        find_elmo(tmp_path)

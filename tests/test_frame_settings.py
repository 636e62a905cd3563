"""Settings of runs on sequences of vectors."""

from __future__ import annotations

import pytest

from seqlab.errors import SettingsError
from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings

DATA = FrameDataSettings(path="x", format="timit")


def test_the_defaults_are_those_of_the_study():
    settings = FrameSettings(data=DATA)
    training, network = settings.training, settings.network
    assert (training.epochs, training.patience, training.batch_size) == (150, 15, 1)
    assert training.nesterov and training.clip is None and network.initial_std == 0.1
    assert FrameSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NetworkSettings(variant="np"), "variant: Input should be 'V', 'NIG'"),
        (lambda: NetworkSettings(noise=1.5), "noise: Input should be less than or equal to 1"),
        (lambda: FrameTrainingSettings(momentum=1), "momentum: Input should be less than 1"),
        (lambda: FrameTrainingSettings(rate=1), "unknown key 'rate'"),
        (lambda: FrameDataSettings(path="x", format="timitt"), "format: Input should be 'timit'"),
        (lambda: FrameDataSettings(path="x", format="iam_ondb", lenient=True), "lenient concerns the format timit"),
        (lambda: FrameSettings(data=DATA, netwrk={}), "unknown key 'netwrk'.*Did you mean 'network'"),
    ],
)
def test_wrong_values(make, message):
    with pytest.raises(SettingsError, match=message):
        make()

from __future__ import annotations

from pathlib import Path

from seqlab.studies import Trial
from seqlab.tuning.board import write_board


def test_tensorboard_reads_it(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    from tensorboard.plugins.hparams.metadata import parse_session_end_info_plugin_data as parse_end
    from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data as parse_start

    values = {"rate": 0.25, "units": 40, "chars": "cnn", "casing": True}
    for status, number in (("failed", 2), ("completed", 1)):
        write_board(tmp_path, Trial("3", status, values, score=0.5, seconds=2.0), "val_f1")
        (path,) = tmp_path.iterdir()
        found = [value for event in LegacyEventFileLoader(str(path)).Load() for value in event.summary.value]
        start, score, seconds, end = found
        read = parse_start(start.metadata.plugin_data.content).hparams
        assert (read["rate"].number_value, read["units"].number_value) == (0.25, 40)
        assert (read["chars"].string_value, read["casing"].bool_value) == ("cnn", True)
        assert (score.tag, score.simple_value, seconds.tag) == ("val_f1", 0.5, "seconds")
        assert parse_end(end.metadata.plugin_data.content).status == number

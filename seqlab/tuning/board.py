"""A trial for TensorBoard's HParams page."""

from __future__ import annotations

from pathlib import Path

from seqlab import studies

STATUS = {"completed": "STATUS_SUCCESS"}  # all others are failures there


def write_board(folder: Path, trial: studies.Trial, objective: str) -> None:
    """Writes one event file with the hyperparameters and the score of a trial, as TensorBoard's HParams page reads it.

    Args:
        folder: Folder of the trial; an older file of this function in it is replaced.
        trial: The trial.
        objective: Name of the figure.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2, summary_v2
    from tensorboard.plugins.hparams.metadata import NULL_TENSOR, SESSION_END_INFO_TAG, create_summary_metadata
    from tensorboard.summary.writer.record_writer import RecordWriter

    from seqlab.files import replaced

    status = api_pb2.Status.Value(STATUS.get(trial.status, "STATUS_FAILURE"))
    ended = plugin_data_pb2.HParamsPluginData(session_end_info=plugin_data_pb2.SessionEndInfo(status=status))
    end = Summary(value=[Summary.Value(tag=SESSION_END_INFO_TAG, metadata=create_summary_metadata(ended))])
    end.value[0].tensor.CopyFrom(NULL_TENSOR)
    figures = {objective: trial.score, "test": trial.test, "seconds": trial.seconds}
    scores = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items() if value is not None]
    events = [
        Event(file_version="brain.Event:2"),
        Event(summary=summary_v2.hparams_pb(trial.values, trial_id=trial.trial, start_time_secs=0.0)),
        Event(summary=Summary(value=scores)),
        Event(summary=end),
    ]
    with replaced(folder / "events.out.tfevents.0.study") as temporary, temporary.open("wb") as stream:
        writer = RecordWriter(stream)
        for event in events:
            writer.write(event.SerializeToString())

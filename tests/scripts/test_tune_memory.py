from __future__ import annotations

import pytest
import tune_memory


def test_memory_stays_flat(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_memory, "STEP", 5)
    assert tune_memory.main(["--trials", "10"]) == 0
    text = capsys.readouterr().out
    assert "   5 trials" in text and "  10 trials" in text and "limit 16" in text
    monkeypatch.setattr(tune_memory, "LIMIT", -1000.0)
    assert tune_memory.main(["--trials", "10"]) == 1
    with pytest.raises(SystemExit):
        tune_memory.main(["--trials", "9"])

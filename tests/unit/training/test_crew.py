"""What the launcher of several processes does to this one: signals and errors."""

import signal

import pytest
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from bocage.core.errors import DataError
from bocage.training import crew


def launcher(error):
    """One that handles signals as torch's does, and ends with an error."""

    def launch(config, work):
        def run(*arguments):
            for name in config.signals_to_handle.split(","):
                signal.signal(getattr(signal, name), lambda *_: None)
            raise error

        return run

    return launch


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_ctrl_c_stays_ctrl_c(monkeypatch, number, expected):
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    before = [signal.getsignal(getattr(signal, name)) for name in names]
    monkeypatch.setattr(crew, "elastic_launch", launcher(SignalException("got a signal", number)))
    with pytest.raises(expected) as caught:
        crew.run_together(2, print)
    assert expected is KeyboardInterrupt or caught.value.code == 128 + number
    assert [signal.getsignal(getattr(signal, name)) for name in names] == before


def test_a_failure_is_told_without_its_traceback(monkeypatch, tmp_path):
    (tmp_path / "error.json").write_text(
        '{"message": {"message": "ConfigError: wrong", "extraInfo": {"py_callstack": "Traceback", "timestamp": "1"}}}'
    )
    failure = ProcessFailure(local_rank=1, pid=1, exitcode=1, error_file=str(tmp_path / "error.json"))
    monkeypatch.setattr(crew, "elastic_launch", launcher(ChildFailedError("work", {1: failure})))
    with pytest.raises(DataError, match=r"^Process 1 of 2 that trained together failed: ConfigError: wrong$"):
        crew.run_together(2, print)

"""Processes that train one network together, one a GPU or some cores each. Needs torch.

`torchrun` starts them and tells each its rank; the sums behind the loss and the scores are taken over all of them, so
that two processes take the steps of one with twice the batch. Only the first one writes.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from torch.nn.parallel import DistributedDataParallel

from bocage.core.errors import DataError

_MEETING = "BOCAGE_CREW"  # environment of a process of a crew: the file where they find each other


class _Total(torch.autograd.Function):
    """A sum over all processes. What one of them adds is in the result of each, so gradients are summed as well."""

    @staticmethod
    def forward(_: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return _Total.forward(_, gradient)


@dataclass(frozen=True)
class Crew:
    """This process among those that train together; `rank` counts from 0."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        return self.rank == 0

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, the same in each; gradients pass through."""
        if self.size == 1:
            return tensor
        result: Tensor = _Total.apply(tensor)  # type: ignore[no-untyped-call]
        return result

    def share(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over the processes on the way back."""
        return network if self.size == 1 else DistributedDataParallel(network)


def is_in_crew() -> bool:
    """True in a process that torchrun started."""
    return dist.is_torchelastic_launched()


@contextmanager
def crew(device: str) -> Iterator[Crew]:
    """Join the other processes; alone, where torchrun did not start this one."""
    if not is_in_crew():
        yield Crew()
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        init_method=f"file://{os.environ[_MEETING]}" if _MEETING in os.environ else "env://",
        rank=int(os.environ["RANK"]),
        world_size=int(os.environ["WORLD_SIZE"]),
    )
    try:
        yield Crew(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


@contextmanager
def _signals_as_before(names: Sequence[str]) -> Iterator[None]:
    """The launcher ends its processes on these signals, by handlers that it leaves behind and an error of its own.

    Raises:
        KeyboardInterrupt: on Ctrl-C.
        SystemExit: on another signal, with 128 + its number, as a shell says it.
    """
    is_main = threading.current_thread() is threading.main_thread()  # no other may set a handler
    before = {number: signal.getsignal(number) for number in map(signal.Signals.__getitem__, names)} if is_main else {}
    try:
        yield
    except SignalException as error:
        if error.sigval == signal.SIGINT:
            raise KeyboardInterrupt from error
        raise SystemExit(128 + error.sigval) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_together(size: int, work: Callable[..., Any], *arguments: Any) -> None:
    """`work(*arguments)` in `size` processes of this machine, as `torchrun --nproc-per-node` does.

    Raises:
        DataError: if one of them failed, with what it said.
        KeyboardInterrupt: on Ctrl-C, when all of them have ended.
    """
    with TemporaryDirectory(prefix="bocage-crew-") as folder:
        _launch(size, folder, work, arguments)


def _launch(size: int, folder: str, work: Callable[..., Any], arguments: Sequence[Any]) -> None:
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"  # the launcher's own port; see `_work_nearby`
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=size,
        run_id=str(uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint=f"{folder}/launcher",
        rdzv_configs={"store_type": "file"},
        local_addr="localhost",
        max_restarts=0,
    )
    try:
        with _signals_as_before(config.signals_to_handle.split(",")):
            elastic_launch(config, _work_nearby)(f"{folder}/processes", work, *arguments)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        said = failure.message["message"] if isinstance(failure.message, dict) else failure.message
        raise DataError(f"Process {rank} of {size} that trained together failed: {said}") from error


def _work_nearby(meeting: str, work: Callable[..., Any], *arguments: Any) -> None:
    """Work as one of several that find each other by a file and talk over the loopback interface alone: torch's own
    meeting place is a port that every interface serves to anybody."""
    os.environ[_MEETING] = meeting
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(variable, loopback)
    work(*arguments)

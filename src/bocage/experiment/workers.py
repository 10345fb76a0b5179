"""Who does the work: threads of this machine, or the processes of a Dask cluster. Pure. No result depends on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from bocage.core.options import Options


class ThreadWorkers(Options):
    """This machine."""

    kind: Literal["threads"] = Field("threads", description="threads of this machine")
    n: int | None = Field(None, ge=1, description="most CPU threads; default: all cores. --workers N may lower it")


class DaskWorkers(Options):
    """A Dask cluster, whose workers see the same files and the same artifact store under the same paths."""

    kind: Literal["dask"] = Field(description="processes of a Dask cluster")
    address: str = Field(
        description="scheduler, such as tcp://10.0.0.1:8786. Each worker process builds one cube at a time",
        pattern=r"^(tcp|tls|ucx|ws|wss)://.+",
    )


def _from_number(value: Any) -> Any:
    return {"kind": "threads", "n": value} if isinstance(value, int) and not isinstance(value, bool) else value


Workers = Annotated[
    Annotated[ThreadWorkers | DaskWorkers, Field(discriminator="kind")],
    BeforeValidator(_from_number, json_schema_input_type=ThreadWorkers | DaskWorkers | int),
]

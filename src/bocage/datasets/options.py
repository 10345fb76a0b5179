"""Options of the room `datasets`. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bocage.core.options import Options


class DatasetOptions(Options):
    """How samples are stored."""

    store: Literal["shards", "npy"] = Field(
        "shards",
        description="shards: compressed records, a few files of some 32 MiB; npy: plain .npy files, three a sample.",
    )

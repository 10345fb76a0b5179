"""Options of the room `datasets`. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bocage.core.options import Options
from bocage.patches.options import SelectionOptions


class DatasetOptions(Options):
    """How samples are stored."""

    samples: Literal["patches", "objects"] = Field(
        "patches",
        description="patches: windows of the cubes; objects: parcels, each a series of its statistics "
        "(patches.objects), stored as a patch of one pixel whose bands are named B04_mean, B04_std, …",
    )
    store: Literal["shards", "npy"] = Field(
        "shards",
        description="shards: compressed records, a few files of some 32 MiB; npy: plain .npy files, three a sample.",
    )
    selection: SelectionOptions | None = Field(
        None, description="several country-years: which samples are taken of all of them together, once joined"
    )

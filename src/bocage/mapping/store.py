"""The finished rows of a map that is being made, in a scratch folder; a killed map goes on there. IO.

Rasters are flat files of uint8, layer by layer and row by row, so that a row stands at a known place and can be written
again. `state.npz` has what the rows so far have added up to; it is replaced in one step after the rows that it counts
are on the disk, hence rows and sums never disagree.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bocage.core.arrays import AnyArray, UInt8

STATE = "state.npz"


class RowStore:
    """Rows and sums of one map under way.

    Args:
        folder: the scratch folder; made if it is not there.
        digest: of everything that decides the map. A half of something else is thrown away; with None, any half is.
        layers: raster name -> number of its layers.
        shape: (rows, columns) of the map.
    """

    def __init__(self, folder: Path, digest: str | None, layers: Mapping[str, int], shape: tuple[int, int]) -> None:
        self.folder, self._digest, self._layers, self._shape = folder, digest or "", dict(layers), shape
        self.state: dict[str, AnyArray] = self._resume() if digest else {}
        if not self.state:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        self._files = {name: self._open(name, n) for name, n in layers.items()}

    def write(self, name: str, row: int, values: UInt8) -> None:
        """Rows of one raster from `row` on: (layer, rows, columns)."""
        for layer, part in enumerate(values):
            self.write_layer(name, layer, row, part)

    def write_layer(self, name: str, layer: int, row: int, values: UInt8) -> None:
        """Rows of one layer: (rows, columns)."""
        file = self._files[name]
        file.seek(self._at(layer, row))
        file.write(np.ascontiguousarray(values).data)

    def commit(self, state: Mapping[str, Any]) -> None:
        """The rows written so far count from now on, together with this state (name -> array or number)."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        temporary = self.folder / f"{STATE}.tmp"
        with temporary.open("wb") as out:
            arrays: dict[str, Any] = {"digest": self._digest, **state}
            np.savez(out, **arrays)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(self.folder / STATE)

    def read(self, name: str, row: int, n_rows: int) -> UInt8:
        """(layer, rows, columns) from `row` on; fewer rows at the end."""
        n_rows = min(n_rows, self._shape[0] - row)
        out = np.empty((self._layers[name], n_rows, self._shape[1]), np.uint8)
        file = self._files[name]
        for layer in range(self._layers[name]):
            file.seek(self._at(layer, row))
            out[layer] = np.frombuffer(file.read(out[layer].nbytes), np.uint8).reshape(out[layer].shape)
        return out

    def remove(self) -> None:
        """The map is finished: the scratch folder goes."""
        for file in self._files.values():
            file.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _at(self, layer: int, row: int) -> int:
        return (layer * self._shape[0] + row) * self._shape[1]

    def _open(self, name: str, n_layers: int) -> Any:
        path = self.folder / f"{name}.u8"
        file = path.open("r+b" if path.exists() else "w+b")
        file.truncate(n_layers * self._shape[0] * self._shape[1])
        return file

    def _resume(self) -> dict[str, AnyArray]:
        try:
            with np.load(self.folder / STATE, allow_pickle=False) as found:
                state = {name: found[name] for name in found.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return {}
        whole = all((self.folder / f"{name}.u8").is_file() for name in self._layers)
        return state if whole and str(state.pop("digest", "")) == self._digest else {}

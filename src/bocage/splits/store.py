"""A Split as one parquet file. IO. Columns sample_id, part, block_id, reason; what is hidden stands in the metadata."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bocage.core.errors import CorruptFile, DataError, MissingFile
from bocage.splits.record import Split

SPLIT = "split.parquet"  # its name in the folders of the flow
FORMAT = "bocage-split-1"
COLUMNS = ("sample_id", "part", "block_id", "reason")


def write_split(split: Split, path: Path) -> None:
    """Write a split, whole or not at all."""
    hidden = {part: numbers.tolist() for part, numbers in split.hidden.items()}
    about = {"format": FORMAT, "about": split.about, "tally": split.tally.to_json(), "hidden": hidden}
    table = pa.table({c: pa.array(split.table[c].tolist(), pa.string()) for c in COLUMNS})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table.replace_schema_metadata({"bocage": json.dumps(about)}), temporary, compression="zstd")
    temporary.replace(path)


def read_given(path: Path) -> dict[str, str]:
    """Sample id → part, of a split of bocage or of any csv or parquet table with the columns sample_id and part.

    Raises:
        MissingFile: if there is no such file.
        CorruptFile: if it cannot be read, lacks a column or names a sample twice.
    """
    if not path.is_file():
        raise MissingFile(f"There is no split at {path}; splits.path names it.")
    try:
        table = pd.read_csv(path, dtype=str) if path.suffix == ".csv" else pq.read_table(path).to_pandas()
        ids, parts = table["sample_id"].astype(str), table["part"].astype(str)
    except (OSError, ValueError, KeyError) as error:
        raise CorruptFile(f"{path} is no table with the columns sample_id and part ({error}).") from error
    if ids.duplicated().any():
        raise CorruptFile(f"{path} names samples twice, e.g. '{ids[ids.duplicated()].iloc[0]}'.")
    return dict(zip(ids, parts, strict=True))


def read_split(path: Path) -> Split:
    """Read a split.

    Raises:
        MissingFile: if there is no such file.
        CorruptFile: if it is no split, or a damaged one.
    """
    if not path.is_file():
        raise MissingFile(f"There is no split at {path}. Make one: bocage split make DATASET --out {path}")
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"bocage"])
        if about["format"] != FORMAT:
            raise ValueError(f"format '{about['format']}', this version reads '{FORMAT}'")
        hidden = {part: np.array(numbers, np.uint32) for part, numbers in about["hidden"].items()}
        return Split(table.select(list(COLUMNS)).to_pandas(ignore_metadata=True), hidden, about["about"])
    except (OSError, ValueError, KeyError, TypeError, DataError) as error:
        raise CorruptFile(f"{path} is not a split of bocage, or a damaged one ({error}). Make it again.") from error

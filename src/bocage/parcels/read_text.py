"""The text of a shapefile: its encoding, found from every byte, and its decoding. IO, read only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bocage.parcels.encodings import FoundEncoding, find_encoding
from bocage.parcels.read_layer import Layer, read_head
from bocage.parcels.read_rows import read_rows


def find_text_encoding(
    layer: Layer, columns: Sequence[str], *, given: str | None, candidates: Sequence[str]
) -> FoundEncoding:
    """The encoding of a shapefile's text, from every byte of these columns; other formats say theirs: UTF-8."""
    if layer.suffix != ".shp":
        return FoundEncoding("utf-8", "format")
    if given is not None:
        return FoundEncoding(given.lower(), "options")
    texts = set[bytes]()
    for batch in read_rows(layer, columns, geometry=False):
        for column in columns:
            values = batch.frame[column]
            if not pd.api.types.is_numeric_dtype(values.dtype):
                texts.update(v.encode("latin-1") for v in values.unique() if isinstance(v, str) and not v.isascii())
    return find_encoding(texts, stated=_stated_encoding(layer), candidates=candidates)


def decode_rows(frame: pd.DataFrame, encoding: str) -> pd.DataFrame:
    """Text that `read_rows` took one byte a letter from a shapefile, decoded; lost letters become U+FFFD."""
    text_columns = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c].dtype)]
    return frame.assign(**{c: _decoded(frame[c], encoding) for c in text_columns})


def _decoded(values: pd.Series[Any], encoding: str) -> pd.Series[Any]:
    spelt = {
        v: v.encode("latin-1").decode(encoding, "replace")
        for v in values.unique()
        if isinstance(v, str) and not v.isascii()
    }
    return values.astype(object).map(lambda v: spelt.get(v, v)) if spelt else values


def _stated_encoding(layer: Layer) -> str | None:
    head = read_head(layer, ".cpg")
    return head[0].decode("ascii", "ignore").strip() or None if head else None

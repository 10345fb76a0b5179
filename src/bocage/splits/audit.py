"""What parts of a split share, how far apart they are, and what is in them. Pure. Any split, however it was made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import Bool
from bocage.core.errors import DataError
from bocage.splits.ground import find_places, least_distance_m, shared_ground_px
from bocage.splits.record import DROPPED, PARTS, Split
from bocage.splits.separate import labelled_parcels
from bocage.splits.strategies import label_columns


def audit_split(
    manifest: pd.DataFrame, split: Split, parcels: pd.DataFrame, *, class_names: Sequence[str] | None = None
) -> dict[str, Any]:
    """Measure the leakage of a split.

    Args:
        manifest: one row a sample.
        split: must speak of the same samples.
        parcels: sample_id, number, class_id, n_px.
        class_names: by class id; ids are used if not given.

    Returns:
        parts: part → n_samples, n_blocks, labelled_px (after hiding), hidden_px, hidden_parcels; dropped → n_samples.
        shared_px: pixels of ground that two or more parts cover, labelled or not.
        shared_parcels: parcels with labelled pixels, not hidden, in two or more parts.
        min_distance_m: least ground distance between patches of different parts, and by pair of parts.
        class_share: part → class → share of the part's labelled pixels, after hiding.
        leaky, verdict, warnings: the same in words.

    Raises:
        DataError: if manifest and split speak of different samples.
    """
    table = manifest[["sample_id"]].merge(split.table, on="sample_id", how="left")
    if table["part"].isna().any() or len(table) != len(split.table):
        raise DataError(
            f"The data set has {len(manifest)} samples, the split {len(split.table)}; {table['part'].isna().sum()} of "
            "the data set are not in the split. Give the split that was made of this data set."
        )
    columns = label_columns(manifest)
    names = list(class_names or (c.removeprefix("n_px_") for c in columns))
    rows = labelled_parcels(parcels, table)
    is_hidden = _is_hidden(rows, split)
    hidden_px = rows[is_hidden].groupby("part")["n_px"].sum().to_dict()
    pixels = _pixels(manifest[columns], table, rows[is_hidden])
    owners = rows[~is_hidden][["number", "part"]].drop_duplicates().groupby("number").size()

    places, parts = find_places(manifest), table["part"].where(table["part"] != DROPPED, None).to_numpy(object)
    member = {p: np.isin(np.arange(len(places.boxes)), places.of_sample[parts == p]) for p in PARTS}
    pairs = {f"{a}-{b}": least_distance_m(places, member[a], member[b]) for a, b in combinations(PARTS, 2)}
    distances = [d for d in pairs.values() if d is not None]
    result: dict[str, Any] = {
        "parts": {
            part: {
                "n_samples": int((table["part"] == part).sum()),
                "n_blocks": int(table.loc[table["part"] == part, "block_id"].nunique()),
                "labelled_px": int(pixels.loc[part].to_numpy().sum()),
                "hidden_px": int(hidden_px.get(part, 0)),
                "hidden_parcels": len(split.hidden[part]),
            }
            for part in PARTS
        }
        | {DROPPED: {"n_samples": int((table["part"] == DROPPED).sum())}},
        "shared_px": shared_ground_px(places, parts),
        "shared_parcels": int((owners > 1).sum()),
        "min_distance_m": min(distances, default=None),
        "min_distance_m_by_pair": pairs,
        "class_share": {
            part: {n: float(v) for n, v in zip(names, pixels.loc[part] / max(pixels.loc[part].sum(), 1), strict=True)}
            for part in PARTS
        },
    }
    absent = {
        part: [n for n, v, total in zip(names, pixels.loc[part], pixels.sum(), strict=True) if total and not v]
        for part in PARTS
    }
    return result | _judge(result, absent, split)


def _is_hidden(rows: pd.DataFrame, split: Split) -> Bool:
    """For each parcel row, whether its part hides it."""
    hidden = np.zeros(len(rows), bool)
    for part, numbers in split.hidden.items():
        hidden |= ((rows["part"] == part) & rows["number"].isin(numbers)).to_numpy()
    return hidden


def _pixels(counts: pd.DataFrame, table: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """Labelled pixels by part (rows) and class id (columns), less the hidden ones."""
    pixels = counts.groupby(table["part"].to_numpy()).sum().reindex(PARTS, fill_value=0)
    pixels.columns = pd.Index(range(pixels.shape[1]))
    taken = hidden.pivot_table(index="part", columns="class_id", values="n_px", aggfunc="sum", fill_value=0)
    return pixels - taken.reindex(index=pixels.index, columns=pixels.columns, fill_value=0)


def _judge(found: dict[str, Any], absent: dict[str, list[str]], split: Split) -> dict[str, Any]:
    """The findings in words."""
    distance, warnings = found["min_distance_m"], [str(split.about["warning"])] if split.about.get("warning") else []
    leaks = [
        f"{found[key]:,} {what}"
        for key, what in (("shared_px", "pixels of ground"), ("shared_parcels", "parcels"))
        if found[key]
    ]
    if leaks:
        verdict = f"LEAKY: parts share {' and '.join(leaks)}. Scores on this split flatter the model."
    else:
        near = "" if distance is None else f"; the nearest patches of different parts are {distance:,.0f} m apart"
        verdict = f"No ground and no parcel is shared by two parts{near}."
        if distance is not None and distance == 0:
            warnings.append(
                "Patches of different parts touch. Neighbouring fields are alike, so scores stay a little high; larger "
                "blocks (splits.block_m) mean fewer such borders."
            )
    warnings += [f"{part} has no pixel of: {', '.join(names)}." for part, names in absent.items() if names]
    return {"leaky": bool(leaks), "verdict": verdict, "warnings": warnings}

"""Synthetic against real: per-class spectra and spreads through the season, side by side. Pure.

The real series are the WorldCereal extract of 500 French parcels of 2022 (17 monthly composites, one pixel a parcel).
They lie in Corsica, so the country compared with them is the southern, dry one. The table in
`docs/synthetic-country.md` is the text form of `compare`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import shapely

from bocage.core.grid import grid_bounds
from bocage.synthetic.countries import COUNTRIES
from bocage.synthetic.landscape import make_landscape
from bocage.synthetic.scene import Conditions, grow, photograph

BANDS_COMPARED = ("B03", "B04", "B06", "B08", "B11")
_MISSING = 65535
# Our class -> WorldCereal codes (its legend: AA-BB-CC-DDD-S without the dashes). Too few parcels declare a single
# cereal, so the winter cereals are compared together.
_EWOC = {
    "maize": (1101060000,),
    "cereals": (1101000000, 1101010021, 1101020011, 1101020012, 1101040011, 1101040012),
    "vineyard": (1201000010,),
    "pasture": (2001020021, 2001020022),
    "alfalfa": (1111020010,),
    "fallow": (1115000000,),
}
_GROUPS = {"wheat": "cereals", "barley": "cereals", "oats": "cereals"}


def real_series(worldcereal: pd.DataFrame) -> pd.DataFrame:
    """From the WorldCereal table to columns `group`, `month` and reflectance by band; months of 2022, no missing."""
    group_of = {code: group for group, codes in _EWOC.items() for code in codes}
    rows = worldcereal.assign(
        group=worldcereal["ewoc_code"].map(group_of), time=pd.to_datetime(worldcereal["timestamp"])
    )
    rows = rows[rows["group"].notna() & (rows["time"].dt.year == 2022)]
    columns = {f"S2-L2A-{band}": band for band in BANDS_COMPARED}
    rows = rows[(rows[list(columns)] != _MISSING).all(axis=1)]
    values = rows[list(columns)].rename(columns=columns) / 10_000
    return pd.DataFrame(values.assign(group=rows["group"], month=rows["time"].dt.month))


def synthetic_series(
    months: Sequence[int], *, country: str = "ES", year: int = 2022, seed: int = 7, size_px: int = 768
) -> pd.DataFrame:
    """The same columns from a cloudless synthetic country: one pixel a field, on the 15th of each month."""
    land = COUNTRIES[country]
    growth = grow(make_landscape(land, size_px, seed), land, year, seed)
    points = shapely.get_coordinates(shapely.point_on_surface(growth.landscape.fields))
    left, _, _, top = grid_bounds(growth.landscape.grid)
    cols, rows = ((points[:, 0] - left) // 10).astype(int), ((top - points[:, 1]) // 10).astype(int)
    inside = (rows >= 0) & (cols >= 0) & (rows < size_px) & (cols < size_px)
    groups = np.array([_GROUPS.get(crop, crop) for crop in growth.crops])[inside]
    tables = []
    for month in months:
        conditions = Conditions(date(year, month, 15), 0.0, False, False, 1.0)
        scene = photograph(growth, conditions, seed)
        table = {"group": groups, "month": month}
        for band in BANDS_COMPARED:
            image = scene.reflectance[band]
            step = size_px // image.shape[0]
            table[band] = image[rows[inside] // step, cols[inside] // step]
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def compare(real: pd.DataFrame, synthetic: pd.DataFrame, months: Sequence[int]) -> pd.DataFrame:
    """Median and spread (inter-quartile range / 1.349) of both, a row for each group, month and band.

    Columns: group, month, band, n_real, n_synthetic, real, synthetic (medians), real_spread, synthetic_spread.
    """
    rows = []
    for group in _EWOC:
        for month in months:
            ours, theirs = (t[(t["group"] == group) & (t["month"] == month)] for t in (synthetic, real))
            for band in BANDS_COMPARED:
                rows.append(
                    {
                        "group": group,
                        "month": month,
                        "band": band,
                        "n_real": len(theirs),
                        "n_synthetic": len(ours),
                        "real": theirs[band].median(),
                        "synthetic": ours[band].median(),
                        "real_spread": _spread(theirs[band]),
                        "synthetic_spread": _spread(ours[band]),
                    }
                )
    return pd.DataFrame(rows)


def to_markdown(comparison: pd.DataFrame) -> str:
    """One row a group and month, one column a band: `real median ± spread / synthetic median ± spread`, percent."""
    lines = [f"| class (real / synthetic parcels) | month | {' | '.join(BANDS_COMPARED)} |"]
    lines.append("|" + "---|" * (len(BANDS_COMPARED) + 2))
    for (group, month), part in comparison.groupby(["group", "month"], sort=False):
        first = part.iloc[0]
        numbers = 100 * part[["real", "real_spread", "synthetic", "synthetic_spread"]].to_numpy(dtype=np.float64)
        cells = [f"{a:.1f} ± {b:.1f} / {c:.1f} ± {d:.1f}" for a, b, c, d in numbers]
        lines.append(f"| {group} ({first['n_real']} / {first['n_synthetic']}) | {month} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: pd.Series[float]) -> float:
    low, high = np.quantile(values, (0.25, 0.75)) if len(values) else (np.nan, np.nan)
    return float((high - low) / 1.349)

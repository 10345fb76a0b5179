"""Which band of a product is which layer of a file, when both show the same ground on the same day. Pure.

The layers of a file hold the numbers of a product's bands, resampled by a rule that nobody has written down, with or
without the radiometric offset. So a layer lies near its own band and further from all others, and of all ways to
assign bands to layers the one with the smallest total squared difference is the order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bocage.core.arrays import SCALE, Bool, Float32, Float64, UInt16

OFFSETS = (0, -1000)  # DN that may have to be added to the layers; the same to all
LEAST_CORRELATION = 0.8  # below it, layer and band do not show the same thing
CLEAR_LEAD = 0.75  # share of the difference to the next band; at most 0.57 in real products resampled otherwise


@dataclass(frozen=True)
class BandFit:
    """One layer and the band that was found in it.

    Attributes:
        layer: counted from 1.
        named: the band that the setting says.
        found: the band that fits; None if the product has fewer bands than the file has layers.
        correlation: of layer and found band.
        slope, intercept: band = slope · layer + intercept, both as reflectance, the layer with the offset added.
        rmse: root of the mean squared difference, reflectance.
        next_band, next_rmse: the band that fits next best.
    """

    layer: int
    named: str
    found: str | None
    correlation: float = 0.0
    slope: float = 0.0
    intercept: float = 0.0
    rmse: float = 0.0
    next_band: str | None = None
    next_rmse: float = 0.0

    @property
    def is_sure(self) -> bool:
        """True if the found band correlates and no other comes near."""
        alone = self.next_band is None or self.rmse <= CLEAR_LEAD * self.next_rmse
        return self.found is None or (alone and self.correlation >= LEAST_CORRELATION)


@dataclass(frozen=True)
class BandOrder:
    """The order of a file's layers.

    Attributes:
        offset: DN to add to its numbers, 0 or −1000.
        n_pixels: that were compared.
    """

    fits: tuple[BandFit, ...]
    offset: int
    n_pixels: int

    @property
    def found(self) -> tuple[str, ...]:
        """Band by layer; the name that was given where the product has no band for it."""
        return tuple(fit.found or fit.named for fit in self.fits)

    def to_json(self) -> dict[str, Any]:
        about = {"bands": list(self.found), "offset": self.offset, "n_pixels": self.n_pixels}
        return about | {"layers": [asdict(fit) for fit in self.fits]}


def find_band_order(
    layers: UInt16, bands: Mapping[str, Float32], seen: Bool, named: Sequence[str], *, scale: float = SCALE
) -> BandOrder:
    """The order that fits best over all permutations, and with which offset.

    Args:
        layers: (n, H, W) numbers of the file.
        bands: band → (H, W) reflectance on the same grid, offset removed.
        seen: (H, W) True where both have data.
        named: the n bands that the setting says.
    """
    from scipy.optimize import linear_sum_assignment

    x = layers[:, seen].astype(np.float64) / scale
    y = np.stack(list(bands.values()))[:, seen].astype(np.float64)
    names, n = list(bands), len(x)
    shared = np.cov(x, y, bias=True)[:n, n:]
    spread = x.var(1)[:, None] + y.var(1)[None] - 2 * shared
    errors = {o: np.maximum(spread + (x.mean(1)[:, None] + o / scale - y.mean(1)[None]) ** 2, 0) for o in OFFSETS}
    assigned = {o: linear_sum_assignment(error) for o, error in errors.items()}
    offset = min(OFFSETS, key=lambda o: float(errors[o][assigned[o]].sum()))
    band_of = dict(zip(*(index.tolist() for index in assigned[offset]), strict=True))
    fits = []
    for i in range(n):
        if i not in band_of:
            fits.append(BandFit(i + 1, named[i], None))
            continue
        j, rmse = band_of[i], np.sqrt(errors[offset][i])
        others = [k for k in np.argsort(rmse).tolist() if k != j]
        slope, intercept, correlation = _regress(x[i] + offset / scale, y[j])
        fits.append(
            BandFit(
                layer=i + 1,
                named=named[i],
                found=names[j],
                correlation=correlation,
                slope=slope,
                intercept=intercept,
                rmse=float(rmse[j]),
                next_band=names[others[0]] if others else None,
                next_rmse=float(rmse[others[0]]) if others else 0.0,
            )
        )
    return BandOrder(tuple(fits), offset, int(seen.sum()))


def _regress(x: Float64, y: Float64) -> tuple[float, float, float]:
    """Slope, intercept and correlation of y over x; all 0 where one of them is flat."""
    (xx, xy), (_, yy) = np.cov(x, y, bias=True)
    if xx == 0 or yy == 0:
        return 0.0, 0.0, 0.0
    slope = xy / xx
    return float(slope), float(y.mean() - slope * x.mean()), float(xy / np.sqrt(xx * yy))


def compare_order(order: BandOrder, *, offset: int) -> list[str]:
    """What a setting of band names and offset gets wrong; empty if it is right."""
    unsure = [fit for fit in order.fits if not fit.is_sure]
    if unsure:
        listed = ", ".join(
            f"layer {f.layer} (most like {f.found}: correlation {f.correlation:.2f}, difference {f.rmse:.3f}; then "
            f"{f.next_band}: {f.next_rmse:.3f})"
            for f in unsure[:3]
        )
        return [f"the product does not settle the order: {len(unsure)} layers are like no band alone: {listed}"]
    wrong = [fit for fit in order.fits if fit.found not in (None, fit.named)]
    listed = ", ".join(f"layer {f.layer} is {f.found}, not {f.named}" for f in wrong)
    problems = [f"the bands are in another order: {listed}. Set bands=[{','.join(order.found)}]"] if wrong else []
    if order.offset != offset:
        problems.append(f"the numbers need {order.offset} DN added, the setting says {offset}: see offset_from_2022")
    return problems

"""Labels that several sources share and that cover almost all of their common area. Pure.

The choice of Sen4AgriNet for its experiments: take the labels that occur in every region, sum them up from the largest
down, and keep those that together reach 99.9 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bocage.core.errors import ConfigError, NothingLeft


@dataclass(frozen=True)
class CommonLabel:
    """One chosen label: its area in each source, in their order, and the share reached with it, 0–1."""

    label: str
    area_ha: tuple[float, ...]
    cumulated_fraction: float


def select_common_labels(areas_ha: Sequence[Mapping[str, float]], *, share: float = 0.999) -> tuple[CommonLabel, ...]:
    """The labels that all sources have, largest first, up to and with the one that reaches `share`.

    Args:
        areas_ha: one mapping a source, label → hectares (or pixels: only ratios count). Sources are summed up as they
            are, so that a large one weighs more; give fractions to weigh them alike.
        share: 0–1, of the summed area of the common labels.

    Raises:
        ConfigError: if there are fewer than two sources or the share is not in (0, 1].
        NothingLeft: if no label is in all sources.
    """
    if len(areas_ha) < 2 or not 0 < share <= 1:
        raise ConfigError(
            f"A common label set takes two sources and a share in (0, 1]; found {len(areas_ha)}, {share}."
        )
    shared = [label for label in areas_ha[0] if all(areas.get(label, 0) > 0 for areas in areas_ha)]
    if not shared:
        raise NothingLeft(f"No label is in all {len(areas_ha)} sources. Compare them in a common taxonomy.")
    totals = {label: sum(areas[label] for areas in areas_ha) for label in shared}
    whole, reached, chosen = sum(totals.values()), 0.0, []
    for label in sorted(shared, key=lambda name: (-totals[name], name)):
        if reached >= share * whole:
            break
        reached += totals[label]
        chosen.append(CommonLabel(label, tuple(float(areas[label]) for areas in areas_ha), min(1.0, reached / whole)))
    return tuple(chosen)

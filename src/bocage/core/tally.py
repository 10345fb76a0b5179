"""What was kept and what was dropped, with reasons. Pure. Every filter returns one; they add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tally:
    """Counts of one filter: `{kept: n, dropped: {reason: n}}` in JSON. Reasons with zero hits are left out."""

    kept: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kept < 0 or any(n < 0 for n in self.dropped.values()):
            raise ValueError(f"a tally holds counts, got {self}")
        object.__setattr__(self, "dropped", {r: int(n) for r, n in self.dropped.items() if n})

    @property
    def n_dropped(self) -> int:
        return sum(self.dropped.values())

    @property
    def total(self) -> int:
        return self.kept + self.n_dropped

    def __add__(self, other: Tally) -> Tally:
        reasons = [*self.dropped, *(r for r in other.dropped if r not in self.dropped)]
        merged = {r: self.dropped.get(r, 0) + other.dropped.get(r, 0) for r in reasons}
        return Tally(self.kept + other.kept, merged)

    def then(self, later: Tally) -> Tally:
        """This filter followed by `later`, which looked at what this one kept."""
        if later.total != self.kept:
            raise ValueError(f"the later filter saw {later.total}, but {self.kept} were kept before it")
        return Tally(later.kept, (Tally(0, self.dropped) + Tally(0, later.dropped)).dropped)

    def to_json(self) -> dict[str, Any]:
        return {"kept": self.kept, "dropped": dict(self.dropped)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Tally:
        return cls(int(record["kept"]), {str(r): int(n) for r, n in record["dropped"].items()})

    @classmethod
    def count(cls, verdicts: Iterable[str | None]) -> Tally:
        """From one verdict per item: None for kept, else the reason."""
        kept, dropped = 0, dict[str, int]()
        for reason in verdicts:
            if reason is None:
                kept += 1
            else:
                dropped[reason] = dropped.get(reason, 0) + 1
        return cls(kept, dropped)

    def __str__(self) -> str:
        reasons = ", ".join(f"{n} {r}" for r, n in self.dropped.items())
        return f"{self.kept} kept" + (f", {self.n_dropped} dropped ({reasons})" if reasons else "")

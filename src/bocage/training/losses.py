"""Logits + labels -> loss: weighted cross-entropy + share · Dice without background, or weighted NLL. Pure; torch.

The sums behind the loss add up over batches: the loss of a whole part does not depend on how it was cut into batches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bocage.core.arrays import IGNORE
from bocage.training.hierarchy import ClassTree


@dataclass(frozen=True)
class LossSums:
    """Sums over pixels that are not ignored.

    Attributes:
        surprise: () Σ weight of the true class × −log p(true class).
        weight: () Σ weight of the true class.
        overlap: (K,) Σ p(class) over the pixels of that class.
        predicted: (K,) Σ p(class) over all pixels.
        reference: (K,) number of pixels of that class.
    """

    surprise: Tensor
    weight: Tensor
    overlap: Tensor
    predicted: Tensor
    reference: Tensor

    def __add__(self, other: LossSums) -> LossSums:
        return LossSums(
            self.surprise + other.surprise,
            self.weight + other.weight,
            self.overlap + other.overlap,
            self.predicted + other.predicted,
            self.reference + other.reference,
        )

    def over(self, total: Callable[[Tensor], Tensor]) -> LossSums:
        """The sums over several processes, `total` being the sum of one tensor over them."""
        parts = (self.surprise[None], self.weight[None], self.overlap, self.predicted, self.reference)
        surprise, weight, *by_class = total(torch.cat(parts)).split([len(p) for p in parts])  # type: ignore[no-untyped-call]
        return LossSums(surprise[0], weight[0], *by_class)

    def detach(self) -> LossSums:
        """The same sums in float64, without a gradient."""
        parts = (self.surprise, self.weight, self.overlap, self.predicted, self.reference)
        return LossSums(*(part.detach().double() for part in parts))

    def cross_entropy(self) -> Tensor:
        """() weighted mean of −log p(true class); 0 without any pixel."""
        return self.surprise / self.weight.clamp(min=1e-12)

    def dice(self) -> Tensor:
        """() soft Dice loss, 1 − 2·overlap / (predicted + reference), mean over the classes with pixels.

        Background is left out, as in the paper. So is a class without a pixel here: its term would be 1 whatever is
        predicted, and says nothing (Milletari et al. 2016 have one class only). 0 if no class is left.
        """
        present = self.reference > 0
        present[0] = False
        score = 2 * self.overlap / (self.predicted + self.reference).clamp(min=1e-12)
        return torch.where(present, 1 - score, torch.zeros_like(score)).sum() / present.sum().clamp(min=1)

    def total(self, dice_weight: float) -> Tensor:
        """() cross-entropy + dice_weight · Dice."""
        return self.cross_entropy() + dice_weight * self.dice()

    def nll(self) -> Tensor:
        """() Sen4AgriNet's weighted negative log-likelihood: divided by the pixels, not by their weights."""
        return self.surprise / self.reference.sum().clamp(min=1)


def no_sums(n_classes: int, device: str = "cpu") -> LossSums:
    """The sums over no pixel, float64."""
    one = torch.zeros((), dtype=torch.float64, device=device)
    by_class = torch.zeros(n_classes, dtype=torch.float64, device=device)
    return LossSums(one, one, by_class, by_class, by_class)


@dataclass(frozen=True)
class Levels:
    """A `hierarchy.ClassTree` on a device. `together` (L, K, K): classes in one group; `taught` (L, K)."""

    together: Tensor
    taught: Tensor

    @classmethod
    def of(cls, tree: ClassTree, device: str) -> Levels:
        group, taught = (torch.from_numpy(a).to(device) for a in (tree.group, tree.taught))
        return cls(group[:, :, None] == group[:, None], taught)


def loss_sums(logits: Tensor, labels: Tensor, class_weights: Tensor, levels: Levels | None = None) -> LossSums:
    """The sums of one batch; with `levels`, surprise and weight are sums over all levels that a pixel teaches.

    Args:
        logits: (B, K, H, W) float32.
        labels: (B, H, W) class ids 0..K-1, 255 ignored.
        class_weights: (K,) float32, weights of the cross-entropy.
    """
    known = labels != IGNORE
    safe = torch.where(known, labels, torch.zeros_like(labels)).long()
    log_p = torch.log_softmax(logits, dim=1)
    log_p_true = log_p.gather(1, safe[:, None])[:, 0]
    weight = torch.where(known, class_weights[safe], class_weights.new_zeros(()))
    surprise, total_weight = -(weight * log_p_true).sum(), weight.sum()
    if levels is not None:
        known = known & levels.taught[-1][safe]
        surprise, total_weight = _over_levels(log_p, safe, weight, levels)
    p = log_p.exp() * known[:, None]
    is_class = (labels[:, None] == torch.arange(logits.shape[1], device=labels.device)[:, None, None]).to(p.dtype)
    is_class = is_class * known[:, None]
    return LossSums(
        surprise=surprise,
        weight=total_weight,
        overlap=(p * is_class).sum((0, 2, 3)),
        predicted=p.sum((0, 2, 3)),
        reference=is_class.sum((0, 2, 3)),
    )


def _over_levels(log_p: Tensor, classes: Tensor, weight: Tensor, levels: Levels) -> tuple[Tensor, Tensor]:
    """Surprise and weight over the levels: of each level, −log of the probability of the true class's group."""
    surprise, total = log_p.new_zeros(()), log_p.new_zeros(())
    for together, taught in zip(levels.together, levels.taught, strict=True):
        in_group = together[classes].movedim(-1, 1)
        log_p_group = log_p.masked_fill(~in_group, -torch.inf).logsumexp(1)
        counted = weight * taught[classes]
        surprise, total = surprise - (counted * log_p_group).sum(), total + counted.sum()
    return surprise, total

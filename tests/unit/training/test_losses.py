"""The loss on four pixels, against numbers worked out by hand."""

import math

import pytest
import torch
import torch.nn.functional as F

from bocage.training.losses import loss_sums

# Four pixels, three classes. p: (1/2, 1/4, 1/4), (1/2, 1/4, 1/4), (1/4, 1/2, 1/4), (0.1, 0.8, 0.1)
P = torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.1, 0.8, 0.1]])
LOGITS = P.log().T.reshape(1, 3, 2, 2)
LABELS = torch.tensor([[[0, 1], [1, 255]]], dtype=torch.uint8)
WEIGHTS = torch.tensor([0.5, 2.0, 9.0])


def test_weighted_cross_entropy_by_hand() -> None:
    # 0.5·ln 2 + 2·ln 4 + 2·ln 2 over 0.5 + 2 + 2; the ignored pixel has no say
    expected = (0.5 * math.log(2) + 2 * math.log(4) + 2 * math.log(2)) / 4.5
    assert float(loss_sums(LOGITS, LABELS, WEIGHTS).cross_entropy()) == pytest.approx(expected)


def test_cross_entropy_is_torch_s() -> None:
    expected = F.cross_entropy(LOGITS, LABELS.long(), WEIGHTS, ignore_index=255)
    assert float(loss_sums(LOGITS, LABELS, WEIGHTS).cross_entropy()) == pytest.approx(float(expected))


def test_nll_is_divided_by_the_pixels() -> None:
    expected = (0.5 * math.log(2) + 2 * math.log(4) + 2 * math.log(2)) / 3
    assert float(loss_sums(LOGITS, LABELS, WEIGHTS).nll()) == pytest.approx(expected)


def test_dice_by_hand() -> None:
    # Class 1 alone: background is left out, class 2 has no pixel.
    # Overlap 1/4 + 1/2, predicted 1/4 + 1/4 + 1/2, two pixels.
    assert float(loss_sums(LOGITS, LABELS, WEIGHTS).dice()) == pytest.approx(1 - 2 * 0.75 / (1.0 + 2))


def test_the_total_adds_the_dice_share() -> None:
    sums = loss_sums(LOGITS, LABELS, WEIGHTS)
    assert float(sums.total(0.4)) == pytest.approx(float(sums.cross_entropy()) + 0.4 * 0.5)
    assert float(sums.total(0.0)) == pytest.approx(float(sums.cross_entropy()))


def test_without_a_label_the_loss_is_zero_and_so_is_its_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = loss_sums(logits, torch.full_like(LABELS, 255), WEIGHTS).total(0.4)
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


def test_ignored_pixels_get_no_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss_sums(logits, LABELS, WEIGHTS).total(0.4).backward()
    assert logits.grad is not None
    assert (logits.grad[0, :, 1, 1] == 0).all()
    assert (logits.grad[0, :, 0, 0] != 0).all()


def test_sums_of_batches_are_the_sums_of_the_whole() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(5, 3, 4, 4), torch.randint(0, 3, (5, 4, 4), dtype=torch.uint8)
    whole = loss_sums(logits, labels, WEIGHTS)
    parts = loss_sums(logits[:2], labels[:2], WEIGHTS) + loss_sums(logits[2:], labels[2:], WEIGHTS)
    assert float(parts.total(0.4)) == pytest.approx(float(whole.total(0.4)), rel=1e-6)

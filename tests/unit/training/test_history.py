"""Which epoch is the best, and when training ends."""

from bocage.training.history import Epoch, best_epoch, best_miou_epoch, is_finished, to_json


def history(losses: list[float], mious: list[float]) -> list[Epoch]:
    return [
        Epoch(i, 1.0, loss, miou, 0, 0, 1e-3, 1, 1, 0)
        for i, (loss, miou) in enumerate(zip(losses, mious, strict=True), 1)
    ]


def test_the_lowest_loss_and_the_highest_miou() -> None:
    epochs = history([3, 1, 2, 1], [0.1, 0.2, 0.5, 0.5])
    assert best_epoch(epochs) == 2
    assert best_miou_epoch(epochs) == 3
    assert to_json(epochs)["best_epoch"] == 2


def test_the_end() -> None:
    epochs = history([3, 1, 2], [0, 0, 0])
    assert not is_finished(epochs, epochs=4, patience=None)
    assert is_finished(epochs, epochs=3, patience=None)
    assert not is_finished(epochs, epochs=4, patience=2)
    assert is_finished(epochs, epochs=4, patience=1)
    assert not is_finished([], epochs=1, patience=1)

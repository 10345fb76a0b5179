"""A trained network over one scene in two tilings: what the tiling changes, and that seams do not show."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.nn import functional

from bocage.core.grid import Window, full_window, grid_window, make_grid
from bocage.cubes.store import Cube
from bocage.mapping.options import MappingOptions
from bocage.mapping.predict import predict_bands
from bocage.mapping.tiles import plan_axis
from bocage.models.networks.initialize import initialize
from bocage.models.networks.predictor import NetworkPredictor
from bocage.models.options import UNet4Options
from bocage.models.zoo import MODELS

BANDS, CLASSES, SIZE_PX = ("B04", "B08"), ("background", "wheat", "maize"), 416
# Group normalisation looks at the whole window, so a window elsewhere sees slightly other numbers everywhere.
MEAN_DIFFERENCE = 0.03  # of a probability
SAME_CLASS = 0.97  # share of pixels


class Scene:
    """Fields of three crops in memory, with noise."""

    bands, days = BANDS, np.array([17700], np.int32)

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        fields = rng.integers(3, size=(SIZE_PX // 8, SIZE_PX // 8))
        height, width = rng.integers(8, 24, (2, SIZE_PX // 8))  # of rows and columns of fields; edges anywhere
        self.truth = fields.repeat(height, 0).repeat(width, 1)[:SIZE_PX, :SIZE_PX]
        levels = np.array([[0.1, 0.2], [0.1, 0.4], [0.2, 0.4]])
        noisy = np.moveaxis(levels[self.truth], -1, 0) + rng.normal(0, 0.08, (2, SIZE_PX, SIZE_PX))
        self.reflectance = noisy.astype(np.float32)[None]
        self.grid = make_grid("EPSG:32631", 500_000, 5_000_000, 10, (SIZE_PX, SIZE_PX))

    def read(self, window: Window | None = None) -> Cube:
        window = window or full_window(self.grid)
        part = self.reflectance[(..., *window.slices)]
        return Cube(part, np.zeros((1, *window.shape), np.uint8), self.days, BANDS, grid_window(self.grid, window))


def pieces(scene: Scene, size_px: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Patches with their classes, drawn at random without end."""
    rng = np.random.default_rng(1)
    while True:
        corners = rng.integers(SIZE_PX - size_px, size=(8, 2))
        at = [(slice(r, r + size_px), slice(c, c + size_px)) for r, c in corners]
        image = np.stack([scene.reflectance[(slice(None), slice(None), *a)] for a in at])
        yield torch.from_numpy(image), torch.from_numpy(np.stack([scene.truth[a] for a in at]))


@pytest.fixture(scope="module")
def trained() -> tuple[Scene, NetworkPredictor]:
    scene, torch_state = Scene(), torch.random.get_rng_state()
    network = MODELS["unet4_gn"].build(UNet4Options(base_channels=8, dropout=0.0), 2, 1, 3)
    initialize(network, 0)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _, (image, truth) in zip(range(24), pieces(scene, 64), strict=False):
        valid, days = torch.ones(8, 1, 64, 64, dtype=torch.bool), torch.zeros(8, 1, dtype=torch.int32)
        optimizer.zero_grad()
        functional.cross_entropy(network(image, valid, days), truth).backward()
        optimizer.step()
    torch.random.set_rng_state(torch_state)
    return scene, NetworkPredictor(network, bands=BANDS, class_names=CLASSES, n_dates=1, size_multiple=16)


def predict(scene: Scene, predictor: NetworkPredictor, window_px: int, overlap_px: int = 32) -> np.ndarray:
    options = MappingOptions(window_px=window_px, overlap_px=overlap_px)
    return np.concatenate([band.probabilities for band in predict_bands(predictor, scene, options)], axis=1)


def test_two_tilings_differ_by_less_than_the_stated_tolerance(trained: tuple[Scene, NetworkPredictor]) -> None:
    scene, predictor = trained
    one, other = predict(scene, predictor, 128), predict(scene, predictor, 160)
    assert (one.argmax(0) == scene.truth).mean() > 0.9  # it has learnt
    assert np.abs(one - other).mean() < MEAN_DIFFERENCE
    assert (one.argmax(0) == other.argmax(0)).mean() > SAME_CLASS


def test_seams_do_not_show(trained: tuple[Scene, NetworkPredictor]) -> None:
    """Between columns a map changes no more at the ends of windows than elsewhere; windows side by side would show."""
    scene, predictor = trained
    for overlap_px, shows in ((32, False), (0, True)):
        tiles = plan_axis(SIZE_PX, 128, overlap_px)
        ends = np.unique([t.start for t in tiles[1:]] + [t.start + t.size for t in tiles[:-1]]) - 1
        step = np.abs(np.diff(predict(scene, predictor, 128, overlap_px), axis=2)).mean((0, 1))
        assert (step[ends].mean() > 1.5 * np.delete(step, ends).mean()) == shows

"""What the networks on series promise beyond the contract: cells by their equations, chunks, dates."""

import pytest
import torch
from torch import Tensor, nn

from bocage.models.networks import utae
from bocage.models.networks.conv1d_unet import OverTime
from bocage.models.networks.convlstm import ConvLstmCell
from bocage.models.networks.convstar import ConvStarCell
from bocage.models.networks.initialize import initialize
from bocage.models.networks.per_pixel import PixelSeries, in_chunks, to_rows
from bocage.models.networks.utae import SeriesGroupNorm, average_dates, build_utae
from bocage.models.options import UtaeOptions


@pytest.fixture
def series() -> Tensor:
    return torch.randn(2, 3, 4, 6, 5, generator=torch.Generator().manual_seed(0))


ALL_SEEN = torch.ones(2, 3, dtype=torch.bool)


def test_the_star_cell_follows_its_equations(series: Tensor) -> None:
    cell = ConvStarCell(4, 7)
    initialize(cell, 0)
    h = torch.zeros(2, 7, 6, 5)
    for t in range(3):
        k = cell.gate(torch.cat([series[:, t], h], dim=1)).sigmoid()
        h = ((1 - k) * h + k * cell.candidate(series[:, t]).tanh()).tanh()
    torch.testing.assert_close(cell(series, ALL_SEEN)[:, -1], h, atol=1e-5, rtol=1e-5)


def test_the_lstm_cell_follows_its_equations(series: Tensor) -> None:
    cell = ConvLstmCell(4, 8)
    initialize(cell, 0)
    h = c = torch.zeros(2, 8, 6, 5)
    for t in range(3):
        i, f, g, o = cell.norm(cell.gates(torch.cat([series[:, t], h], dim=1))).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    hidden, (last, memory) = cell(series, ALL_SEEN)
    torch.testing.assert_close(hidden[:, -1], h, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(memory, c, atol=1e-5, rtol=1e-5)
    assert torch.equal(last, hidden[:, -1])


def test_series_norm_is_group_norm_where_all_dates_are_seen() -> None:
    x = torch.randn(5, 4, 6, generator=torch.Generator().manual_seed(0))
    ours, torch_s = SeriesGroupNorm(2, 6), nn.GroupNorm(2, 6)
    expected = torch_s(x.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(ours(x, torch.ones(5, 4, dtype=torch.bool)), expected)


def test_chunks_give_the_same_values_and_gradients() -> None:
    module = OverTime(3, 8, 0.0)
    initialize(module, 0)
    x = torch.randn(10, 4, 3, generator=torch.Generator().manual_seed(0))
    seen = torch.ones(10, 4, dtype=torch.bool)
    whole = module(x, seen)
    whole.sum().backward()
    wanted = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    module.zero_grad()
    parts = in_chunks(module, x, seen, size=3)
    parts.sum().backward()
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close([p.grad for p in module.parameters()], wanted)


def test_each_pixel_of_a_patch_is_one_row() -> None:
    class FirstDate(nn.Module):
        def forward(self, x: Tensor, seen: Tensor, days: Tensor) -> Tensor:
            return x[:, 0]

    image = torch.arange(2 * 2 * 3 * 2 * 4, dtype=torch.float32).view(2, 2, 3, 2, 4)
    out = PixelSeries(FirstDate())(image, torch.ones(2, 2, 2, 4) > 0, torch.zeros(2, 2))
    assert torch.equal(out, image[:, 0])
    rows, _ = to_rows(image, torch.ones(2, 2, 2, 4) > 0)
    assert rows[5, 1].tolist() == image[0, 1, :, 1, 1].tolist()


@pytest.fixture
def narrow_utae() -> nn.Module:
    options = UtaeOptions(encoder_widths=(8, 8, 8, 16), decoder_widths=(8, 8, 8, 16), n_heads=4, d_model=32)
    network = build_utae(options, 4, 3, 2).eval()
    initialize(network, 0)
    return network


def test_utae_averages_dates_by_the_weights_of_each_head(series: Tensor) -> None:
    weights = torch.randn(2, 2, 3, 3, 2, generator=torch.Generator().manual_seed(1)).softmax(2)
    large = torch.stack([nn.functional.interpolate(weights[:, head], size=(6, 5), mode="bilinear") for head in (0, 1)])
    expected = [(series[:, :, c] * large[c // 2]).sum(1) for c in range(4)]  # two channels a head
    torch.testing.assert_close(average_dates(series, weights), torch.stack(expected, dim=1))


def test_utae_encodes_dates_in_chunks_alike(narrow_utae: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.randn(2, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    given = (image, torch.ones(2, 3, 16, 16, dtype=torch.bool), torch.tensor([[17_700, 17_730, 17_760]] * 2))
    with torch.no_grad():
        at_once = narrow_utae(*given)
        monkeypatch.setattr(utae, "CHUNK_PX_CPU", 4 * 16 * 16)  # six images: four and two
        torch.testing.assert_close(narrow_utae(*given), at_once)


def test_utae_looks_at_the_dates(narrow_utae: nn.Module) -> None:
    network = narrow_utae
    image = torch.randn(1, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    valid = torch.ones(1, 3, 16, 16, dtype=torch.bool)
    days = torch.tensor([[17_700, 17_730, 17_760]])
    with torch.no_grad():
        same_day_next_year = network(image, valid, days + 365)
        torch.testing.assert_close(network(image, valid, days), same_day_next_year)
        assert (network(image, valid, days) - network(image, valid, days + 60)).abs().max() > 1e-3

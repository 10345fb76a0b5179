"""The paper's U-Net: its size, its seed, its padding."""

import pytest
import torch

from bocage.models.describe import describe_models
from bocage.models.networks.initialize import count_parameters, initialize
from bocage.models.networks.predictor import logits
from bocage.models.networks.unet4_gn import UNet4, build_unet4
from bocage.models.options import UNet4Options


def small() -> UNet4:
    return build_unet4(UNet4Options(base_channels=8, groups=4), 2, 1, 3)


def test_the_paper_s_size_part_by_part() -> None:
    with torch.device("meta"):
        network = build_unet4(UNet4Options(), 10, 1, 11)
    assert count_parameters(network) == 17_660_027
    assert [count_parameters(b) for b in network.encoder] == [25_248, 124_800, 498_432, 1_992_192]
    assert count_parameters(network.bottleneck) == 7_965_696
    assert [count_parameters(b) for b in network.decoder] == [5_309_952, 1_327_872, 332_160, 83_136]
    assert count_parameters(network.head) == 539


@pytest.mark.parametrize(("base_channels", "groups"), [(48, 8), (64, 8), (24, 4), (16, 2), (8, 1), (5, 1)])
def test_a_narrower_network_has_fewer_groups_not_thinner_ones(base_channels: int, groups: int) -> None:
    assert UNet4Options(base_channels=base_channels).count_groups() == groups
    assert UNet4Options(base_channels=48, groups=4).count_groups() == 4


def test_the_zoo_prints_it() -> None:
    rows = {row["name"]: row for row in describe_models()}
    assert rows["unet4_gn"]["n_parameters"] == 17_660_027
    assert rows["random_forest"]["n_parameters"] is None
    assert all(set(r) == {"name", "family", "input", "dates", "n_parameters", "source"} for r in rows.values())


def test_weights_come_from_the_seed_alone() -> None:
    states = []
    for global_seed, seed in ((0, 7), (1, 7), (1, 8)):
        torch.manual_seed(global_seed)
        network = small()
        before = torch.get_rng_state()
        initialize(network, seed)
        assert torch.equal(torch.get_rng_state(), before)
        states.append(torch.cat([p.flatten() for p in network.parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[1], states[2])


def test_every_parameter_gets_a_gradient() -> None:
    network = small()
    initialize(network, 0)
    network(torch.rand(2, 1, 2, 32, 32), torch.ones(2, 1, 32, 32, dtype=torch.bool), torch.zeros(2, 1)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_dates_are_stacked_into_channels() -> None:
    network = build_unet4(UNet4Options(base_channels=8, groups=4), 2, 3, 4)
    assert network.encoder[0][0].in_channels == 6
    assert network(torch.rand(1, 3, 2, 16, 16), torch.ones(1, 3, 16, 16), torch.zeros(1, 3)).shape == (1, 4, 16, 16)


def test_padding_repeats_the_edge_and_is_cropped() -> None:
    seen = []

    class Spy(torch.nn.Module):
        def forward(self, image: torch.Tensor, valid: torch.Tensor, days: torch.Tensor) -> torch.Tensor:
            seen.append((image, valid))
            return image[:, 0]

    image = torch.tensor([[1.0, 2.0, 3.0]]).view(1, 1, 1, 1, 3)
    valid = torch.ones(1, 1, 1, 3, dtype=torch.bool)
    out = logits(Spy(), image, valid, torch.zeros(1, 1), size_multiple=2)
    assert seen[0][0][0, 0, 0].tolist() == [[1, 2, 3, 3], [1, 2, 3, 3]]
    assert seen[0][1][0, 0].tolist() == [[True, True, True, False], [False] * 4]
    assert out[0, 0].tolist() == [[1, 2, 3]]

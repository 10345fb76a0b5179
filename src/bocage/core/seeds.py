"""One root seed, named sub-seeds: adding a consumer never shifts the numbers of another. Pure."""

from __future__ import annotations

import hashlib

import numpy as np


def sub_seed(root: int, *names: str | int) -> int:
    """A 63-bit seed for the consumer that `names` spell out, e.g. `sub_seed(7, "split", "blocks")`."""
    text = "/".join([str(root), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def generator(root: int, *names: str | int) -> np.random.Generator:
    """A numpy Generator of its own for the consumer that `names` spell out."""
    return np.random.default_rng(sub_seed(root, *names))

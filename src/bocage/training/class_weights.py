"""Pixels of each class -> weights of the cross-entropy. Pure; numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bocage.core.arrays import Float32, Int64
from bocage.core.errors import UnknownName
from bocage.core.registry import nearest

LEAST, MOST = 0.25, 3.0  # the range of the EuroCrops paper's table 4


def class_weights(choice: str | Mapping[str, float], names: tuple[str, ...], n_pixels: Int64) -> Float32:
    """Weights of the classes.

    "balanced" is median-frequency balancing (Eigen and Fergus 2015), kept within LEAST and MOST: on the pixel counts of
    the EuroCrops paper it comes close to the weights that the paper set by hand. "sen4agrinet" is that paper's total /
    (n_classes · pixels of the class), where total and n_classes are of the crops; background weighs 1. A class without
    a pixel has weight 1.

    Args:
        choice: "balanced", "sen4agrinet", "none", or class name -> weight (classes not named: 1).
        names: (K,) class names, index = id.
        n_pixels: (K,) pixels of each class in the training part.

    Returns:
        (K,) float32.

    Raises:
        UnknownName: if `choice` names a class that does not exist.
    """
    weights = np.ones(len(names), np.float32)
    if choice == "balanced":
        present = n_pixels > 0
        weights[present] = np.clip(np.median(n_pixels[present]) / n_pixels[present], LEAST, MOST)
    elif choice == "sen4agrinet":
        crops = n_pixels[1:]
        weights[1:][crops > 0] = crops.sum() / (len(crops) * crops[crops > 0])
    elif not isinstance(choice, str):
        for name, weight in choice.items():
            if name not in names:
                hint = nearest(name, names)
                raise UnknownName(f"training.class_weights names class '{name}'.{hint} Known: {', '.join(names)}.")
            weights[names.index(name)] = weight
    return weights

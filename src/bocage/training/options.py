"""What can be set about training. Pure; needs neither torch nor scikit-learn.

Defaults are the EuroCrops paper's (section 3.1, table 5) where it gives a number.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bocage.core.options import Options


class TrainingOptions(Options):
    """How networks are trained and forests are fitted."""

    epochs: int = Field(260, ge=1, description="Most passes over the training part. The paper: 260.")
    batch_size: int = Field(2, ge=1, description="Patches a step. The paper: 2.")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's first learning rate. Not in the paper's text.")
    lr_factor: float = Field(
        0.5, gt=0, lt=1, description="The learning rate is multiplied by it when the validation loss stands still."
    )
    lr_patience: int = Field(
        5, ge=0, description="Epochs without a lower validation loss that pass before that. Not in the paper's text."
    )
    patience: int | None = Field(
        None, ge=1, description="Stop after this many epochs without a lower validation loss; null: never."
    )
    dice_weight: float = Field(
        0.4, ge=0, description="Share of the Dice loss added to the cross-entropy. The paper: 0.4."
    )
    class_weights: Literal["balanced", "none"] | dict[str, float] = Field(
        "balanced",
        description="Weights of the cross-entropy: balanced = median class frequency / class frequency in the training "
        "part, within 0.25 and 3; none; or class name: weight (others 1).",
    )
    augment: bool = Field(True, description="Random flips and quarter turns of training patches, labels jointly.")
    threads: int | None = Field(None, ge=1, description="CPU threads; null: as many as torch takes.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if there is one.")
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="bf16: convolutions in bfloat16, weights and loss in float32; up to twice as fast."
    )
    pixels_per_class: int = Field(20_000, ge=1, description="Forests: pixels sampled for each class.")
    max_pixels_per_patch_class: int = Field(
        200, ge=1, description="Forests: most pixels of one class from one patch, so that many patches have a say."
    )
    permute_parcel_classes: bool = Field(
        False,
        description="Control: shuffle the classes among the parcels of the train and val parts, geometry kept. What a "
        "model still scores on true test labels is not learnt from crops.",
    )

    def deciding(self, *, forest: bool) -> dict[str, Any]:
        """The settings that decide what a forest, or a network, becomes: another number of epochs refits no forest."""
        if forest:
            return self.model_dump(mode="json", include=FOREST_FIELDS)
        return self.model_dump(mode="json", exclude=FOREST_ONLY)


FOREST_ONLY = {"pixels_per_class", "max_pixels_per_patch_class"}
FOREST_FIELDS = {*FOREST_ONLY, "permute_parcel_classes"}

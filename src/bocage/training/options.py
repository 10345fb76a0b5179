"""What can be set about training. Pure; needs neither torch nor scikit-learn.

Defaults are the EuroCrops paper's (section 3.1, table 5) where it gives a number.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bocage.core.options import Options

ClassWeight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TrainingOptions(Options):
    """How networks are trained and trees are fitted."""

    epochs: int = Field(260, ge=1, description="Most passes over the training part. The paper: 260.")
    batch_size: int = Field(2, ge=1, description="Patches a step of each process. The paper: 2.")
    processes: int = Field(
        1,
        ge=1,
        description="Networks: processes that train together, each with its own GPU or CPU threads; a step is that "
        "of a batch as many times as large.",
    )
    accumulate: int = Field(
        1, ge=1, description="Batches whose gradients are averaged into one step: more patches a step, not more memory."
    )
    optimizer: Literal["adam", "adamw"] = Field("adam", description="adamw: weight decay apart from the gradient.")
    weight_decay: float = Field(0.0, ge=0, lt=1, description="Weight decay of the optimiser.")
    clip_norm: float | None = Field(
        None, gt=0, description="Longest gradient; a longer one is shortened. null: as it comes."
    )
    learning_rate: float = Field(1e-3, gt=0, description="The largest learning rate. Not in the paper's text.")
    schedule: Literal["plateau", "cosine", "step"] = Field(
        "plateau",
        description="plateau: times lr_factor when the validation loss stands still; cosine: half a cosine down to "
        "zero over the epochs; step: times lr_factor every step_epochs.",
    )
    warmup_epochs: int = Field(0, ge=0, description="Epochs in which the rate grows evenly, before the schedule.")
    lr_factor: float = Field(0.5, gt=0, lt=1, description="What plateau and step multiply the learning rate by.")
    lr_patience: int = Field(
        5, ge=0, description="plateau: epochs without a lower validation loss before that. Not in the paper's text."
    )
    step_epochs: int = Field(30, ge=1, description="step: epochs between two steps. ConvSTAR in Sen4AgriNet: 30.")
    patience: int | None = Field(
        None, ge=1, description="Stop after this many epochs without a lower validation loss; null: never."
    )
    loss: Literal["cross_entropy_dice", "parcel_nll"] = Field(
        "cross_entropy_dice",
        description="cross_entropy_dice: weighted mean over all known pixels, and Dice; parcel_nll: weighted negative "
        "log-likelihood over pixels of parcels with a class, divided by their number, as in Sen4AgriNet.",
    )
    dice_weight: float = Field(
        0.4, ge=0, description="cross_entropy_dice: share of the Dice loss that is added. The paper: 0.4."
    )
    class_weights: Literal["balanced", "sen4agrinet", "none"] | dict[str, ClassWeight] = Field(
        "balanced",
        description="Weights of the classes: balanced = median class frequency / class frequency in the training part, "
        "within 0.25 and 3; sen4agrinet = crop pixels / (crop classes × pixels of the class), background 1; none; or "
        "class name: weight, 0 or more (others 1).",
    )
    hierarchy: dict[str, str] = Field(
        default_factory=dict,
        description="Networks: class or group: the group (or class) above it, three levels at most. The cross-entropy "
        "is then taken at every level, and a pixel of a class with classes under it teaches the levels down to it.",
    )
    augment: bool = Field(True, description="Random flips and quarter turns of training patches, labels jointly.")
    drop_dates: float = Field(
        0.0, ge=0, lt=1, description="Share of the dates of a training series that go missing, drawn anew each time."
    )
    sampling: Literal["all", "class_balanced", "region_balanced"] = Field(
        "all",
        description="all: each patch once an epoch; class_balanced: as many, drawn with replacement so that all "
        "classes are met alike; region_balanced: the same for the regions of all countries and years.",
    )
    pixels_per_patch: int = Field(
        512, ge=1, description="Networks on single pixels: labelled pixels drawn from each patch, also to validate."
    )
    threads: int | None = Field(None, ge=1, description="CPU threads; null: as many as torch takes.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if there is one.")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        "fp32",
        description="bf16: convolutions in bfloat16, weights and loss in float32; up to twice as fast. fp16: the same "
        "in float16 with scaled gradients, on a GPU or a CPU that has instructions for it.",
    )
    compile: bool = Field(
        False,
        description="Networks: torch.compile before training, which needs a C++ compiler and takes up to minutes.",
    )
    pixels_per_class: int = Field(20_000, ge=1, description="Trees: pixels sampled for each class.")
    max_pixels_per_patch_class: int = Field(
        200, ge=1, description="Trees: most pixels of one class from one patch, so that many patches have a say."
    )
    permute_parcel_classes: bool = Field(
        False,
        description="Control: shuffle the classes among the parcels of the train and val parts, geometry kept. What a "
        "model still scores on true test labels is not learnt from crops.",
    )

    @model_validator(mode="after")
    def _levels_have_a_loss(self) -> Self:
        if self.hierarchy and self.loss != "cross_entropy_dice":
            raise ValueError(f"hierarchy needs loss: cross_entropy_dice, got {self.loss}")
        return self

    def deciding(self, *, trees: bool) -> dict[str, Any]:
        """The settings that decide what trees, or a network, become: another number of epochs refits no tree."""
        if trees:
            return self.model_dump(mode="json", include=TREE_FIELDS)
        return self.model_dump(mode="json", exclude=TREES_ONLY)


TREES_ONLY = {"pixels_per_class", "max_pixels_per_patch_class"}
TREE_FIELDS = {*TREES_ONLY, "permute_parcel_classes"}

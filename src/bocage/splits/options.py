"""Options of the room `splits`. Pure."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bocage.core.options import Options


class SplitOptions(Options):
    """Training, validation and test parts."""

    strategy: Literal[
        "blocks", "tiles", "zones", "regions", "countries", "years", "kfold", "scenario", "given", "random_patches"
    ] = Field(
        "blocks",
        description="what goes whole into one part. blocks: squares of ground; tiles, regions, countries, years: all "
        "samples of one; zones: one zone of each region for test, one for val; kfold: the fold number `fold` of units "
        "`over`; scenario: country-years as listed; given: as a file says; random_patches: every sample by itself (the "
        "parts leak into each other; only to reproduce papers).",
    )
    block_m: float = Field(1280.0, description="Side of a block on the ground, in metres.", gt=0)
    buffer_m: float = Field(
        0.0,
        ge=0,
        description="Samples nearer than this (metres) to one of another part are dropped; test stays, else val.",
    )
    balance: Literal["pixels", "labels"] = Field(
        "pixels",
        description="What every part gets its share of. pixels: the pixels of each class (of parcels their number); "
        "labels: the patches that hold each class. random_patches deals without looking, or, with labels, by iterative "
        "multi-label stratification.",
    )
    over: Literal["blocks", "tiles", "zones", "regions", "countries", "years"] = Field(
        "blocks",
        description="kfold: the units that are dealt to folds. zones: one zone of each region is test in every fold, "
        "and the folds of the other zones are val in turn.",
    )
    n_folds: int = Field(3, ge=2, description="kfold: number of folds, three or more unless over zones.")
    fold: int = Field(
        0,
        ge=0,
        description="kfold: which fold is test (over zones: val), from 0; the next one is val, the others train.",
    )
    scenario: dict[Literal["train", "val", "test"], tuple[str, ...]] = Field(
        {},
        description="scenario: part → country-years such as FR-2019, or countries FR, or years 2019. Without val, "
        "blocks of the training part become val.",
    )
    path: str | None = Field(
        None, description="given: a split of bocage, or a csv or parquet table with sample_id and part."
    )
    fractions: tuple[float, float, float] = Field(
        (0.7, 0.15, 0.15), description="Wanted shares of train, val and test, of every class; they sum to 1."
    )
    shared_parcels: Literal["hide", "allow"] = Field(
        "hide",
        description="A parcel in several parts: hide = it counts in one of them (test, else val) and is ignored (255) "
        "in the others; allow = it counts in all.",
    )
    refuse_leakage: bool = Field(
        True, description="Stop with an error if parts share ground or parcels; false = only say so in the audit."
    )

    @model_validator(mode="after")
    def _fractions_are_shares(self) -> Self:
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(f"fractions are three positive shares that sum to 1, got {self.fractions}")
        if (self.strategy == "scenario") != bool(self.scenario):
            raise ValueError("`scenario` belongs to strategy: scenario, which needs it")
        if self.scenario and not {"train", "test"} <= set(self.scenario):
            raise ValueError(f"a scenario names train and test, got {', '.join(self.scenario)}")
        if (self.strategy == "given") != (self.path is not None):
            raise ValueError("`path` belongs to strategy: given, which needs it")
        if self.n_folds < 3 and self.over != "zones":
            raise ValueError("test, val and train need three folds; two are enough over zones")
        if self.fold >= self.n_folds:
            raise ValueError(f"fold {self.fold} of {self.n_folds}: folds are counted from 0")
        return self

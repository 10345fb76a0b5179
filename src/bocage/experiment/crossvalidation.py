"""The CrossValidation record: parcels with their series, models, and folds of ground. Pure."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from bocage.core.options import Options
from bocage.datasets.series import SeriesOptions
from bocage.evaluation.options import EvaluationOptions
from bocage.experiment.schema import NAME
from bocage.models.options import ModelOptions
from bocage.splits.options import SplitOptions
from bocage.training.options import TrainingOptions


class CrossValidation(Options):
    """What `bocage crossvalidate` reads."""

    name: str = Field(description="Name of it and of its folder.", pattern=NAME)
    seed: int = Field(0, description="Root seed; every random choice derives from it by name.", ge=0)
    series: SeriesOptions = Field(description="The table of series and what its columns mean.")
    splits: SplitOptions = Field(description="Strategy kfold; every fold is the test part once.")
    models: tuple[ModelOptions, ...] = Field(min_length=1, description="Models to train and compare.")
    training: TrainingOptions = Field(TrainingOptions(), description="How models are trained.")
    evaluation: EvaluationOptions = Field(EvaluationOptions(), description="How models are judged.")

    @model_validator(mode="after")
    def _folds_are_dealt(self) -> Self:
        if self.splits.strategy != "kfold":
            raise ValueError(f"a cross-validation needs splits.strategy kfold, got {self.splits.strategy}")
        return self

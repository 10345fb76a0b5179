"""The Experiment record: one section a room, in flow order. Pure."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from bocage.benchmarks.options import BenchmarkOptions
from bocage.core.options import Options
from bocage.cubes.options import CubeOptions
from bocage.datasets.options import DatasetOptions
from bocage.evaluation.options import EvaluationOptions
from bocage.experiment.workers import ThreadWorkers, Workers
from bocage.labels.options import LabelOptions
from bocage.mapping.options import MappingOptions
from bocage.models.options import ModelOptions
from bocage.parcels.options import ParcelOptions
from bocage.patches.options import PatchOptions
from bocage.regions.options import RegionOptions
from bocage.reports.options import ReportOptions
from bocage.scenes.options import SceneOptions
from bocage.splits.options import SplitOptions
from bocage.taxonomy.options import TaxonomyOptions
from bocage.training.options import TrainingOptions

NAME = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$"  # of what has a folder of its own: not '..'


class CountryYear(Options):
    """A further country and year of an experiment; the rest of the experiment holds for it too."""

    parcels: ParcelOptions = Field(description="Declared parcels; country and year must be given.")
    scenes: SceneOptions = Field(description="Sentinel-2 products.")
    regions: RegionOptions = Field(RegionOptions(), description="Where to look.")


class MatrixOptions(Options):
    """`bocage matrix`: every model with every seed under every scenario, with the experiment's one budget."""

    seeds: tuple[int, ...] = Field((1,), min_length=1, description="Root seeds; each deals and trains anew.")
    scenarios: dict[Annotated[str, Field(pattern=NAME)], SplitOptions] = Field(
        min_length=1, description="Name → the splits section that stands in for the experiment's."
    )
    inside: str = Field(description="The scenario that tests where it trains; the others' drop is measured from it.")

    @model_validator(mode="after")
    def _inside_is_one(self) -> Self:
        if self.inside not in self.scenarios:
            raise ValueError(f"matrix.inside is '{self.inside}', but the scenarios are {', '.join(self.scenarios)}")
        return self


class Experiment(Options):
    """One experiment: everything that decides a result; and who does the work."""

    name: str = Field(description="Name of the experiment and of its run folder.", pattern=NAME)
    seed: int = Field(0, description="Root seed; every random choice derives from it by name.", ge=0)
    workers: Workers = Field(
        ThreadWorkers(), description="Who works: a number of threads, or a Dask cluster. No result depends on it."
    )
    parcels: ParcelOptions = Field(description="Declared parcels.")
    taxonomy: TaxonomyOptions = Field(TaxonomyOptions(), description="Target classes.")
    regions: RegionOptions = Field(RegionOptions(), description="Where to look.")
    scenes: SceneOptions = Field(description="Sentinel-2 products.")
    also: tuple[CountryYear, ...] = Field(
        (), description="Further countries and years: each is built by itself, then the data sets are joined to one."
    )
    cubes: CubeOptions = Field(CubeOptions(), description="Reflectance on one grid.")
    labels: LabelOptions = Field(LabelOptions(), description="Class and parcel-id rasters.")
    patches: PatchOptions = Field(PatchOptions(), description="Windows: candidates, quality filters, selection.")
    datasets: DatasetOptions = Field(DatasetOptions(), description="How samples are stored.")
    splits: SplitOptions = Field(SplitOptions(), description="Training, validation and test parts.")
    models: tuple[ModelOptions, ...] = Field((), description="Models to train and compare; the first is mapped.")
    training: TrainingOptions = Field(TrainingOptions(), description="How models are trained.")
    evaluation: EvaluationOptions = Field(EvaluationOptions(), description="How models are judged.")
    benchmarks: tuple[BenchmarkOptions, ...] = Field(
        (), description="Published test sets on which every model is judged too."
    )
    mapping: MappingOptions = Field(MappingOptions(), description="How maps are made.")
    reports: ReportOptions = Field(ReportOptions(), description="What the page of the run shows.")

    matrix: MatrixOptions | None = Field(None, description="What `bocage matrix` varies.")

    @field_validator("models")
    @classmethod
    def _names_once(cls, models: tuple[ModelOptions, ...]) -> tuple[ModelOptions, ...]:
        names = [m.name for m in models]
        if len(set(names)) != len(names):
            raise ValueError(f"two models share a name: {', '.join(names)}")
        return models

    @field_validator("benchmarks")
    @classmethod
    def _benchmarks_once(cls, benchmarks: tuple[BenchmarkOptions, ...]) -> tuple[BenchmarkOptions, ...]:
        seen = [(b.name, b.view) for b in benchmarks]
        twice = sorted(
            {f"{name}, view {view}" if view else name for name, view in seen if seen.count((name, view)) > 1}
        )
        if twice:
            raise ValueError(f"a benchmark comes twice in one view: {'; '.join(twice)}")
        return benchmarks

    @model_validator(mode="after")
    def _country_years_differ(self) -> Self:
        if not self.also:
            if self.datasets.selection is not None:
                raise ValueError("datasets.selection belongs to `also`; of one country and year, use patches.selection")
            return self
        declared = [self.parcels, *(other.parcels for other in self.also)]
        if any(p.country is None or p.year is None for p in declared):
            raise ValueError("with `also`, every parcels section gives its country and year")
        names = [f"{p.country}-{p.year}" for p in declared]
        if len(set(names)) != len(names):
            raise ValueError(f"a country and year comes twice: {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _mapped_model_exists(self) -> Self:
        names = [m.name for m in self.models]
        if self.mapping.model is not None and self.mapping.model not in names:
            raise ValueError(
                f"mapping.model is '{self.mapping.model}', but the models are {', '.join(names) or 'none'}"
            )
        if unknown := [name for name in self.mapping.ensemble if name not in names]:
            raise ValueError(f"mapping.ensemble names {', '.join(unknown)}, but the models are {', '.join(names)}")
        return self

    def split_up(self) -> dict[str, Experiment]:
        """Country-year (`FR-2019`) → the experiment that builds it alone; empty without `also`."""
        if not self.also:
            return {}
        first = CountryYear(parcels=self.parcels, scenes=self.scenes, regions=self.regions)
        shared = {"datasets": self.datasets.model_copy(update={"selection": None}), "also": ()}
        return {
            f"{one.parcels.country}-{one.parcels.year}": self.model_copy(
                update={"parcels": one.parcels, "scenes": one.scenes, "regions": one.regions, **shared}
            )
            for one in (first, *self.also)
        }

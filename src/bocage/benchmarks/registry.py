"""All benchmarks: importing this registers them."""

from bocage.benchmarks import read_dacia5, read_eurocrops_holdout, read_pastis, read_sen4agrinet, read_zuericrop
from bocage.benchmarks.benchmark import BENCHMARKS

__all__ = ["BENCHMARKS", "read_dacia5", "read_eurocrops_holdout", "read_pastis", "read_sen4agrinet", "read_zuericrop"]

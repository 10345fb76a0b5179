"""The error tree. Every message says what was asked, what was found, and what to do.

BocageError                       exit 5
├── ConfigError      ValueError   exit 2   the experiment, an option or a name is wrong
│   ├── UnknownKey                         a key that no section has
│   └── UnknownName  (LookupError)         a registry, taxonomy or class name that does not exist
├── SourceError      OSError      exit 3   a catalog, the network or a file
│   ├── MissingFile                        a path that is not there, or is not what it should be
│   ├── MissingBand                        a product without a band that was asked for
│   ├── CorruptFile                        a file whose bytes cannot be trusted
│   └── CannotWrite                        a disk that is full or read-only
└── DataError        ValueError   exit 4   the data do not allow what was asked
    ├── NothingLeft                        every parcel, scene or patch was dropped
    ├── GridMismatch                       arrays or rasters that do not lie on one grid
    ├── PatchLargerThanImage               a window that does not fit
    ├── UnmappedCrop                       native names that no taxonomy rule decides
    ├── RadiometryContradiction            pixels that contradict the product's own metadata
    └── LeakageRefused                     a split whose parts share ground or parcels
"""


class BocageError(Exception):
    """Root of all errors that bocage raises on purpose."""

    exit_code = 5


class ConfigError(BocageError, ValueError):
    exit_code = 2


class UnknownKey(ConfigError):
    pass


class UnknownName(ConfigError, LookupError):
    pass


class SourceError(BocageError, OSError):
    exit_code = 3


class MissingFile(SourceError, FileNotFoundError):
    pass


class MissingBand(SourceError):
    pass


class CorruptFile(SourceError):
    pass


class CannotWrite(SourceError):
    pass


class DataError(BocageError, ValueError):
    exit_code = 4


class NothingLeft(DataError):
    pass


class GridMismatch(DataError):
    pass


class PatchLargerThanImage(DataError):
    pass


class UnmappedCrop(DataError):
    pass


class RadiometryContradiction(DataError):
    pass


class LeakageRefused(DataError):
    pass

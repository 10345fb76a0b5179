"""Is this environment fit for the work? Looks at packages, drivers, disk and variables (never at their values)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from bocage.core.artifacts import default_root

# variables that providers read; only whether they are set is looked at
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "CDSE_S3_ACCESS_KEY",
    "CDSE_S3_SECRET_KEY",
    "CDSE_USERNAME",
    "CDSE_PASSWORD",
    "CDSE_ACCESS_TOKEN",
    "PC_SDK_SUBSCRIPTION_KEY",
)


def check_environment() -> list[dict[str, Any]]:
    """One row per check: name, ok, needed (False = optional), found."""
    return [_python(), *_drivers(), *_training(), _gpu(), _samples(), *_credentials(), _disk()]


def _row(name: str, ok: bool, found: str, *, needed: bool) -> dict[str, Any]:
    return {"name": name, "ok": ok, "needed": needed, "found": found}


def _python() -> dict[str, Any]:
    return _row("Python ≥ 3.11", sys.version_info >= (3, 11), sys.version.split()[0], needed=True)


def _drivers() -> list[dict[str, Any]]:
    import pyogrio
    import rasterio

    with rasterio.Env() as env:
        drivers = env.drivers()
    vector = pyogrio.list_drivers()
    return [
        *(
            _row(f"GDAL raster driver {d}", d in drivers, rasterio.__gdal_version__, needed=True)
            for d in ("JP2OpenJPEG", "GTiff", "COG")
        ),
        *(
            _row(f"GDAL vector driver {d}", d in vector, pyogrio.__gdal_version_string__, needed=True)
            for d in ("ESRI Shapefile", "GPKG")
        ),
    ]


def _training() -> list[dict[str, Any]]:
    rows = []
    for package, purpose in (("torch", "networks"), ("sklearn", "forests"), ("xgboost", "boosted trees")):
        there = importlib.util.find_spec(package) is not None
        found = "installed" if there else "not installed: pip install 'bocage[train]'"
        rows.append(_row(f"{package} ({purpose})", there, found, needed=False))
    return rows


def _gpu() -> dict[str, Any]:
    if importlib.util.find_spec("torch") is None:
        return _row("GPU", False, "unknown without torch", needed=False)
    import torch

    there = torch.cuda.is_available()
    return _row("GPU", there, torch.cuda.get_device_name(0) if there else "none; CPU is used", needed=False)


def _samples() -> dict[str, Any]:
    folder = os.environ.get("BOCAGE_SAMPLES", "")
    return _row("BOCAGE_SAMPLES", bool(folder) and Path(folder).is_dir(), folder or "not set", needed=False)


def _credentials() -> list[dict[str, Any]]:
    return [_row(n, n in os.environ, "set" if n in os.environ else "not set", needed=False) for n in CREDENTIALS]


def _disk() -> dict[str, Any]:
    root = default_root()
    existing = next(p for p in (root, *root.parents) if p.exists())
    free = shutil.disk_usage(existing).free / 1e9
    return _row("disk for the artifact store ≥ 5 GB", free >= 5, f"{free:,.0f} GB free at {root}", needed=True)

"""Tiny SAFE products for tests: real folders, real metadata, real JPEG 2000."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

LEFT, TOP = 500_000.0, 4_800_000.0  # EPSG:32631
RESOLUTION_M = {"B02": 10, "B03": 10, "B04": 10, "B08": 10, "B01": 60, "B09": 60, "B10": 60}  # the others: 20


def write_jpeg2000(
    path: Path, array: np.ndarray, resolution_m: int, *, left: float = LEFT, top: float = TOP, block_px: int = 1024
) -> None:
    """Lossless, in blocks."""
    profile = {
        "driver": "JP2OpenJPEG",
        "height": array.shape[0],
        "width": array.shape[1],
        "count": 1,
        "dtype": array.dtype.name,
        "crs": "EPSG:32631",
        "transform": Affine(resolution_m, 0, left, 0, -resolution_m, top),
    }
    options = {"QUALITY": "100", "REVERSIBLE": "YES", "tiled": True, "blockxsize": block_px, "blockysize": block_px}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **profile, **options) as target:
        target.write(array, 1)


def write_safe(
    folder: Path,
    numbers: Mapping[str, np.ndarray],
    *,
    time: str = "20180501T104021",
    generated: str = "20180501T120000",
    baseline: str = "02.07",
    offset: int | None = None,
    level: str = "L2A",
    tile: str = "31TEJ",
    cloud_percent: float = 3.0,
    old_names: bool = False,
    manifest: bool = False,
    left: float = LEFT,
    top: float = TOP,
) -> Path:
    """A product with these bands: (y, x) arrays of DN by band name ("SCL" too). Returns the .SAFE folder."""
    name = f"S2A_MSI{level}_{time}_N{baseline.replace('.', '')}_R008_T{tile}_{generated}"
    product = folder / f"{name}.SAFE"
    images = product / "GRANULE" / f"{level}_T{tile}_A014819_{time}" / "IMG_DATA"
    for band, array in numbers.items():
        size = RESOLUTION_M.get(band, 20)
        stem = f"{'L2A_' if old_names else ''}T{tile}_{time}_{band}"
        file = images / f"{stem}.jp2" if level == "L1C" else images / f"R{size}m" / f"{stem}_{size}m.jp2"
        write_jpeg2000(file, array, size, left=left, top=top)
    product.mkdir(parents=True, exist_ok=True)
    text = metadata(name, time, generated, baseline, offset, level, cloud_percent)
    (product / f"MTD_MSI{level}.xml").write_text(text)
    if manifest:
        write_manifest(product)
    return product


def metadata(
    name: str, time: str, generated: str, baseline: str, offset: int | None, level: str, cloud_percent: float
) -> str:
    def iso(text: str) -> str:
        return f"{text[:4]}-{text[4:6]}-{text[6:11]}:{text[11:13]}:{text[13:15]}.000Z"

    tag, kind = ("RADIO_ADD_OFFSET", "") if level == "L1C" else ("BOA_ADD_OFFSET", "BOA_")
    offsets = "" if offset is None else "".join(f'<{tag} band_id="{i}">{offset}</{tag}>' for i in range(13))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product.xsd"><n1:General_Info>
<PRODUCT_START_TIME>{iso(time)}</PRODUCT_START_TIME><PRODUCT_URI>{name}.SAFE</PRODUCT_URI>
<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE><GENERATION_TIME>{iso(generated)}</GENERATION_TIME>
<SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME>
<{kind}QUANTIFICATION_VALUE unit="none">10000</{kind}QUANTIFICATION_VALUE>{offsets}
</n1:General_Info><n1:Geometric_Info><EXT_POS_LIST>44.2 2.9 44.2 4.4 43.2 4.4 43.2 2.9 44.2 2.9</EXT_POS_LIST>
</n1:Geometric_Info><Cloud_Coverage_Assessment>{cloud_percent}</Cloud_Coverage_Assessment></n1:User_Product>
"""


def write_manifest(product: Path) -> None:
    entries = []
    for path in sorted(product.glob("GRANULE/**/*.jp2")):
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        entries.append(
            f'<dataObject><byteStream size="{path.stat().st_size}"><fileLocation '
            f'href="./{path.relative_to(product).as_posix()}"/><checksum checksumName="MD5">{md5}</checksum>'
            "</byteStream></dataObject>"
        )
    (product / "manifest.safe").write_text(
        f'<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1">{"".join(entries)}</xfdu:XFDU>'
    )


def flat_numbers(value: int = 1000, *, rows: int = 8, cols: int = 6, scl: int = 4) -> dict[str, np.ndarray]:
    """Ten bands of one value, and SCL, on rows × cols pixels of 10 m (both even)."""
    fine, coarse = (rows, cols), (rows // 2, cols // 2)
    bands = {b: np.full(fine, value, np.uint16) for b in ("B02", "B03", "B04", "B08")}
    bands |= {b: np.full(coarse, value, np.uint16) for b in ("B05", "B06", "B07", "B8A", "B11", "B12")}
    return bands | {"SCL": np.full(coarse, scl, np.uint8)}

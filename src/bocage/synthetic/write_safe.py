"""One scene -> one SAFE folder, level 2A or 1C, as ESA lays it out. IO: writes JPEG2000 and XML.

Layout, element names and file names follow the ESA product specification (PSD 14); AOT, WVP, masks and the data strip
are left out, and `IMAGE_FILE` lists only what is there. A folder is written under a temporary name and renamed.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import shapely

from bocage.core.arrays import AnyArray, Bool, Float32, UInt16
from bocage.core.bands import BANDS
from bocage.core.grid import Grid, footprint, make_grid
from bocage.synthetic.optics import shrink
from bocage.synthetic.scene import Scene

QUANTIFICATION = 10_000
OFFSET = -1000  # added to DN by the reader, from baseline 04.00 on
_JPEG2000_TILE_PX = 256  # small enough that even this small image has several tiles
_L2A_20M = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12")
_L2A_60M = (*_L2A_20M[:-2], "B09", "B11", "B12")


@dataclass(frozen=True)
class Product:
    """Identity of one product; everything in its names follows from these.

    `generated` is when it was processed: a reprocessed product carries a late date and a high baseline.
    """

    level: str  # "L2A" or "L1C"
    platform: str  # "S2A" or "S2B"
    tile: str
    sensed: datetime
    generated: datetime
    baseline: str  # "05.00"
    relative_orbit: int
    absolute_orbit: int

    @property
    def name(self) -> str:
        """Product name without .SAFE."""
        baseline = self.baseline.replace(".", "")
        return (
            f"{self.platform}_MSI{self.level}_{self._stamp(self.sensed)}_N{baseline}_R{self.relative_orbit:03d}"
            f"_T{self.tile}_{self._stamp(self.generated)}"
        )

    @property
    def granule(self) -> str:
        """Name of its granule folder."""
        datastrip = self._stamp(self.sensed + timedelta(seconds=187))
        return f"{self.level}_T{self.tile}_A{self.absolute_orbit:06d}_{datastrip}"

    @property
    def image_prefix(self) -> str:
        return f"T{self.tile}_{self._stamp(self.sensed)}"

    @property
    def tile_identifier(self) -> str:
        """Identifier of the granule in the metadata."""
        run = f"{self._stamp(self.generated)}_A{self.absolute_orbit:06d}_T{self.tile}_N{self.baseline}"
        return f"{self.platform}_OPER_MSI_{self.level}_TL_SYNT_{run}"

    @property
    def offset(self) -> int:
        """What a reader must add to DN: −1000 from baseline 04.00 on, else 0."""
        return OFFSET if self.baseline >= "04.00" else 0

    @staticmethod
    def _stamp(moment: datetime) -> str:
        return moment.strftime("%Y%m%dT%H%M%S")


def make_product(tile: str, day_start: datetime, order: int, baseline: str, level: str) -> Product:
    """The `order`-th product of a season; platforms and orbits alternate, reprocessed baselines are processed late."""
    sensed = day_start.astimezone(UTC) + timedelta(hours=10, minutes=50, seconds=31)
    if baseline >= "05.00":
        generated = datetime(2023, 2, 11, 4, 12, 20, tzinfo=UTC) + timedelta(minutes=37 * order)
        generated = max(generated, sensed + timedelta(hours=5))
    else:
        generated = sensed + timedelta(hours=4, minutes=11 + order)
    days = (sensed - datetime(2016, 1, 1, tzinfo=UTC)).days
    return Product(
        level=level,
        platform=("S2A", "S2B")[order % 2],
        tile=tile,
        sensed=sensed,
        generated=generated,
        baseline=baseline,
        relative_orbit=(51, 8)[order % 2],
        absolute_orbit=3000 + round(days * 14.3),
    )


def write_safe(folder: Path, product: Product, scene: Scene, grid: Grid) -> Path:
    """Write one product into `folder`; returns the path of its SAFE folder, which stands only when it is whole."""
    final = folder / f"{product.name}.SAFE"
    part = folder / f".{product.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    granule = Path("GRANULE") / product.granule
    images = _write_images(part, granule, product, scene, grid)
    (part / granule / "MTD_TL.xml").write_text(_tile_metadata(product, scene, grid), encoding="utf-8")
    (part / f"MTD_MSI{product.level}.xml").write_text(_product_metadata(product, scene, grid, images), encoding="utf-8")
    (part / "manifest.safe").write_text(_manifest(part, product), encoding="utf-8")
    shutil.rmtree(final, ignore_errors=True)
    part.replace(final)
    return final


def to_dn(reflectance: Float32, seen: Bool, offset: int) -> UInt16:
    """Reflectance as digital numbers: ρ · 10 000 − offset, at least 1; 0 where nothing was seen."""
    dn = np.clip(np.rint(reflectance * QUANTIFICATION) - offset, 1, 65_534).astype(np.uint16)
    return np.where(seen, dn, 0).astype(np.uint16)


def _write_images(part: Path, granule: Path, product: Product, scene: Scene, grid: Grid) -> list[str]:
    """All image files; returns their paths in the product, without ending, as IMAGE_FILE lists them."""
    reflectance = scene.reflectance if scene.top is None else scene.top
    swath = scene.sky.swath.astype(np.float32)
    seen = {10: scene.sky.swath, 20: shrink(swath, 2) == 1, 60: shrink(swath, 6) == 1}
    dn = {b: to_dn(image, seen[BANDS[b].resolution_m], product.offset) for b, image in reflectance.items()}
    rgb = np.clip(np.stack([reflectance[b] for b in ("B04", "B03", "B02")]) * 255 / 0.28, 1, 255)
    true_colour = np.where(seen[10], rgb, 0).astype(np.uint8)
    files: list[tuple[str, int, AnyArray]] = []
    if product.level == "L1C":
        files = [(f"IMG_DATA/{product.image_prefix}_{b}", BANDS[b].resolution_m, dn[b]) for b in BANDS]
        files.append((f"IMG_DATA/{product.image_prefix}_TCI", 10, true_colour))
    else:
        for resolution, bands in ((10, ("B02", "B03", "B04", "B08")), (20, _L2A_20M), (60, _L2A_60M)):
            prefix = f"IMG_DATA/R{resolution}m/{product.image_prefix}"
            for band in bands:
                if (native := BANDS[band].resolution_m) <= resolution:
                    image = dn[band]
                    if native < resolution:
                        coarse = shrink(reflectance[band], resolution // native)
                        image = to_dn(coarse, seen[resolution], product.offset)
                    files.append((f"{prefix}_{band}_{resolution}m", resolution, image))
            if resolution == 10:
                files.append((f"{prefix}_TCI_10m", 10, true_colour))
            if resolution == 20:
                files.append((f"{prefix}_SCL_20m", 20, scene.scl))
    for name, resolution, image in files:
        path = part / granule / f"{name}.jp2"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_jpeg2000(path, image, grid, resolution)
    return [(granule / name).as_posix() for name, _, _ in files]


def _write_jpeg2000(path: Path, image: AnyArray, grid: Grid, resolution_m: int) -> None:
    """Lossless JPEG2000, georeferenced, in tiles; `image` is (y, x) or (band, y, x)."""
    planes = image if image.ndim == 3 else image[None]
    height, width = planes.shape[1:]
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        height=height,
        width=width,
        count=len(planes),
        dtype=planes.dtype,
        crs=str(grid.crs),
        transform=make_grid(str(grid.crs), grid.affine.c, grid.affine.f, resolution_m, (height, width)).affine,
        QUALITY="100",
        REVERSIBLE="YES",
        BLOCKXSIZE=_JPEG2000_TILE_PX,
        BLOCKYSIZE=_JPEG2000_TILE_PX,
    ) as dataset:
        dataset.write(planes)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.024Z")


def _product_metadata(product: Product, scene: Scene, grid: Grid, images: list[str]) -> str:
    """MTD_MSIL2A.xml or MTD_MSIL1C.xml."""
    stem = "BOA" if product.level == "L2A" else "RADIO"
    quantification = (
        "<QUANTIFICATION_VALUES_LIST>\n"
        f'        <BOA_QUANTIFICATION_VALUE unit="none">{QUANTIFICATION}</BOA_QUANTIFICATION_VALUE>\n'
        "      </QUANTIFICATION_VALUES_LIST>"
        if product.level == "L2A"
        else f'<QUANTIFICATION_VALUE unit="none">{QUANTIFICATION}</QUANTIFICATION_VALUE>'
    )
    offset_list = "BOA_ADD_OFFSET_VALUES_LIST" if product.level == "L2A" else "Radiometric_Offset_List"
    lines = [
        f'        <{stem}_ADD_OFFSET band_id="{b.index}">{product.offset}</{stem}_ADD_OFFSET>' for b in BANDS.values()
    ]
    offsets = "\n".join([f"      <{offset_list}>", *lines, f"      </{offset_list}>"]) if product.offset else ""
    corners = shapely.get_coordinates(footprint(grid))
    ring = " ".join(f"{lat:.9f} {lon:.9f}" for lon, lat in corners)
    seen = scene.sky.swath.mean()
    listed = "\n".join(f"            <IMAGE_FILE>{escape(image)}</IMAGE_FILE>" for image in images)
    level = product.level.removeprefix("L")
    schema = f"https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{level}.xsd"
    number = product.platform.removeprefix("S")
    datatake = f"G{product.platform}_{product.sensed:%Y%m%dT%H%M%S}_{product.absolute_orbit:06d}_N{product.baseline}"
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{level}_User_Product xmlns:n1="{schema}">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{_iso(product.sensed)}</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{_iso(product.sensed)}</PRODUCT_STOP_TIME>
      <PRODUCT_URI>{product.name}.SAFE</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-{level}</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI{level}</PRODUCT_TYPE>
      <PROCESSING_BASELINE>{product.baseline}</PROCESSING_BASELINE>
      <GENERATION_TIME>{_iso(product.generated)}</GENERATION_TIME>
      <Datatake datatakeIdentifier="{datatake}">
        <SPACECRAFT_NAME>Sentinel-{number}</SPACECRAFT_NAME>
        <DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE>
        <DATATAKE_SENSING_START>{_iso(product.sensed)}</DATATAKE_SENSING_START>
        <SENSING_ORBIT_NUMBER>{product.relative_orbit}</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <Query_Options completeSingleTile="true">
        <PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT>
      </Query_Options>
      <Product_Organisation>
        <Granule_List>
          <Granule granuleIdentifier="{product.tile_identifier}" imageFormat="JPEG2000">
{listed}
          </Granule>
        </Granule_List>
      </Product_Organisation>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Image_Display_Order>
        <RED_CHANNEL>3</RED_CHANNEL>
        <GREEN_CHANNEL>2</GREEN_CHANNEL>
        <BLUE_CHANNEL>1</BLUE_CHANNEL>
      </Image_Display_Order>
      {quantification}
{offsets}
    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Product_Footprint>
      <Product_Footprint>
        <Global_Footprint>
          <EXT_POS_LIST>{ring}</EXT_POS_LIST>
        </Global_Footprint>
      </Product_Footprint>
      <RASTER_CS_TYPE>POINT</RASTER_CS_TYPE>
      <PIXEL_ORIGIN>1</PIXEL_ORIGIN>
    </Product_Footprint>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info>
    <Cloud_Coverage_Assessment>{100 * scene.sky.cloud_cover_fraction:.6f}</Cloud_Coverage_Assessment>
    <Image_Content_QI>
      <NODATA_PIXEL_PERCENTAGE>{100 * (1 - seen):.6f}</NODATA_PIXEL_PERCENTAGE>
    </Image_Content_QI>
  </n1:Quality_Indicators_Info>
</n1:Level-{level}_User_Product>
"""


def _tile_metadata(product: Product, scene: Scene, grid: Grid) -> str:
    """GRANULE/…/MTD_TL.xml."""
    level = product.level.removeprefix("L")
    epsg = str(grid.crs)
    zone, north = int(epsg[-2:]), "N" if epsg.startswith("EPSG:326") else "S"
    sizes = "".join(
        f"""
      <Size resolution="{r}">
        <NROWS>{grid.shape[0] * 10 // r}</NROWS>
        <NCOLS>{grid.shape[1] * 10 // r}</NCOLS>
      </Size>"""
        for r in (10, 20, 60)
    )
    positions = "".join(
        f"""
      <Geoposition resolution="{r}">
        <ULX>{grid.affine.c:.0f}</ULX>
        <ULY>{grid.affine.f:.0f}</ULY>
        <XDIM>{r}</XDIM>
        <YDIM>-{r}</YDIM>
      </Geoposition>"""
        for r in (10, 20, 60)
    )
    schema = f"https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-{level}_Tile_Metadata.xsd"
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{level}_Tile_ID xmlns:n1="{schema}">
  <n1:General_Info>
    <TILE_ID metadataLevel="Brief">{product.tile_identifier}</TILE_ID>
    <SENSING_TIME metadataLevel="Standard">{_iso(product.sensed)}</SENSING_TIME>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_NAME>WGS84 / UTM zone {zone}{north}</HORIZONTAL_CS_NAME>
      <HORIZONTAL_CS_CODE>{epsg}</HORIZONTAL_CS_CODE>{sizes}{positions}
    </Tile_Geocoding>
    <Tile_Angles metadataLevel="Standard">
      <Mean_Sun_Angle>
        <ZENITH_ANGLE unit="deg">{scene.sun.zenith_deg:.6f}</ZENITH_ANGLE>
        <AZIMUTH_ANGLE unit="deg">{scene.sun.azimuth_deg:.6f}</AZIMUTH_ANGLE>
      </Mean_Sun_Angle>
    </Tile_Angles>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info metadataLevel="Standard">
    <Image_Content_QI>
      <CLOUDY_PIXEL_PERCENTAGE>{100 * scene.sky.cloud_cover_fraction:.6f}</CLOUDY_PIXEL_PERCENTAGE>
      <NODATA_PIXEL_PERCENTAGE>{100 * (1 - scene.sky.swath.mean()):.6f}</NODATA_PIXEL_PERCENTAGE>
    </Image_Content_QI>
  </n1:Quality_Indicators_Info>
</n1:Level-{level}_Tile_ID>
"""


def _manifest(part: Path, product: Product) -> str:
    """manifest.safe: size and MD5 of every other file."""
    entries = []
    for number, path in enumerate(sorted(p for p in part.rglob("*") if p.is_file())):
        kind = "text/xml" if path.suffix == ".xml" else "application/octet-stream"
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        entries.append(f"""    <dataObject ID="File_{number}_Data">
      <byteStream mimeType="{kind}" size="{path.stat().st_size}">
        <fileLocation locatorType="URL" href="./{path.relative_to(part).as_posix()}"/>
        <checksum checksumName="MD5">{digest}</checksum>
      </byteStream>
    </dataObject>""")
    level = product.level.removeprefix("L")
    schema = "urn:ccsds:schema:xfdu:1"
    version = f"esa/safe/sentinel/1.1/sentinel-2/msi/archive_l{level.lower()}_user_product"
    body = "\n".join(entries)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<xfdu:XFDU xmlns:safe="http://www.esa.int/safe/sentinel/1.1" xmlns:xfdu="{schema}" version="{version}">
  <informationPackageMap>
    <xfdu:contentUnit unitType="Product_Level-{level}" textInfo="SENTINEL-2 MSI Level-{level} User Product"/>
  </informationPackageMap>
  <dataObjectSection>
{body}
  </dataObjectSection>
</xfdu:XFDU>
"""

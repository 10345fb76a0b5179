"""Damaged files are found and named before a pixel is trusted."""

import io
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.errors import RasterioError

from bocage.core.errors import CorruptFile
from bocage.scenes import jpeg2000
from bocage.scenes.read import check_scene_files, find_damage, open_scene


@pytest.fixture(scope="module")
def band(safe, tmp_path_factory):
    """A band of four tiles and noise."""
    path = tmp_path_factory.mktemp("band") / "T31TEJ_20180501T104021_B02_10m.jp2"
    noise = np.random.default_rng(0).integers(1, 4000, (64, 64)).astype(np.uint16)
    safe.write_jpeg2000(path, noise, 10, block_px=32)
    return path


def test_a_whole_file_has_no_damage(band):
    assert find_damage(band) is None


def test_every_cut_is_found(band):
    whole = band.read_bytes()
    cuts = [*range(0, len(whole), 97), len(whole) - 2, len(whole) - 1]
    unnoticed = [n for n in cuts if jpeg2000.find_damage(io.BytesIO(whole[:n])) is None]
    assert unnoticed == []


def test_a_tile_part_length_that_leads_astray_is_found(band):
    whole = bytearray(band.read_bytes())
    first_tile = whole.index(bytes.fromhex("ff90000a"))
    whole[first_tile + 6 : first_tile + 10] = (1234).to_bytes(4, "big")
    assert "no marker at byte" in jpeg2000.find_damage(io.BytesIO(bytes(whole)))


def test_a_lost_tile_is_found(band):
    """The chain of lengths is intact, but one of the four tiles that the header announces is not there."""
    whole = band.read_bytes()
    starts = [i for i in range(len(whole)) if whole[i : i + 4] == bytes.fromhex("ff90000a")]
    box = whole.index(b"jp2c") - 4
    cut = bytearray(whole[: starts[0]] + whole[starts[1] :])
    length = int.from_bytes(cut[box : box + 4], "big")
    if length:
        cut[box : box + 4] = (length - (starts[1] - starts[0])).to_bytes(4, "big")
    assert jpeg2000.find_damage(io.BytesIO(bytes(cut))) == "1 of 4 tiles are missing"


def test_a_bare_codestream_is_checked_too(band):
    whole = band.read_bytes()
    codestream = whole[whole.index(jpeg2000.CODESTREAM) :]
    assert jpeg2000.find_damage(io.BytesIO(codestream)) is None
    assert jpeg2000.find_damage(io.BytesIO(codestream[:-2])) is not None


def test_a_cut_multi_tile_file_that_gdal_may_read_silently_wrong_is_refused(safe, tmp_path):
    """GDAL with threads need not raise on such a file; so the structure decides, not the decoder."""
    path = tmp_path / "cut.jp2"
    noise = np.random.default_rng(1).integers(1, 4000, (256, 256)).astype(np.uint16)
    safe.write_jpeg2000(path, noise, 10, block_px=64)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    try:
        with rasterio.Env(GDAL_NUM_THREADS="4"), rasterio.open(path) as source:
            silently_wrong = not np.array_equal(source.read(1), noise)
    except RasterioError:
        silently_wrong = True
    assert silently_wrong  # either way, these are not the pixels
    assert find_damage(path).startswith("cut")


def test_every_damaged_file_of_every_product_is_named_at_once(safe, tmp_path):
    numbers = safe.flat_numbers()
    scenes = [open_scene(safe.write_safe(tmp_path, numbers, time=f"201805{d}T104021")) for d in ("01", "11", "21")]
    for scene, name in ((scenes[0], "B03"), (scenes[2], "SCL")):
        with open(scene.assets[name].href, "r+b") as file:
            file.truncate(200)
    with pytest.raises(CorruptFile) as caught:
        check_scene_files(scenes, ["B02", "B03", "B05", "SCL"])
    message = str(caught.value)
    assert message.startswith("2 damaged files:")
    assert scenes[0].assets["B03"].href in message
    assert scenes[2].assets["SCL"].href in message
    assert "20180511" not in message
    check_scene_files(scenes, ["B02", "B05"])  # the others are whole


def test_a_web_page_saved_as_a_band_is_found(tmp_path):
    path = tmp_path / "B02.jp2"
    path.write_text("<html>Too many requests</html>")
    assert find_damage(path).startswith("it is neither JPEG 2000 nor TIFF (30 bytes, beginning b'<html>To')")


def test_sizes_and_on_request_checksums_of_the_manifest_count(safe, tmp_path):
    scene = open_scene(safe.write_safe(tmp_path, safe.flat_numbers(), manifest=True))
    check_scene_files([scene], ["B02", "SCL"], checksums=True)
    path = Path(scene.assets["B02"].href)
    content = bytearray(path.read_bytes())
    content[-10] ^= 0xFF  # one byte of a coded pixel: structure and size stay
    path.write_bytes(bytes(content))
    check_scene_files([scene], ["B02"])
    with pytest.raises(CorruptFile, match="its MD5 is"):
        check_scene_files([scene], ["B02"], checksums=True)
    path.write_bytes(bytes(content) + b"more")
    with pytest.raises(CorruptFile, match=r"bytes, manifest\.safe says"):
        check_scene_files([scene], ["B02"])


def test_a_cut_tiff_is_found(tmp_path):
    path = tmp_path / "B02.tif"
    noise = np.random.default_rng(2).integers(1, 4000, (64, 64)).astype(np.uint16)
    grid = {"height": 64, "width": 64, "crs": "EPSG:32631", "transform": Affine(10, 0, 500_000, 0, -10, 4_800_000)}
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "tiled": True, **grid}
    with rasterio.open(path, "w", **profile, blockxsize=32, blockysize=32) as target:
        target.write(noise, 1)
    assert find_damage(path) is None
    path.write_bytes(path.read_bytes()[:-100])
    assert find_damage(path).startswith("cut: block 1, 1")


def test_the_real_products_are_whole_and_a_cut_copy_is_named(samples, tmp_path):
    folder = sorted((samples / "beziers-2018" / "s2").glob("*.SAFE"))[0]
    scene = open_scene(folder)
    check_scene_files([scene], tuple(scene.assets))
    copy = tmp_path / "B02.jp2"
    content = Path(scene.assets["B02"].href).read_bytes()
    copy.write_bytes(content[: len(content) * 6 // 10])
    assert find_damage(copy).startswith("cut")

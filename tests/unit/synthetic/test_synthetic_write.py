"""The files: laid out and readable as the real ones are, whole or absent, the same from the same seed."""

import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pytest
import rasterio

from bocage.core.artifacts import read_json
from bocage.core.bands import BANDS
from bocage.core.errors import ConfigError
from bocage.synthetic.countries import COUNTRIES
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import SyntheticCountry, plan_conditions, write_country, write_world

OPTIONS = SyntheticOptions(
    seed=5, size_px=96, dates=("05-01", "06-15"), swath_edge_fraction=0.5, label_noise_fraction=0.2
)


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> SyntheticCountry:
    return write_country(tmp_path_factory.mktemp("world") / "FR", OPTIONS)


def products(country: SyntheticCountry) -> list[Path]:
    return sorted(country.safe_folder.glob("*.SAFE"), key=lambda p: p.name.split("_")[2])


def read(product: Path, pattern: str) -> np.ndarray:
    (path,) = product.glob(f"GRANULE/*/IMG_DATA/{pattern}.jp2")
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def test_products_have_real_names_and_layout(country: SyntheticCountry) -> None:
    first, second = products(country)
    pattern = r"S2[AB]_MSIL2A_\d{8}T\d{6}_N\d{4}_R\d{3}_T31TCJ_\d{8}T\d{6}\.SAFE"
    assert re.fullmatch(pattern, first.name)
    assert "_N0500_" in first.name
    assert "_N0301_" in second.name
    folders = {p.name: len(list(p.glob("*.jp2"))) for p in first.glob("GRANULE/*/IMG_DATA/*")}
    assert folders == {"R10m": 5, "R20m": 10, "R60m": 11}


def test_metadata_names_every_image_and_the_offset_only_from_baseline_4(country: SyntheticCountry) -> None:
    for product, offset in zip(products(country), (-1000, None), strict=True):
        root = ElementTree.parse(product / "MTD_MSIL2A.xml").getroot()
        listed = {e.text for e in root.iter("IMAGE_FILE")}
        assert listed == {str(p.relative_to(product).with_suffix("")) for p in product.rglob("*.jp2")}
        offsets = {e.get("band_id"): int(e.text or "") for e in root.iter("BOA_ADD_OFFSET")}
        assert offsets == ({str(k): -1000 for k in range(13)} if offset else {})
        assert root.findtext(".//PRODUCT_URI") == product.name
        assert root.findtext(".//BOA_QUANTIFICATION_VALUE") == "10000"
        assert len((root.findtext(".//EXT_POS_LIST") or "").split()) % 2 == 0


def test_tile_metadata_agrees_with_the_images(country: SyntheticCountry) -> None:
    product = products(country)[0]
    (path,) = product.glob("GRANULE/*/MTD_TL.xml")
    root = ElementTree.parse(path).getroot()
    assert root.findtext(".//HORIZONTAL_CS_CODE") == "EPSG:32631"
    for resolution in (10, 20, 60):
        (image,) = product.glob(f"GRANULE/*/IMG_DATA/R{resolution}m/*_B02_{resolution}m.jp2")
        with rasterio.open(image) as dataset:
            size = root.find(f".//Size[@resolution='{resolution}']")
            corner = root.find(f".//Geoposition[@resolution='{resolution}']")
            assert size is not None
            assert corner is not None
            assert [e.text for e in size] == [str(dataset.height), str(dataset.width)]
            assert float(corner.findtext("ULX") or 0) == dataset.transform.c
            assert float(corner.findtext("ULY") or 0) == dataset.transform.f
            assert dataset.crs.to_epsg() == 32631
            assert dataset.transform.a == resolution


def test_manifest_holds_size_and_md5_of_every_other_file(country: SyntheticCountry) -> None:
    product = products(country)[0]
    streams = list(ElementTree.parse(product / "manifest.safe").getroot().iter("byteStream"))
    listed = set()
    for stream in streams:
        location = stream.find("fileLocation")
        assert location is not None
        path = product / location.attrib["href"]
        listed.add(path.resolve())
        assert int(stream.attrib["size"]) == path.stat().st_size
        assert stream.findtext("checksum") == hashlib.md5(path.read_bytes()).hexdigest()
    assert listed == {p.resolve() for p in product.rglob("*") if p.is_file() and p.name != "manifest.safe"}


def test_with_and_without_offset_is_the_same_reflectance(country: SyntheticCountry, tmp_path: Path) -> None:
    swapped = write_country(tmp_path / "swapped", OPTIONS.model_copy(update={"baselines": ("03.01", "04.00")}))
    for a, b, added in zip(products(country), products(swapped), (1000, -1000), strict=True):
        for pattern in ("R10m/*_B08_10m", "R20m/*_B11_20m", "R60m/*_B09_60m"):
            left, right = (read(p, pattern).astype(int) for p in (a, b))
            seen = left > 0
            np.testing.assert_array_equal(seen, right > 0)
            positive = seen & (np.minimum(left, right) > 1)  # below 0 a number without offset is cut at 1
            assert positive.sum() > 0.6 * seen.sum()
            assert np.unique((left - right)[positive]).tolist() == [added]


def test_no_data_is_zero_in_every_band_and_in_scl(country: SyntheticCountry) -> None:
    cut = next(p for p in products(country) if (read(p, "R10m/*_B02_10m") == 0).any())
    missing = read(cut, "R10m/*_B02_10m") == 0
    assert 0.05 < missing.mean() < 0.3
    for band in ("B03", "B04", "B08"):
        np.testing.assert_array_equal(read(cut, f"R10m/*_{band}_10m") == 0, missing)
    coarse = missing.reshape(48, 2, 48, 2).any(axis=(1, 3))
    np.testing.assert_array_equal(read(cut, "R20m/*_B11_20m") == 0, coarse)
    np.testing.assert_array_equal(read(cut, "R20m/*_SCL_20m") == 0, coarse)


def test_l1c_has_thirteen_bands_and_no_scene_classes(country: SyntheticCountry) -> None:
    (product,) = country.l1c_folder.glob("*.SAFE")
    names = [p.stem.rsplit("_", 1)[1] for p in product.glob("GRANULE/L1C_*/IMG_DATA/*.jp2")]
    assert sorted(names) == sorted([*BANDS, "TCI"])
    root = ElementTree.parse(product / "MTD_MSIL1C.xml").getroot()
    assert root.findtext(".//QUANTIFICATION_VALUE") == "10000"
    ground = read(products(country)[1], "R10m/*_B02_10m")
    above = read(product, "*_B02")
    assert np.median(above) > np.median(ground) + 200  # blue haze of the air
    assert np.median(read(product, "*_B10")) < 100


def test_parcel_files_are_in_the_national_crs_with_native_and_eurocrops_columns(country: SyntheticCountry) -> None:
    shapefile, national = gpd.read_file(country.eurocrops_path), gpd.read_file(country.national_path)
    assert shapefile.crs.to_epsg() == national.crs.to_epsg() == 2154
    added = {"EC_trans_n", "EC_hcat_n", "EC_hcat_c"}
    assert added <= set(shapefile.columns)
    assert not added & set(national.columns)
    assert COUNTRIES["FR"].person_column in national.columns
    assert COUNTRIES["FR"].person_column not in shapefile.columns
    assert shapefile["ID_PARCEL"].is_unique
    assert shapefile["EC_hcat_c"].str.fullmatch(r"33\d{8}").all()
    assert shapefile.geometry.is_valid.all()


def test_truth_knows_what_was_declared_wrongly(country: SyntheticCountry) -> None:
    parcels = gpd.read_parquet(country.truth_folder / "parcels.parquet")
    wrong = parcels["true_crop"] != parcels["declared_crop"]
    np.testing.assert_array_equal(wrong, parcels["mislabelled"])
    assert 0.05 < wrong.mean() < 0.4
    legend = {row["value"]: row["crop"] for row in read_json(country.truth_folder / "legend.json")}
    with rasterio.open(country.truth_folder / "crop.tif") as dataset:
        crops = dataset.read(1)
        inside = parcels[~parcels["overlapping"]].geometry.representative_point()
        seen = [legend[int(v[0])] for v in dataset.sample(zip(inside.x, inside.y, strict=True))]
    expected = parcels.loc[inside.index, "true_crop"]
    agree = [a == b for a, b in zip(seen, expected, strict=True) if a is not None]
    assert crops.shape == (96, 96)
    assert np.mean(agree) > 0.95


def test_land_cover_has_worldcover_codes_in_degrees(country: SyntheticCountry) -> None:
    with rasterio.open(country.worldcover_path) as dataset:
        assert dataset.crs.to_epsg() == 4326
        assert set(np.unique(dataset.read(1))) <= {0, 10, 30, 40, 50, 60, 80}
        assert (dataset.read(1) == 40).mean() > 0.3


def test_the_same_options_find_the_country_and_write_nothing(country: SyntheticCountry) -> None:
    before = {p: p.stat().st_mtime_ns for p in country.folder.rglob("*")}
    again = write_country(country.folder, OPTIONS)
    assert again.record == country.record
    assert {p: p.stat().st_mtime_ns for p in country.folder.rglob("*")} == before


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(country: SyntheticCountry, tmp_path: Path) -> None:
    def images(one: SyntheticCountry) -> dict[str, bytes]:
        files = [*one.folder.rglob("*.jp2"), *one.folder.rglob("*.xml"), *one.folder.rglob("crop.tif")]
        return {p.relative_to(one.folder).as_posix(): p.read_bytes() for p in files}

    assert images(write_country(tmp_path / "again", OPTIONS)) == images(country)
    other = write_country(tmp_path / "other", OPTIONS.model_copy(update={"seed": 6}))
    assert (
        read(products(other)[0], "R10m/*_B04_10m").tobytes() != read(products(country)[0], "R10m/*_B04_10m").tobytes()
    )


def test_a_killed_write_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bocage.synthetic.write._write_worldcover", die)
        with pytest.raises(KeyboardInterrupt):
            write_country(tmp_path / "FR", OPTIONS)
    assert not (tmp_path / "FR").exists()
    assert (write_country(tmp_path / "FR", OPTIONS).folder / "worldcover.tif").is_file()


@pytest.mark.parametrize("name", ["thesis.txt", "country.json"])
def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"key": "years of work"}')
    with pytest.raises(ConfigError, match="holds other things"):
        write_country(tmp_path, OPTIONS)
    assert "years of work" in (tmp_path / name).read_text()


def test_a_world_has_a_folder_for_each_country_and_year(tmp_path: Path) -> None:
    options = OPTIONS.model_copy(update={"size_px": 48, "dates": ("06-15",), "countries": ("AT", "NL")})
    options = options.model_copy(update={"years": (2020, 2021)})
    world = write_world(tmp_path, options)
    assert [c.folder.name for c in world] == ["AT-2020", "AT-2021", "NL-2020", "NL-2021"]
    assert {c.tile for c in world} == {"33UXP", "31UFU"}
    shapes = [gpd.read_parquet(c.truth_folder / "parcels.parquet") for c in world[:2]]
    assert len(shapes[0]) == len(shapes[1])  # the fields stay, the crops rotate
    assert (shapes[0]["true_crop"] != shapes[1]["true_crop"]).any()
    austrian = gpd.read_file(world[0].national_path)
    assert austrian["SNAR_BEZEICHNUNG"].str.contains("[ÄÖÜ]").any()


def test_conditions_average_the_cloud_fraction_and_hit_the_shares() -> None:
    options = SyntheticOptions(
        dates=tuple(f"{m:02d}-15" for m in range(1, 13)),
        cloud_fraction=0.1,
        haze_fraction=0.5,
        swath_edge_fraction=0.25,
    )
    plan = plan_conditions(options, "FR", 2021)
    assert np.mean([c.cloud_fraction for c in plan]) == pytest.approx(0.1)
    assert sum(c.hazy for c in plan) == 6
    assert sum(c.swath_edge for c in plan) == 3


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [("size_px", 100, "multiple of 6"), ("dates", ("07-05", "05-26"), "ascend"), ("dates", ("May",), "not a date")],
)
def test_options_say_what_is_wrong(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SyntheticOptions(**{field: value})

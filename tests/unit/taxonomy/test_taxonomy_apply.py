"""Six parcels get their classes, and the audit accounts for every hectare."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from bocage.core.errors import CorruptFile, UnmappedCrop
from bocage.parcels import read_rows
from bocage.parcels.options import ParcelOptions
from bocage.parcels.read import read_parcel_columns, read_parcel_file, read_parcels
from bocage.parcels.write import ParcelWriter, write_parcels
from bocage.taxonomy.apply import COUNTED_COLUMNS, apply_taxonomy, audit_labels, count_labels
from bocage.taxonomy.diff import find_moves
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.write_audit import write_audit_html
from bocage.taxonomy.write_classes import write_classes

TAXONOMY = find_taxonomy("eurocrops-10")


@pytest.fixture
def parcels() -> gpd.GeoDataFrame:
    """Wheat twice, a vineyard, cereals, and two native names that nothing decides."""
    n = 6
    return gpd.GeoDataFrame(
        {
            "id": list("abcdef"),
            "number": np.arange(1, n + 1, dtype=np.uint32),
            "country": ["AT"] * n,
            "year": [2021] * n,
            "crop:code": ["1", "1", None, None, "9", "8"],
            "crop:name": ["WINTERWEIZEN", "WINTERWEIZEN", None, None, "SONSTIGE <FLÄCHEN>", "ALM"],
            "crop:name_en": [None] * n,
            "hcat:code": ["3301010101", "3301010101", "3303060000", "3301010000", None, None],
            "hcat:name": ["winter_common_soft_wheat"] * 2
            + ["vineyards_wine_vine_rebland_grapes", "cereal", None, None],
            "area": [1.0, 2.0, 4.0, 8.0, 16.0, 1.0],
        },
        geometry=[box(i, 0, i + 1, 1) for i in range(n)],
        crs="EPSG:31287",
    )


def test_classes_and_audit(parcels: gpd.GeoDataFrame) -> None:
    classed, audit = apply_taxonomy(parcels, TAXONOMY)
    assert classed["class_id"].dtype == np.uint8
    assert classed["class_id"].tolist() == [3, 3, 0, 255, 0, 0]
    assert classed["class_name"].tolist() == ["wheat", "wheat", "background", "ignore", "background", "background"]
    assert classed["class_rule"].tolist()[:3] == ["hcat:3301010100", "hcat:3301010100", "background"]
    assert classed["class_rule"].tolist()[4:] == ["unmapped", "unmapped"]
    record = audit.to_json()
    counts = {key: record[key] for key in record if key.startswith("n_")}
    assert counts == {"n_parcels": 6, "n_mapped": 2, "n_background": 1, "n_unmapped": 2, "n_ambiguous": 1}
    assert record["by_class"]["wheat"] == {"n": 2, "area_ha": 3.0}
    assert record["by_class"]["background"] == {"n": 3, "area_ha": 21.0}
    assert record["by_class"]["maize"] == {"n": 0, "area_ha": 0.0}
    assert [(row["name"], row["code"], row["n"], row["area_ha"]) for row in record["unmapped"]] == [
        ("SONSTIGE <FLÄCHEN>", "9", 1, 16.0),
        ("ALM", "8", 1, 1.0),
    ]
    assert [row["name"] for row in record["ambiguous"]] == ["cereal"]
    assert "class_id" not in parcels.columns, "the table that came in is unchanged"


def test_unmapped_may_be_ignored_or_refused(parcels: gpd.GeoDataFrame) -> None:
    classed, audit = apply_taxonomy(parcels, TAXONOMY, unmapped="ignore")
    assert classed["class_id"].tolist() == [3, 3, 0, 255, 255, 255]
    assert (audit.n_unmapped, audit.n_ambiguous, audit.by_class["background"]["n"]) == (2, 1, 1)
    with pytest.raises(UnmappedCrop) as caught:
        apply_taxonomy(parcels, TAXONOMY, unmapped="refuse")
    assert str(caught.value) == (
        "2 native names of AT 2021 (53.1% of area) match no rule of taxonomy 'eurocrops-10': 'SONSTIGE <FLÄCHEN>', "
        "'ALM'. Add rules to the taxonomy file or set taxonomy.unmapped: background."
    )


def test_the_audit_names_what_needs_a_look(parcels: gpd.GeoDataFrame, tmp_path: Path) -> None:
    """A vineyard that is called maize, and a name with two crops; classes with fewer than two parcels."""
    parcels["crop:name_en"] = [None, None, "Maize", None, "Barley / oats", None]
    _, audit = apply_taxonomy(parcels, TAXONOMY, min_parcels=2)
    record = audit.to_json()
    assert [(row["hcat_code"], row["by_name"]) for row in record["disagreements"]] == [("3303060000", "maize")]
    assert [row["claims"] for row in record["contested"]] == [("barley", "oats")]
    assert record["too_few"] == {name: 0 for name in TAXONOMY.class_names[1:] if name != "wheat"}
    write_audit_html(audit, TAXONOMY, tmp_path / "audit.html", parcels="at.parquet")
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "name: maize" in page
    assert "claimed by barley, oats" in page
    assert "Fewer than 2 parcels: maize (0)" in page


def test_the_audit_page_is_self_contained(parcels: gpd.GeoDataFrame, tmp_path: Path) -> None:
    _, audit = apply_taxonomy(parcels, TAXONOMY)
    write_audit_html(audit, TAXONOMY, tmp_path / "audit.html", parcels="at.parquet")
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "SONSTIGE &lt;FLÄCHEN&gt;" in page, "names are escaped"
    assert "2 match no rule" in page
    assert "http" not in page


def test_what_moves_between_two_taxonomies(parcels: gpd.GeoDataFrame) -> None:
    """Vineyards and cereals get classes in the other; the order is by hectares; names that nobody decides stay."""
    moves = find_moves(count_labels([parcels[:2], parcels[2:]]), TAXONOMY, find_taxonomy("field-crops"))
    assert [(m.class_a, m.class_b, m.n, m.area_ha) for m in moves] == [
        ("ignore", "cereals", 1, 8.0),
        ("background", "vineyards", 1, 4.0),
        ("wheat", "winter_wheat", 2, 3.0),
    ]
    record = moves[2].to_json()
    assert {k: record[k] for k in ("from", "to", "n", "area_ha")} == {
        "from": "wheat",
        "to": "winter_wheat",
        "n": 2,
        "area_ha": 3.0,
    }
    (label,) = record["labels"]
    assert (label["name"], label["code"], label["country"], label["area_ha"]) == ("WINTERWEIZEN", "1", "AT", 3.0)
    assert (label["rule_a"], label["rule_b"]) == ("hcat:3301010100", "hcat:3301010101")
    assert find_moves(count_labels([parcels]), TAXONOMY, TAXONOMY) == ()


@pytest.mark.parametrize("batch", [1, 2, 6])
def test_batches_make_no_difference(
    parcels: gpd.GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    whole, audit = apply_taxonomy(parcels, TAXONOMY)
    write_parcels(parcels, tmp_path / "parcels.parquet")
    monkeypatch.setattr(read_rows, "BATCH_ROWS", batch)
    streamed = write_classes(tmp_path / "parcels.parquet", tmp_path / "classed.parquet", TAXONOMY)
    assert streamed == audit
    found = read_parcel_file(tmp_path / "classed.parquet")
    assert list(found.columns) == list(whole.columns)
    assert found["class_name"].tolist() == whole["class_name"].tolist()
    assert found["class_id"].dtype == np.uint8
    counted = count_labels(read_parcel_columns(tmp_path / "parcels.parquet", COUNTED_COLUMNS))
    assert audit_labels(counted, TAXONOMY) == audit
    again = write_classes(tmp_path / "classed.parquet", tmp_path / "again.parquet", TAXONOMY)
    assert again == audit
    assert read_parcel_file(tmp_path / "again.parquet").equals(found), "applied twice, nothing changes"


def test_nothing_is_written_when_a_label_is_refused(
    parcels: gpd.GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parcels(parcels, tmp_path / "parcels.parquet")
    monkeypatch.setattr(read_rows, "BATCH_ROWS", 2)
    with pytest.raises(UnmappedCrop, match=r"2 native names of AT 2021 \(53\.1% of area\)"):
        write_classes(tmp_path / "parcels.parquet", tmp_path / "classed.parquet", TAXONOMY, unmapped="refuse")
    assert [p.name for p in tmp_path.iterdir()] == ["parcels.parquet"]


def test_an_id_that_repeats_in_another_batch_is_found(
    parcels: gpd.GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ParcelWriter(tmp_path / "parcels.parquet") as writer:
        writer.write(parcels)
        writer.write(parcels.assign(number=parcels["number"] + 10))
    monkeypatch.setattr(read_rows, "BATCH_ROWS", 3)
    with pytest.raises(CorruptFile, match="ids and numbers must be unique"):
        write_classes(tmp_path / "parcels.parquet", tmp_path / "classed.parquet", TAXONOMY)


def test_beziers(samples: Path) -> None:
    path = samples / "beziers-2018" / "parcels" / "france_data_2018.shp"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    table = read_parcels(ParcelOptions(path=str(path), year=2018, country="FR", coverage="partial"))
    assert (table.tally.kept, table.n_read, table.crs) == (120, 120, "EPSG:2154")
    assert table.frame["hcat:code"].notna().all(), "codes follow from the names"
    classed, audit = apply_taxonomy(table.frame, TAXONOMY)
    assert (audit.n_mapped, audit.n_background, audit.n_ambiguous, audit.n_unmapped) == (29, 90, 1, 0)
    assert classed["class_name"].value_counts().to_dict() == {"background": 90, "wheat": 20, "pasture": 9, "ignore": 1}
    own = Path(__file__).resolve().parents[3] / "experiments" / "taxonomies" / "beziers.yaml"
    classed, _ = apply_taxonomy(table.frame, find_taxonomy(str(own)))
    assert classed["class_name"].value_counts().to_dict() == {
        "vineyard": 62,
        "fallow_or_unmaintained": 22,
        "wheat": 20,
        "grassland": 9,
        "background": 6,
        "ignore": 1,
    }

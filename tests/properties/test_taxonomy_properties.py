"""Whatever the labels are, every parcel is accounted for."""

import geopandas as gpd
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from bocage.parcels import hcat
from bocage.taxonomy.apply import apply_taxonomy
from bocage.taxonomy.decide import Label, decide
from bocage.taxonomy.load import find_taxonomy, shipped_taxonomies
from bocage.taxonomy.taxonomy import Mixtures

TAXONOMY = find_taxonomy("eurocrops-10")
names = st.none() | st.text(max_size=20) | st.sampled_from(["Winter wheat", "Maize / potato", "blé", "barley"])
codes = st.none() | st.sampled_from(sorted(hcat.names_by_code())) | st.from_regex(r"33[0-9]{8}", fullmatch=True)
rows = st.lists(st.tuples(names, names, codes, st.floats(0.01, 100.0)), min_size=1, max_size=12)


def table(rows: list[tuple[str | None, str | None, str | None, float]]) -> gpd.GeoDataFrame:
    n = len(rows)
    return gpd.GeoDataFrame(
        {
            "id": [str(i) for i in range(n)],
            "number": np.arange(1, n + 1, dtype=np.uint32),
            "country": [""] * n,
            "year": [2020] * n,
            "crop:code": np.full(n, None, object),
            "crop:name": np.array([r[0] for r in rows], object),
            "crop:name_en": np.array([r[1] for r in rows], object),
            "hcat:code": np.array([r[2] for r in rows], object),
            "hcat:name": np.full(n, None, object),
            "area": [r[3] for r in rows],
        },
        geometry=[box(i, 0, i + 1, 1) for i in range(n)],
        crs="EPSG:3035",
    )


@settings(max_examples=60, deadline=None)
@given(rows, st.sampled_from(["background", "ignore"]), st.randoms(use_true_random=False))
def test_accounting(
    rows: list[tuple[str | None, str | None, str | None, float]], unmapped: str, random: object
) -> None:
    frame = table(rows)
    classed, audit = apply_taxonomy(frame, TAXONOMY, unmapped=unmapped)  # type: ignore[arg-type]
    assert audit.n_mapped + audit.n_background + audit.n_unmapped + audit.n_ambiguous == len(rows) == audit.n_parcels
    assert sum(row.n for row in audit.labels) == len(rows)
    np.testing.assert_allclose(sum(row.area_ha for row in audit.labels), frame["area"].sum(), atol=1e-3)
    written = sum(entry["n"] for entry in audit.by_class.values())
    assert written == int((classed["class_id"] != 255).sum())

    twice, again = apply_taxonomy(classed, TAXONOMY, unmapped=unmapped)  # type: ignore[arg-type]
    assert twice.equals(classed)
    assert again == audit

    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled, same = apply_taxonomy(frame.iloc[order], TAXONOMY, unmapped=unmapped)  # type: ignore[arg-type]
    assert shuffled["class_name"].tolist() == classed["class_name"].iloc[order].tolist()
    assert same.by_class == audit.by_class


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40), st.sampled_from(shipped_taxonomies()), st.sampled_from(["background", "first", "ignore"]))
def test_any_name_goes_through(name: str, taxonomy: str, mixtures: Mixtures) -> None:
    """One class, or "ignore", for any Unicode text in any taxonomy; two claims only ever come to one class."""
    chosen = find_taxonomy(taxonomy, mixtures=mixtures)
    for label in (Label("ES", crop_name=name), Label("FR", name, None, name), Label("", None, f"Rye {name} maize")):
        decision = decide(label, chosen)
        assert decision.class_name in (*chosen.class_names, "ignore")
        assert set(decision.claims) <= {*chosen.class_names, "ignore"}

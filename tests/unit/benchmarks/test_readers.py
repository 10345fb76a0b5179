"""The original layouts as samples: classes, bands, dates, no data; and what is left out, with the reason."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bocage.benchmarks.benchmark import BENCHMARKS, Collection, find_view, parse_options
from bocage.benchmarks.crosswalks import target_lookup, target_names
from bocage.benchmarks.read_dacia5 import BAND_ORDER, SHAPE, Dacia5Options, judge_window
from bocage.benchmarks.read_pastis import find_clearest, find_season, to_reflectance
from bocage.benchmarks.read_sen4agrinet import monthly_medians, to_classes
from bocage.benchmarks.read_zuericrop import labelled_enough
from bocage.core.errors import ConfigError
from bocage.patches.windows import plan_windows


def opened(miniatures: dict[str, Path], name: str, view: str, **settings: object) -> Collection:
    benchmark = BENCHMARKS[name]
    return benchmark.open(miniatures[name], view, parse_options(benchmark, settings))


def test_table_8_of_the_eurocrops_paper() -> None:
    lookup, names = target_lookup("pastis"), target_names()
    assert [names[i] if i != 255 else "-" for i in lookup[:20]] == [
        "background",
        "pasture",
        "wheat",
        "maize",
        "barley",
        "rapeseed",
        "barley",
        "sunflower",
        "-",
        "sugar_beet",
        "wheat",
        "wheat",
        "-",
        "potato",
        "pasture",
        "soybean",
        "-",
        "-",
        "-",
        "-",
    ]


def test_table_7_of_the_eurocrops_paper() -> None:
    assert target_lookup("dacia5")[:18].tolist() == [0, 3, 3, 1, 255, 9, 9, 9, 9, 7, 10, 10, 10, 1, 8, 10, 2, 6]


def test_pastis_series_keeps_its_own_classes_and_drops_void(miniatures: dict[str, Path]) -> None:
    native = opened(miniatures, "pastis", "native")
    sample = native.read(native.entries[0])
    target = np.load(miniatures["pastis"] / "ANNOTATIONS" / "TARGET_10000.npy")[0]
    assert sample.image.shape == (7, 10, 128, 128)
    assert (sample.labels == np.where(target == 19, 255, target)).all()
    assert not sample.valid[0, :, :20].any()  # −10 000
    assert sample.valid[0, :, 20:].all()
    assert sample.image[2, 3, 5, 7] == pytest.approx(2.2)  # the official protocol clips nothing


def test_pastis_dates_are_read_in_both_forms(miniatures: dict[str, Path]) -> None:
    native = opened(miniatures, "pastis", "native")
    first, second = (native.read(e).days.astype("datetime64[D]") for e in native.entries[:2])
    assert first[0] == np.datetime64("2018-09-18")
    assert (first == second).all()


@pytest.mark.parametrize(
    ("which", "dates"),
    [
        ("clearest", ["2019-08-12"]),  # in May a part is missing, in June there is a veil
        ("middle", ["2019-06-29"]),
        ("all", ["2019-05-10", "2019-06-29", "2019-08-12"]),  # not September 2018: that is another season
    ],
)
def test_pastis_single_date(miniatures: dict[str, Path], which: str, dates: list[str]) -> None:
    view = opened(miniatures, "pastis", "eurocrops-10", date=which)
    samples = [view.read(e) for e in view.entries[: len(dates)]]
    assert [str(s.days.astype("datetime64[D]")[0]) for s in samples] == dates
    assert samples[0].bands[3:5] == ("B08", "B05")
    assert len(view.entries) == 10 * len(dates)
    assert max(s.image.max() for s in samples) <= 1
    at_band = samples[-1].image[0, 3, 64, 64] - samples[-1].image[0, 2, 64, 64]  # B08 is 7th in the file, B04 third
    assert at_band == pytest.approx(0.08, abs=1e-6)


def test_season_and_clearest_on_a_few_pixels() -> None:
    days = np.array(["2018-09-20", "2019-03-31", "2019-04-01", "2019-09-30"], "datetime64[D]").astype(np.int32)
    assert find_season(days) == [2, 3]
    stored = np.full((3, 10, 1, 2), 500, np.int16)
    stored[0, 0, 0, 0] = 2500  # bright in blue
    stored[1, 9, 0, 1] = -10_000  # one band missing
    stored[2, 0] = 400
    assert find_clearest(stored) == 2
    image, valid = to_reflectance(stored)
    assert valid.tolist() == [[[True, True]], [[True, False]], [[True, True]]]
    assert image[1, :, 0, 1].tolist() == [0] * 10


def test_1376_windows_follow_from_172_scenes() -> None:
    assert 172 * len(plan_windows(SHAPE, 256)) == 1376


def test_counts_of_a_copy_stand_beside_the_published_ones(miniatures: dict[str, Path]) -> None:
    def count(name: str) -> dict[str, int]:
        benchmark = BENCHMARKS[name]
        counted = dict(benchmark.count(miniatures[name], parse_options(benchmark, {})))
        assert list(counted) == list(benchmark.published)
        return counted

    assert count("dacia5") == {"scenes": 6, "windows": 48, "retained windows": 24, "in season": 16}
    assert list(count("pastis").values()) == [10, 150, 10]
    assert count("eurocrops_holdout") == {"windows of BE_VLG_2021": 6, "windows of BE_WAL_2021": 6}


def test_dacia5_windows_are_left_out_by_reason() -> None:
    options, may, winter = Dacia5Options(), date(2020, 5, 19), date(2020, 2, 14)
    labels = np.zeros((256, 256), np.uint8)
    assert judge_window(labels, may, options) == "only background"
    assert judge_window(np.full_like(labels, 255), may, options) == "only ignored labels"
    labels[:27, :37] = 3  # 999 pixels
    labels[100:] = 255
    assert judge_window(labels, may, options) == "fewer than 1000 crop pixels"
    labels[50, 0] = 3
    assert judge_window(labels, may, options) is None
    assert judge_window(labels, winter, options) == "out of season"
    assert judge_window(labels, winter, Dacia5Options(season="all")) is None


def test_dacia5_scene_windows_lie_where_they_should(miniatures: dict[str, Path]) -> None:
    view = opened(miniatures, "dacia5", "eurocrops-10")
    assert view.tally.to_json() == {"kept": 16, "dropped": {"out of season": 8, "only background": 24}}
    entry = next(e for e in view.entries if e.sample_id == "20200519_1")
    sample = view.read(entry)
    assert sample.origin.grid is not None
    assert sample.origin.grid.affine.c == 390_000 + 10 * (450 - 256)  # border-aligned
    assert sample.image[0, 3, 9, 9] - sample.image[0, 2, 9, 9] == pytest.approx(0.08)  # B04 is 4th, B08 8th
    assert not view.read(next(e for e in view.entries if e.sample_id == "20200519_0")).valid[0, 101, 101]


def test_dacia5_offset_and_band_order_are_settings(miniatures: dict[str, Path]) -> None:
    plain, moved = (opened(miniatures, "dacia5", "native", offset_from_2022=o).read for o in (0, -100))
    entries = opened(miniatures, "dacia5", "native").entries
    before, after = entries[0], entries[-1]  # 2020 and 2024
    assert (plain(before).image == moved(before).image).all()
    assert plain(after).image[0, 0, 0, 0] - moved(after).image[0, 0, 0, 0] == pytest.approx(0.01)
    swapped = ("B01", "B03", "B02", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
    other = opened(miniatures, "dacia5", "native", bands=swapped).read(before)
    assert (other.image[0, 0] == plain(before).image[0, 1]).all()


def test_zuericrop_folds_and_labelled_share(miniatures: dict[str, Path]) -> None:
    view = opened(miniatures, "zuericrop", "eurocrops-10")
    assert [(e.sample_id, e.fold) for e in view.entries] == [(f"{i:05d}", str(i // 2 + 1)) for i in range(10) if i != 3]
    assert view.tally.dropped == {"less than 90% labelled": 1}
    sample = view.read(view.entries[0])
    assert sample.image.shape == (71, 9, 24, 24)
    assert not sample.valid[5, :, :6].any()  # every second date: the tenth is the fifth
    gt = np.ones((2, 24, 24, 1), np.uint8)
    gt[1, :3] = 0
    assert labelled_enough(gt, 0.9).tolist() == [True, False]


def test_sen4agrinet_codes_become_classes() -> None:
    codes = np.array([0, 100, 110, 120, 435, 770, 911, 998], np.uint32)
    assert to_classes(codes).tolist() == [0, 0, 1, 2, 8, 11, 0, 0]


def test_monthly_medians_and_empty_months() -> None:
    times = np.array(
        ["2019-01-10", "2019-03-05", "2019-03-15", "2019-03-25", "2019-04-01", "2019-05-01T10:50"], "datetime64[s]"
    )
    stored = np.array([10, 1, 2, 30, 40, 62])[:, None, None]
    months = monthly_medians(stored, times, 2019)[:, 0, 0]
    # Midnight of 1 April belongs to March: the median of 1, 2, 30, 40. February and April lie between neighbours.
    assert months[[0, 2, 4]].tolist() == [10, 16, 62]
    assert months[1] == pytest.approx(10 + 6 * 31 / 59)
    assert months[3] == pytest.approx(16 + 46 * 31 / 61)
    assert months[5] == pytest.approx(62 + 46 * 31 / 61)  # the last line goes on
    assert monthly_medians(stored[:1], times[:1], 2019)[:, 0, 0].tolist() == [10] * 12


def test_sen4agrinet_scenario_is_a_coco_file(miniatures: dict[str, Path], tmp_path: Path) -> None:
    coco = tmp_path / "exp1_coco_test.json"
    coco.write_text(json.dumps({"images": [{"file_name": "2019/31TCJ/2019_31TCJ_patch_02_27.nc"}]}))
    view = opened(miniatures, "sen4agrinet", "native", coco=str(coco))
    assert len(view.entries) == 36
    sample = view.read(view.entries[7])
    assert sample.origin.sample_id == "2019_31TCJ_patch_02_27_11"
    assert (sample.origin.country, sample.origin.year, sample.origin.tile) == ("FR", 2019, "31TCJ")
    assert sample.image.shape == (6, 4, 61, 61)
    coco.write_text(json.dumps({"images": [{"file_name": "2019_31TCJ_patch_09_09.nc"}]}))
    options = parse_options(BENCHMARKS["sen4agrinet"], {"coco": str(coco)})
    assert "1 of 1 patches" in BENCHMARKS["sen4agrinet"].check(miniatures["sen4agrinet"], options)[0]


def test_sen4agrinet_parcels_are_samples_of_seven_months(miniatures: dict[str, Path]) -> None:
    table = pd.read_csv(miniatures["sen4agrinet"] / "exp1_patches2000_strat_coco_test.csv.gz")
    view = opened(miniatures, "sen4agrinet", "objects")
    chosen = table["label"].isin([110, 120, 140, 150, 160, 170, 330, 435, 438, 510, 770])
    assert len(view.entries) == chosen.sum() > 100
    assert view.tally.dropped == {"none of the eleven crops": int((~chosen).sum())}
    assert len({e.block for e in view.entries}) == 2  # the rows of a patch stand together: its ground
    row = table[chosen].iloc[0]
    sample = view.read(view.entries[0])
    assert sample.image.shape == (7, 26, 1, 1)
    assert sample.bands[:2] == ("B01_mean", "B01_std")
    assert sample.image[0, sample.bands.index("B8A_mean"), 0, 0] == pytest.approx(row["B8A_04_mean"] / 1e4)
    assert int(sample.labels[0, 0]) == to_classes(np.array([row["label"]]))[0]
    assert [str(d)[5:7] for d in sample.days.astype("datetime64[D]")] == ["05", "06", "07", "08", "09", "10", "11"]
    april = opened(miniatures, "sen4agrinet", "objects", first_month=4)
    assert str(april.read(april.entries[0]).days.astype("datetime64[D]")[0]) == "2019-04-15"
    scenario = "lists/exp1_patches2000_strat_coco_test.json"
    assert len(opened(miniatures, "sen4agrinet", "objects", coco=scenario).entries) == len(view.entries)
    assert not opened(miniatures, "sen4agrinet", "objects", coco="exp2_coco_test.json").entries


def test_a_model_of_parcels_is_judged_on_parcels() -> None:
    benchmark = BENCHMARKS["sen4agrinet"]
    views = benchmark.views
    names = views["native"].class_names
    assert find_view(benchmark, None, names, ("B04", "B08")) == views["native"]
    assert find_view(benchmark, None, names, ("B04_mean", "B04_std")) == views["objects"]


def test_a_band_order_names_every_band_once() -> None:
    for bands in (("B02", "B03"), ("B02", "B02", *BAND_ORDER[2:]), ("B99", *BAND_ORDER[1:])):
        with pytest.raises(ConfigError, match="each once"):
            parse_options(BENCHMARKS["dacia5"], {"bands": bands})


def test_unknown_option_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'dates' .*Did you mean 'date'"):
        parse_options(BENCHMARKS["pastis"], {"dates": "all"})

"""The page as a whole: complete in itself, safe, honest about what is missing."""

import base64
import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from bocage.core.errors import CorruptFile, MissingFile
from bocage.core.render import to_html
from bocage.reports.data import RunData, RunPaths
from bocage.reports.read import read_raster, read_run
from bocage.reports.sections import build_report
from bocage.reports.write import write_page, write_report


def render_report(run: RunData) -> str:
    return to_html(build_report(run))


VOID = {"meta", "img", "br", "wbr", "link", "hr"}


class Page(HTMLParser):
    """Checks nesting; collects tags and visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module")
def run(run_paths, run_extras) -> RunData:
    return read_run("a & b <c>", run_paths, **run_extras)


@pytest.fixture(scope="module")
def html(run) -> str:
    return render_report(run)


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_page_loads_and_runs_nothing(html, page):
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    targets = [attrs[name] for _, attrs in page.tags for name in ("src", "href", "srcset", "action") if name in attrs]
    assert targets
    assert all(t.startswith(("data:image/png;base64,", "#")) for t in targets)
    assert not re.search(r"@import|url\(", html)


def test_every_anchor_leads_to_a_section(page):
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    links = [attrs["href"].removeprefix("#") for tag, attrs in page.tags if tag == "a"]
    assert len(links) == 9
    assert set(links) <= set(ids)
    assert len(ids) == len(set(ids))


def test_text_of_the_run_is_escaped(html, page):
    assert "<script>" not in html
    assert "<script>alert(1)</script>" in page.text
    assert "a & b <c>" in page.text


def test_pictures_are_pngs_with_words_for_them_and_tables_have_captions(page):
    pictures = [attrs for tag, attrs in page.tags if tag == "img"]
    # scores, tree, NDVI, embedding, shares, split, curves, 2 confusions in 2 normalisations, panels, map, confidence
    assert len(pictures) == 14
    for attrs in pictures:
        assert base64.b64decode(attrs["src"].split(",", 1)[1]).startswith(b"\x89PNG")
        assert len(attrs["alt"]) > 10
        assert int(attrs["width"]) > 100
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption") > 8


def test_page_tells_numbers_with_their_reasons(page):
    for words in (
        "2 empty geometry; 1 duplicate geometry",
        "dropped: no data",
        "the product's BOA_ADD_OFFSET is absent",
        "−1000",
        "345.7 ha; 3 dropped",
        "no interval: only 4 blocks",
        "There are no intervals: 4 blocks with counted pixels; an interval needs at least 10.",
        "No ground and no parcel is shared by two parts",
        "17,660,027",
        "lowest validation loss of 12 epochs",
        "Fitted in one go",
        "unet − forest",
        "5 stages, as each was made",
        "EPSG:2154",
        "Maize 1 0.2 100.0 % 100.0 %",
        "Wheat 2 4.0 50.0 % 75.0 %",
        "0123456789ab",
    ):
        assert words in page.text, words


def test_leaky_split_is_a_warning(run):
    audit = {**run.split_audit, "leaky": True, "verdict": "LEAKY: parts share 5 parcels."}
    assert '<p class="warning">LEAKY: parts share 5 parcels.' in render_report(
        dataclasses.replace(run, split_audit=audit)
    )


def test_run_without_anything_says_so_and_still_is_a_page():
    page = Page(render_report(RunData("empty")))
    for words in (
        "has not been evaluated yet",
        "No stage of this run has left a tally.",
        "No taxonomy has been applied yet.",
        "No products have been searched for yet.",
        "No data set has been built yet.",
        "The data set has not been split yet.",
        "No model has been trained yet.",
        "No model has been evaluated yet.",
        "No map has been made yet.",
    ):
        assert words in page.text, words


@pytest.mark.parametrize(
    "part", ["audit", "taxonomy", "dataset", "split", "split_audit", "evaluation", "maps", "checkpoints", "labels"]
)
def test_any_part_may_be_missing(run_paths, run_extras, part, monkeypatch):
    monkeypatch.setattr("bocage.reports.figures.PICTURE_DPI", 24)  # quick, small pictures
    empty = RunPaths()
    paths = dataclasses.replace(run_paths, **{part: getattr(empty, part)})
    Page(render_report(read_run("part of a run", paths, **run_extras)))


def test_path_that_leads_nowhere_is_an_error_that_names_it(run_paths, tmp_path):
    with pytest.raises(MissingFile, match=r"nowhere\.json"):
        read_run("x", dataclasses.replace(run_paths, audit=tmp_path / "nowhere.json"))


def test_damaged_raster_is_an_error_that_names_it(tmp_path):
    (tmp_path / "labels.tif").write_bytes(b"II*\0 not a tiff")
    with pytest.raises(CorruptFile, match=r"labels\.tif"):
        read_raster(tmp_path / "labels.tif")


def test_raster_is_thinned_by_whole_steps(run_paths):
    path = run_paths.maps[0] / "class_map.tif"
    whole, thin = read_raster(path), read_raster(path, longest_px=40)
    assert whole.values.shape == (64, 96)
    assert thin.values.shape == (22, 32)
    assert thin.bounds == whole.bounds == (530_000, 4_799_360, 530_960, 4_800_000)
    assert set(np.unique(thin.values)) <= set(np.unique(whole.values))


def test_report_is_written_whole_or_not_at_all(run, tmp_path, monkeypatch):
    path = tmp_path / "deep" / "report.html"
    write_report(run, path)
    before = path.read_bytes()
    assert before.rstrip().endswith(b"</html>")
    monkeypatch.setattr("bocage.reports.write.to_html", lambda page: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(run, path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["figures", "report.html"]


def test_same_run_gives_the_same_bytes(run, html):
    assert render_report(run) == html


def test_every_picture_is_also_a_png_and_its_data_a_csv(run, tmp_path):
    page = build_report(run)
    write_page(page, tmp_path / "report.html")
    names = [p.name for p in page.pictures]
    assert len(set(names)) == len(names)
    found = {p.name for p in (tmp_path / "figures").iterdir()}
    assert found == {f"{name}.{ending}" for name in names for ending in ("png", "csv")}
    for picture in page.pictures:
        table = pd.read_csv(tmp_path / "figures" / f"{picture.name}.csv")
        assert len(table) == len(picture.data) > 0
    curves = pd.read_csv(tmp_path / "figures" / "curves-unet.csv")
    assert curves["learning_rate"].tolist() == [1e-3] * 7 + [5e-4] * 5

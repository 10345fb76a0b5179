"""Numbers as text, and pictures pixel by pixel."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from bocage.core.page import Row, Table, count, hectares, listing, percent, plain, score, seconds, signed, words
from bocage.datasets.info import ClassInfo
from bocage.reports import figures, materials
from bocage.reports.data import Raster, RunData
from bocage.reports.results import interval_text

CLASSES = (ClassInfo(0, "background", "#ffffff", "Background"), ClassInfo(1, "wheat", "#a57000", "Wheat"))


def test_numbers_as_text():
    assert count(1234567) == "1,234,567"
    assert count(None) == "–"
    assert (score(0.12345), score(None)) == ("0.123", "–")
    assert (signed(0.05), signed(-0.05)) == ("+0.050", "−0.050")
    assert (percent(0.1234), percent(0.0001), percent(0.0), percent(None)) == ("12.3 %", "< 0.05 %", "0.0 %", "–")
    assert hectares(12345.67) == "12,345.7"
    assert (seconds(3.21), seconds(600), seconds(7200)) == ("3.2 s", "10 min", "2.0 h")


def test_words():
    assert (words("clear_scl"), words("block_m"), words("crs")) == ("Clear SCL", "Block (m)", "CRS")
    assert words("n_without_year") == "Without year (number)"
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert plain({"a": [1, 2.5, True], "b": None}) == "a 1, 2.5, yes, b –"


def test_table_with_a_short_row_is_refused():
    with pytest.raises(ValueError, match="2 cells"):
        Table("t", ("a", "b"), (Row(("only one",)),))


def test_interval_or_the_reason_why_not():
    interval = {"miou": {"low": 0.1, "high": 0.25, "level": 0.95, "method": "m"}}
    assert interval_text({"interval": interval, "n_blocks": 12}, "miou") == "0.100–0.250"
    assert interval_text({"interval": None, "n_blocks": 4}, "miou") == "no interval: only 4 blocks"
    assert interval_text({"interval": None, "n_blocks": 1}, "miou") == "no interval: only 1 block"
    of_folds = {"interval": None, "interval_reason": "a mean over 5 folds", "n_blocks": 50}
    assert interval_text(of_folds, "miou") == "no interval: a mean over 5 folds"


def test_class_ids_are_painted_in_taxonomy_colours_and_unknown_ids_in_stripes():
    picture = figures.paint(np.array([[0, 1], [255, 7]], np.uint8), CLASSES)
    assert picture.tolist() == [
        [[255, 255, 255], [0xA5, 0x70, 0x00]],
        [[0xD9, 0xDB, 0xD6], [0xF4, 0xF5, 0xF2]],
    ]


def read(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def has(picture: np.ndarray, color: str) -> int:
    """Pixels of exactly this colour."""
    return int((picture == [int(color[i : i + 2], 16) for i in (1, 3, 5)]).all(-1).sum())


def test_map_shows_each_class_in_its_colour_and_its_share():
    values = np.zeros((40, 60), np.uint8)
    values[:, 30:] = 1
    picture = read(figures.class_map(Raster(values, (0, 0, 600, 400), "EPSG:32631"), CLASSES))
    wheat = has(picture, "#a57000")
    assert 0.3 * picture[..., 0].size < wheat < 0.5 * picture[..., 0].size


def test_split_map_colours_each_part():
    raster = Raster(np.zeros((40, 60), np.uint8), (0, 0, 600, 400), "EPSG:32631")
    boxes = {"training": [(0, 0, 200, 400)], "test": [(400, 0, 600, 400)]}
    picture = read(figures.split_map(raster, boxes, CLASSES))
    assert has(picture, figures.PART_COLORS["training"]) > 500
    assert has(picture, figures.PART_COLORS["test"]) > 500
    assert has(picture, figures.PART_COLORS["validation"]) == 0


def test_confusion_matrix_without_reference_rows_draws():
    matrix = np.array([[0, 0], [3, 1]])
    assert read(figures.confusion_matrix(matrix, CLASSES)).shape[0] > 100


def test_learning_curves_take_missing_scores_and_one_epoch():
    epoch = {"epoch": 1, "train_loss": 1.0, "val_loss": None, "val_miou": None, "learning_rate": 1e-3}
    assert read(figures.learning_curves([epoch], None, None)).shape[1] > 500


def test_declarations_of_one_year_beside_images_of_another_are_told():
    manifest = pd.DataFrame(
        {"country": ["FR", "FR", "AT"], "year": [2017, 2017, 2018], "days": [[17600], [17700, 17800], [17500, 17600]]}
    )
    said = materials.warnings(RunData(name="r", experiment="", manifest=manifest))
    assert len(said) == 1
    assert said[0].startswith("The declarations of FR are of 2017, but every image is of 2018")


def test_shares_within_one_decade_are_written_in_per_cent(monkeypatch):
    monkeypatch.setattr(figures, "to_png", lambda figure: figure)
    classes = [ClassInfo(1, "wheat", "#a57000", "Wheat"), ClassInfo(2, "maize", "#ffd300", "Maize")]
    figure = figures.class_shares({"training": {"wheat": 0.7, "maize": 0.3}}, classes)
    FigureCanvasAgg(figure).draw()
    written = [label.get_text() for label in figure.axes[0].get_xticklabels(which="both")]
    assert {"10", "20", "50", "100"} <= set(written)
    assert not [text for text in written if "$" in text]

"""A card a model: what it eats, what it was trained on, how well it does and what it is not for."""

import pytest

from bocage.core.page import Page, Row, Section, Table, Text
from bocage.core.render import to_markdown
from bocage.reports.cards import model_card
from bocage.reports.read import read_run
from bocage.reports.write import write_model_cards


@pytest.fixture(scope="module")
def run(run_paths, run_extras):
    return read_run("trial", run_paths, **run_extras)


def test_every_model_gets_a_card_in_two_formats(run, tmp_path):
    write_model_cards(run, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["forest.html", "forest.md", "unet.html", "unet.md"]
    assert (tmp_path / "unet.html").read_text().rstrip().endswith("</html>")


def test_card_names_input_data_scores_and_limits(run):
    text = to_markdown(model_card(run, "unet"))
    score = run.evaluation["models"]["unet"]["protocols"]["all_pixels"]["miou_foreground"]
    for words in (
        "# unet · model card",
        "- Kind: unet4_gn",
        "- Trainable parameters: 17,660,027",
        "- Bands: B02, B03, B04, B08",
        "Background, Wheat, Maize and Vineyard <3",
        f"| all_pixels | foreground mIoU | {score:.3f} | no interval: only 4 blocks |",
        "no statement about crop areas",
        "FR 2018",
        "- Split by: blocks",
    ):
        assert words in text, words


def test_card_of_a_model_that_was_not_judged_says_so(run_paths, run_extras):
    from dataclasses import replace

    run = read_run("trial", replace(run_paths, evaluation=None), **run_extras)
    assert "This model has not been evaluated yet." in to_markdown(model_card(run, "forest"))


def test_markdown_of_a_table_escapes_bars_and_sets_numbers_right():
    table = Table("c", ("a", ">b"), (Row(("x|y", "1")),), "a note")
    assert to_markdown(Page("n", "w", (), (Section("s", "S", (Text("t"), table)),))) == (
        "# n · w\n\n## S\n\nt\n\n**c**\n\n| a | b |\n| --- | --: |\n| x\\|y | 1 |\n\na note\n"
    )


def test_a_line_break_in_a_cell_leaves_its_table_whole() -> None:
    table = Table("", ("crop",), (Row(("blé\n| dur",)),))
    assert to_markdown(Page("n", "w", (table,), ())).splitlines()[-1] == "| blé \\| dur |"

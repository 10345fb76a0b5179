"""The report of a real run, opened by a real browser without a network."""

from pathlib import Path

import pytest


@pytest.mark.slow
def test_every_picture_of_the_report_is_drawn_without_a_network(browse, report, tmp_path):
    probe = tmp_path / "probe.html"
    # the page, and a script that writes what the browser made of it into its title
    script = """<script>addEventListener("load", () => {
        const images = [...document.images];
        const drawn = images.filter(i => i.complete && i.naturalWidth > 50).length;
        const wide = document.documentElement.scrollWidth > innerWidth + 1;
        const out = document.querySelectorAll('[src^="http"], link[href], script[src]').length;
        document.title = `images ${images.length} drawn ${drawn} wide ${wide} outside ${out}`;
    })</script>"""
    probe.write_text(report.read_text().replace("</body>", script + "</body>"))
    page = browse("--window-size=1200,900", "--dump-dom", probe.as_uri())
    title = page.stdout.split("<title>")[1].split("</title>")[0]
    _, n_images, _, n_drawn, _, is_wide, _, n_outside = title.split()
    assert int(n_images) == int(n_drawn) >= 6
    assert is_wide == "false"
    assert n_outside == "0"
    for words in ("What went in", "Split", "Training", "Evaluation", "Map", "Provenance"):
        assert words in page.stdout


@pytest.mark.slow
def test_the_report_is_a_picture_and_not_a_blank_page(browse, report, tmp_path):
    from PIL import Image

    shot = tmp_path / "shot.png"
    browse(
        *("--window-size=1200,2000", f"--screenshot={shot}"),
        report.as_uri(),
    )
    colors = Image.open(shot).convert("RGB").getcolors(1 << 24)
    assert len(colors) > 100
    assert Path(shot).stat().st_size > 20_000

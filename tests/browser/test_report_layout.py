"""The report as a reader meets it, on a desk (1280 px) and on a telephone (390 px); and its figures, text by text."""

import html
import json
import re

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

WIDTHS = (1280, 390)
PROBE = """<script>addEventListener("load", () => {
  const lines = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, range = document.createRange();
    if (!node.data.trim() || node.parentElement.closest("style, script, pre")) continue;
    range.selectNodeContents(node);
    for (const r of range.getClientRects())
      if (r.width > 1 && r.height > 1) lines.push([r.left, r.top + 3, r.right, r.bottom - 3, node.data.trim()]);
  }
  const overlaps = [];
  lines.forEach((a, i) => lines.slice(i + 1).forEach(b => {
    if (a[0] < b[2] - 1 && b[0] < a[2] - 1 && a[1] < b[3] && b[1] < a[3]) overlaps.push([a[4], b[4]]);
  }));
  const cut = [...document.querySelectorAll("h1, h2, h3, p, dt, dd, caption span, figcaption, summary, nav a")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.textContent);
  const hidden = [...document.querySelectorAll(".table, figure, pre")]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "auto").map(e => e.className);
  const pictures = [...document.images]
    .filter(i => Math.abs(i.naturalWidth / i.naturalHeight - i.width / i.height) > .03);
  const result = {width: innerWidth, scroll: document.documentElement.scrollWidth, n_lines: lines.length, overlaps, cut,
    hidden, squeezed: pictures.length};
  parent.document.getElementById("found").textContent = JSON.stringify(result);
})</script>"""


def at_width(report, folder, width):
    """A page that shows the report in a frame of this width: Chromium's own window is never under 500 px."""
    page = report.read_text().replace("</body>", PROBE + "</body>")
    wrapper = folder / f"at-{width}.html"
    frame = f'<iframe width="{width}" height="2000" style="border:0" srcdoc="{html.escape(page)}"></iframe>'
    wrapper.write_text(f'<meta charset="utf-8"><body style="margin:0"><pre id="found" hidden></pre>{frame}')
    return wrapper


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("page", "n_lines"), [("report.html", 300), ("model_cards/unet.html", 100), ("dataset/card.html", 60)]
)
def test_nothing_overlaps_is_cut_or_scrolls_sideways(browse, report, tmp_path, page, n_lines, width):
    wrapper = at_width(report.parent / page, tmp_path, width)
    shown = browse("--window-size=1400,2100", "--virtual-time-budget=8000", "--dump-dom", wrapper.as_uri())
    found = json.loads(
        html.unescape(re.search(r'<pre id="found" hidden="">(.*?)</pre>', shown.stdout, re.DOTALL).group(1))
    )
    assert found["width"] == width
    assert found["n_lines"] > n_lines
    assert found["scroll"] <= width
    assert found["overlaps"] == []
    assert found["cut"] == []
    assert found["hidden"] == []
    assert found["squeezed"] == 0


# ── the text inside the figures ──────────────────────────────────────────────────────────────────────────────────────


def shown_texts(figure):
    """(text, box in pixels) of everything written in a figure; labels of ticks beyond the ends of an axis are not."""
    renderer, off = figure.canvas.get_renderer(), set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            drawn = axis._update_ticks() if axes.axison else []
            ticks = [t for t in (*axis.majorTicks, *axis.minorTicks) if t not in drawn]
            off |= {id(label) for tick in ticks for label in (tick.label1, tick.label2)}
    for artist in figure.findobj(Text):
        if artist.get_visible() and artist.get_text().strip() and id(artist) not in off:
            yield artist.get_text(), artist.get_window_extent(renderer)


def unlabelled_axes(figure):
    """Axes with numbers on an axis whose label gives no unit in brackets (the title may stand for the y axis)."""
    shared = {"x": figure.get_supxlabel(), "y": figure.get_supylabel()}
    for axes in figure.axes:
        for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            texts = [t.get_text().replace("−", "-") for t in axis.get_ticklabels() if t.get_visible()]
            numbers = [t for t in texts if re.fullmatch(r"-?[\d.,e+-]+", t)]
            label = axis.get_label().get_text() or shared[name] or (axes.get_title(loc="left") if name == "y" else "")
            if axes.axison and numbers and "(" not in label and "easting" not in label:
                yield f"{name} axis labelled '{label}'"


@pytest.fixture(scope="module")
def figures_of(report, tmp_path_factory):
    """Every figure of the report, as matplotlib holds it just after it is drawn."""
    from bocage.cli.main import main
    from bocage.reports import figures, plots

    kept, draw = [], figures.to_png

    def keep(figure):
        png = draw(figure)
        with mpl.rc_context(figures.STYLE):
            FigureCanvasAgg(figure).draw()
        kept.append(figure)
        return png

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOCAGE_CACHE", str(report.parents[1] / "cache"))
        patch.setattr(figures, "to_png", keep)
        patch.setattr(plots, "to_png", keep)
        renamed = str(tmp_path_factory.mktemp("again"))
        again = ["report", str(report.parents[1] / "page.yaml"), "--set", "name=again", "--out", renamed, "--quiet"]
        assert main(again) == 0
    return kept


@pytest.mark.slow
def test_no_figure_cuts_or_overlaps_its_text_and_every_axis_has_its_unit(figures_of):
    assert len(figures_of) >= 13
    for number, figure in enumerate(figures_of):
        texts = list(shown_texts(figure))
        whole = figure.bbox
        for text, box in texts:
            inside = (
                box.x0 >= whole.x0 - 1 and box.x1 <= whole.x1 + 1 and box.y0 >= whole.y0 - 1 and box.y1 <= whole.y1 + 1
            )
            assert inside, f"figure {number}: '{text}' is cut"
        for i, (text, a) in enumerate(texts):
            for other, b in texts[i + 1 :]:
                apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 2 or b.y1 <= a.y0 + 2
                is_slanted = (
                    figure.axes and len(text) > 3 and any(t.get_rotation() for t in figure.axes[0].get_xticklabels())
                )
                assert apart or is_slanted, f"figure {number}: '{text}' and '{other}' overlap"
        for legend in [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]:
            box = legend.get_window_extent()
            is_whole = box.x0 >= -1 and box.x1 <= whole.x1 + 1 and box.y0 >= -1
            assert is_whole, f"figure {number}: the legend is cut"
        assert list(unlabelled_axes(figure)) == [], f"figure {number}"

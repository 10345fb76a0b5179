"""Class names and colours -> a QGIS style and a legend table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

QML_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


def to_qml(class_names: Sequence[str], colors: Sequence[str]) -> str:
    """A QGIS layer style: a paletted renderer of band 1 with one entry a class, in the colours of the map.

    QGIS loads a `.qml` file by itself when it has the name of the raster.
    Source: QgsPalettedRasterRenderer::writeXml (elements rasterrenderer, colorPalette, paletteEntry).
    """
    root = ET.Element("qgis", {"styleCategories": "Symbology"})
    renderer = ET.SubElement(
        ET.SubElement(root, "pipe"),
        "rasterrenderer",
        {"type": "paletted", "band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""},
    )
    palette = ET.SubElement(renderer, "colorPalette")
    for i, (name, color) in enumerate(zip(class_names, colors, strict=True)):
        ET.SubElement(palette, "paletteEntry", {"value": str(i), "color": color, "alpha": "255", "label": name})
    ET.indent(root)
    return QML_HEAD + ET.tostring(root, encoding="unicode") + "\n"


def to_legend(class_names: Sequence[str], colors: Sequence[str]) -> str:
    """CSV: value, name, red, green, blue (0–255), hex."""
    lines = ["value,name,red,green,blue,hex"]
    for i, (name, color) in enumerate(zip(class_names, colors, strict=True)):
        red, green, blue = bytes.fromhex(color.removeprefix("#"))
        quoted = '"' + name.replace('"', '""') + '"' if any(c in name for c in ',"\n') else name
        lines.append(f"{i},{quoted},{red},{green},{blue},{color}")
    return "\n".join(lines) + "\n"

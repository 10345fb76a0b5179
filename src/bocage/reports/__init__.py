"""Reports: one self-contained HTML file per run. In: the files that the stages left behind. Out: `report.html`.

`read.read_run` is the only reader and `write.write_report` the only writer; between them everything is pure: `sections`
turns a `data.RunData` into a `core.page.Page` of text, tables and pictures, and `figures` draws the pictures.
"""

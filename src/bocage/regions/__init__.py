"""Regions: where to look. `plan` turns options or a command-line text into named outlines; `read` opens vector files.

An outline is a longitude/latitude geometry, or None for "wherever there are images".
"""

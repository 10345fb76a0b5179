"""The structure of a JPEG 2000 file, without decoding. Pure: works on an open binary file.

A multi-tile file that was cut is read by GDAL's threads without an error and with wrong pixels. So the chain of boxes
and tile-parts is followed from the start of the codestream to its end marker; that costs a few reads per tile-part.

Source: ISO/IEC 15444-1, annex A (codestream syntax) and annex I (JP2 file format).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

SIGNATURE = bytes.fromhex("0000000c6a502020")  # the JP2 signature box
CODESTREAM = bytes.fromhex("ff4fff51")  # SOC and SIZ: a bare codestream
END = bytes.fromhex("ffd9")  # EOC, the last two bytes
_SOT, _EOC = 0xFF90, 0xFFD9


def find_damage(file: BinaryIO) -> str | None:
    """What is broken in a JP2 file or bare codestream, in a few words; None if its structure is whole.

    Checked: every box lies inside the file, the codestream begins with SOC and SIZ, the tile-part lengths lead from one
    to the next and to the end marker, and every tile that the header announces is there.
    """
    size = file.seek(0, os.SEEK_END)
    if _read_at(file, 0, 4) == CODESTREAM:
        return _codestream_damage(file, 0, size)
    position = 0
    while position < size:
        head = _read_at(file, position, 16)
        if len(head) < 8:
            return f"cut inside a box header at byte {position} of {size}"
        length, kind = struct.unpack(">I4s", head[:8])
        header = 8
        if length == 1 and len(head) == 16:
            length, header = struct.unpack(">Q", head[8:])[0], 16
        end = size if length == 0 else position + length
        if end > size:
            return f"cut: box '{kind.decode('latin-1')}' should end at byte {end}, the file at {size}"
        if end < position + header:
            return f"box '{kind.decode('latin-1')}' at byte {position} has the impossible length {length}"
        if kind == b"jp2c":
            return _codestream_damage(file, position + header, end)
        position = end
    return "it holds no codestream"


def _codestream_damage(file: BinaryIO, start: int, end: int) -> str | None:
    if _read_at(file, start, 4) != CODESTREAM:
        return "its codestream does not begin with the SOC and SIZ markers"
    n_tiles, position = _count_tiles(file, start + 2), start + 2
    seen: set[int] = set()
    while True:
        head = _read_at(file, position, 12)
        if len(head) < 2 or position + 2 > end:
            return f"cut: no end-of-codestream marker up to byte {end} ({len(seen)} of {n_tiles} tiles found)"
        (marker,) = struct.unpack(">H", head[:2])
        if marker == _EOC:
            lost = n_tiles - len(seen)
            return f"{lost} of {n_tiles} tiles are missing" if lost else None
        if marker >> 8 != 0xFF or len(head) < 4:
            return f"no marker at byte {position} ({len(seen)} of {n_tiles} tiles found)"
        (length,) = struct.unpack(">H", head[2:4])
        if marker == _SOT and len(head) == 12:
            tile, part_length = struct.unpack(">HI", head[4:10])
            seen.add(tile)
            length = (part_length or end - 2 - position) - 2  # 0: the last part, up to the end marker
        if length < 2 or position + 2 + length > end:
            return f"cut: a part should end at byte {position + 2 + length}, the codestream ends at {end}"
        position += 2 + length


def _count_tiles(file: BinaryIO, siz: int) -> int:
    """Number of tiles from the SIZ marker: image and tile size and their offsets (A.5.1)."""
    fields = _read_at(file, siz + 6, 32)
    if len(fields) < 32:
        return 0
    x1, y1, _x0, _y0, width, height, tile_x0, tile_y0 = (int(v) for v in struct.unpack(">8I", fields))
    if not width or not height:
        return 0
    return -(-(x1 - tile_x0) // width) * -(-(y1 - tile_y0) // height)


def _read_at(file: BinaryIO, position: int, n: int) -> bytes:
    file.seek(position)
    return file.read(n)

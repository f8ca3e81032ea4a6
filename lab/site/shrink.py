"""Pictures made smaller for a page, so that they look the same.

Plots have few colours: 256 of them, kept without loss, are a third of the bytes or less. Where that
would show, as in a photograph or a smooth map, the picture is kept with a loss that does not.
"""

from __future__ import annotations

import io
from typing import Any

_COLOURS = 256
_VISIBLE = 6.0  # mean square root of the error of a channel, of 255
_WORTH = 0.8  # of the bytes; above, the picture stays
_MOST_PIXELS = 20_000_000
_QUALITY = 85


def shrunk(data: bytes, *, width: int | None = None) -> bytes:
    """A PNG as WebP in fewer bytes, at most `width` pixels wide.

    What is no PNG, moves, cannot be read or would hardly be smaller is given back as it is.
    """
    from PIL import Image

    if not data.startswith(b"\x89PNG"):
        return data
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
            if opened.width * opened.height > _MOST_PIXELS or getattr(opened, "n_frames", 1) > 1:
                return data
            picture: Any = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
        if width and picture.width > width:
            height = max(1, round(picture.height * width / picture.width))
            picture = picture.resize((width, height), Image.Resampling.BICUBIC)
        made = _encoded(picture)
    except Exception:  # of a damaged file, whatever its reader makes of it
        return data
    return made if len(made) <= _WORTH * len(data) else data


def _encoded(picture: Any) -> bytes:
    from PIL import Image, ImageChops, ImageStat

    few = picture.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few = few.convert(picture.mode)
    plain = max(ImageStat.Stat(ImageChops.difference(picture, few)).rms) <= _VISIBLE
    made = io.BytesIO()
    if plain:
        few.save(made, "WEBP", lossless=True, quality=20, method=2)
    else:
        picture.save(made, "WEBP", quality=_QUALITY, method=2)
    return made.getvalue()

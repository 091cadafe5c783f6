"""QR pictures of short addresses (ISO/IEC 18004), black on white: phones read no other colours as surely."""

from __future__ import annotations

from io import BytesIO

import segno

# Four modules of white around it are part of the picture (section 9.1); M mends 15 % that is covered or dirty.
BORDER = 4
ERROR = "m"
PNG_MODULE_PIXELS = 16


def qr_svg(address: str) -> bytes:
    out = BytesIO()
    _code(address).save(out, kind="svg", border=BORDER, scale=8, dark="#000", light="#fff", xmldecl=False)
    return out.getvalue()


def qr_png(address: str) -> bytes:
    out = BytesIO()
    _code(address).save(out, kind="png", border=BORDER, scale=PNG_MODULE_PIXELS, dark="#000", light="#fff")
    return out.getvalue()


def _code(address: str) -> segno.QRCode:
    return segno.make_qr(address, error=ERROR)

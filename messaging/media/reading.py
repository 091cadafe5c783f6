"""From the bytes that somebody uploaded to a picture that can go out: upright, small, and without anything but pixels.

    bytes -> what kind, by content -> size in its header -> pixels -> upright, in sRGB -> JPEG or PNG within the limits

What comes out is written anew from the pixels alone: no place, no camera, no names, nothing behind the end of the file.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, ImageChops, ImageCms
from PIL.Image import Transpose
from PIL.ImageFile import ImageFile

from messaging.errors import MessagingError
from providers.connectors import REGISTRY
from providers.connectors.capabilities import JPEG, PNG

# Read, by Pillow's names; whatever else it could read is refused before its code sees the file.
READ = ("JPEG", "PNG", "GIF")
# MPO: a JPEG with further ones behind it.
PHOTOS = ("JPEG", "MPO")
JPEG_START = b"\xff\xd8"
# A phone's largest photos have 48 million pixels. A JPEG is read at a fraction of its size, the others are not.
MOST_PIXELS = 50_000_000
MOST_PIXELS_OTHERS = 20_000_000
# The longer edge of what goes out: carriers shrink larger ones, in their own way.
EDGES = (1600, 1280, 1024, 800, 640, 480, 320)
# Where something shines through: what would have to be smaller still goes out on white.
LEAST_PNG_EDGE = 800
THUMBNAIL_EDGE = 320
# How Pillow writes them, the best first.
SETTINGS: dict[str, list[dict[str, Any]]] = {
    JPEG: [
        {"format": "JPEG", "quality": quality, "optimize": True, "progressive": True}
        for quality in (85, 75, 65)
    ],
    PNG: [{"format": "PNG"}],
}
# As many times the limit at the bytes a pixel of the size before is not tried: a PNG takes a second to write.
HOPELESS = 1.5
ENDINGS = {JPEG: "jpg", PNG: "png"}
# EXIF 2.32, 4.6.4 A: how to turn it for each value of Orientation.
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)
SRGB = ImageCms.createProfile("sRGB")
# How files begin that people take for pictures, and what they are called (for HEIC, AVIF: from the fifth byte on).
_OTHERS = (
    (b"RIFF", "WebP"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG"),
)
_BOXES = ((b"ftyphei", "HEIC"), (b"ftypmif1", "HEIC"), (b"ftypavif", "AVIF"))


@dataclass(frozen=True, slots=True)
class CleanPicture:
    """`original_*`: of the upload, upright. `thumbnail`: WebP. `is_recoded`: a PNG or GIF became a JPEG; `is_on_white`: and
    something had shone through."""

    content: bytes
    kind: str
    width: int
    height: int
    thumbnail: bytes
    original_width: int
    original_height: int
    original_bytes: int
    is_recoded: bool = False
    is_on_white: bool = False

    @property
    def is_smaller(self) -> bool:
        return (self.width, self.height) != (self.original_width, self.original_height)


def most_bytes() -> int:
    """So small that one picture fits any vendor that sends pictures."""
    vendors = [vendor.capabilities for vendor in REGISTRY.values() if vendor.capabilities.media]
    return min(can.media_limits.most_bytes for can in vendors)


def clean_picture(content: bytes) -> CleanPicture:
    """Raises MessagingError at `file`."""
    image = _opened(content)
    original = image.size
    try:
        _require_still(image)
        pixels, is_turned = _upright(image)
    except MessagingError:
        raise
    except Exception:
        # What decoders raise on a broken file has no class in common.
        raise _refused(
            _("The picture cannot be read to its end: the file is damaged. Save it again.")
        ) from None
    made, kind, size = _within_limits(pixels, is_photo=image.format in PHOTOS)
    was = original[::-1] if is_turned else original
    is_recoded = kind == JPEG and image.format not in PHOTOS
    is_on_white = is_recoded and pixels.mode == "RGBA" and pixels.getchannel("A").getextrema() != (255, 255)
    return CleanPicture(
        made,
        kind,
        *size,
        _thumbnail(pixels),
        *was,
        len(content),
        is_recoded=is_recoded,
        is_on_white=is_on_white,
    )


def _opened(content: bytes) -> ImageFile:
    """Its header alone is read, and has to be of a size that can be read."""
    if not content:
        raise _refused(_("The file is empty. Choose a picture."))
    try:
        image = Image.open(io.BytesIO(content), formats=READ)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _refused(
            _too_many_pixels(MOST_PIXELS if content[:2] == JPEG_START else MOST_PIXELS_OTHERS)
        ) from None
    except Exception:
        raise _refused(_no_picture(content)) from None
    most = MOST_PIXELS if image.format in PHOTOS else MOST_PIXELS_OTHERS
    if image.width * image.height > most:
        raise _refused(_too_many_pixels(most, image.width, image.height))
    _scale_clear_grey(image, content)
    return image


def _require_still(image: ImageFile) -> None:
    # The further pictures of an MPO, as phones write them, are the same one for other eyes.
    if image.format not in PHOTOS and getattr(image, "is_animated", False):
        raise _refused(
            _("This picture moves, and no provider that Crier knows sends those. Save one still of it.")
        )


def _scale_clear_grey(image: ImageFile, content: bytes) -> None:
    """Of a PNG of 2 or 4 bits of grey (its header's bytes 24 and 25) Pillow scales the pixels to 8 bits, and not the value
    that shines through."""
    clear = image.info.get("transparency")
    if image.format == "PNG" and isinstance(clear, int) and content[25] == 0 and content[24] in (2, 4):
        image.info["transparency"] = clear * 255 // (2 ** content[24] - 1)


def _upright(image: ImageFile) -> tuple[Image.Image, bool]:
    """Its pixels alone, turned as the camera was held, in the colours of the web: L, RGB or RGBA. And whether width and
    height changed places."""
    if image.format in PHOTOS:
        image.draft(None, (2 * EDGES[0], 2 * EDGES[0]))
    image.load()
    plain = _in_plain_colours(image, image.info.get("icc_profile"))
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Notes of a camera that cannot be read spoil no picture.
        turn = 1
    method = TURNS.get(turn)
    return (plain.transpose(method) if method is not None else plain), turn in SIDEWAYS


def _in_plain_colours(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode.startswith("I"):
        return _of_16_bits(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            found = ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A profile that is broken or of other colours changes nothing: the picture is shown as if it had none.
            found = None
        if found is not None:
            return found
    return image if image.mode == "L" else image.convert("RGB")


def _of_16_bits(image: Image.Image) -> Image.Image:
    """Grey. Pillow would cut the bits off, not scale them, and compare what shines through afterwards."""
    grey = image.convert("I").point(lambda value: value / 256).convert("L")
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    low_first = image.convert("I;16").tobytes()
    low = Image.frombytes("L", image.size, low_first[0::2]).point(
        [255 * (n == clear % 256) for n in range(256)]
    )
    high = Image.frombytes("L", image.size, low_first[1::2]).point(
        [255 * (n == clear >> 8) for n in range(256)]
    )
    alpha = ImageChops.invert(ImageChops.darker(low, high))
    return Image.merge("RGBA", (grey, grey, grey, alpha))


def _within_limits(pixels: Image.Image, *, is_photo: bool) -> tuple[bytes, str, tuple[int, int]]:
    """A photo as JPEG. Anything else as PNG where that fits, if need be somewhat smaller; else as JPEG, on white where
    something shone through."""
    shines_through = pixels.mode == "RGBA"
    if not is_photo:
        edges = [edge for edge in EDGES if edge >= LEAST_PNG_EDGE] if shines_through else EDGES[:1]
        if found := _first_that_fits(pixels, edges, PNG):
            return found
    found = _first_that_fits(_on_white(pixels) if shines_through else pixels, EDGES, JPEG)
    if found is None:
        raise _refused(_("The picture cannot be made small enough to be sent. Choose another one."))
    return found


def _first_that_fits(
    pixels: Image.Image, edges: Sequence[int], kind: str
) -> tuple[bytes, str, tuple[int, int]] | None:
    limit, expected = most_bytes(), 0.0
    for edge in edges:
        sized = _sized(pixels, edge)
        area = sized.width * sized.height
        if expected * area > HOPELESS * limit:
            continue
        for options in SETTINGS[kind]:
            content = _saved(sized, options)
            if len(content) <= limit:
                return content, kind, sized.size
            expected = len(content) / area
    return None


def _on_white(pixels: Image.Image) -> Image.Image:
    white = Image.new("RGB", pixels.size, "white")
    white.paste(pixels, mask=pixels.getchannel("A"))
    return white


def _sized(image: Image.Image, edge: int) -> Image.Image:
    """Never larger than it is."""
    if max(image.size) <= edge:
        return image
    scale = edge / max(image.size)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _saved(image: Image.Image, options: dict[str, Any]) -> bytes:
    """Of a fresh image, so that nothing but the pixels can be written."""
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    target = io.BytesIO()
    bare.save(target, **options)
    return target.getvalue()


def _thumbnail(pixels: Image.Image) -> bytes:
    small = _sized(pixels, THUMBNAIL_EDGE)
    return _saved(small if small.mode != "L" else small.convert("RGB"), {"format": "WEBP", "quality": 75})


def _no_picture(content: bytes) -> str:
    start = content[:512].lstrip().removeprefix(b"\xef\xbb\xbf")
    name = next((name for mark, name in _OTHERS if start.startswith(mark)), "")
    name = name or next((name for mark, name in _BOXES if content[4:16].startswith(mark)), "")
    if name:
        return _("The file is %(kind)s, whatever its name says. Save the picture as JPEG or PNG.") % {
            "kind": name
        }
    return _("This file is no picture that can be read. Choose a JPEG, PNG or GIF file.")


def _too_many_pixels(most: int, width: int = 0, height: int = 0) -> str:
    if not width:
        return _("The picture has more than %(most)d million pixels. Make it smaller.") % {
            "most": most // 10**6
        }
    sentence = _(
        "The picture has %(width)s × %(height)s pixels; at most %(most)d million are read. Make it smaller."
    )
    return sentence % {"width": f"{width:,}", "height": f"{height:,}", "most": most // 10**6}


def _refused(sentence: str) -> MessagingError:
    return MessagingError(sentence, field="file")


def too_large(size: int, most: int) -> MessagingError:
    sentence = _("The file has %(size)s; at most %(most)s can be uploaded. Make the picture smaller.")
    words = {"size": filesizeformat(size), "most": filesizeformat(most)}
    if words["size"] == words["most"]:
        sentence = _(
            "The file has a little more than %(most)s, which is the most that can be uploaded. Make it smaller."
        )
    return MessagingError(sentence % words, field="file", code="too_large")

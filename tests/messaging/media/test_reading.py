"""What is made of the bytes that somebody uploads."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from messaging.errors import MessagingError
from messaging.media import reading
from messaging.media.reading import clean_picture, most_bytes
from tests.messaging.media.makers import encoded, moving_gif, noise, phone_photo, plain, png_bomb

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_it_works() -> None:
    made = clean_picture(plain("PNG"))
    picture = opened(made.content)
    assert (made.kind, made.width, made.height, made.is_smaller) == ("image/png", 40, 30, False)
    assert (picture.format, picture.size, picture.getpixel((0, 0))) == ("PNG", (40, 30), (255, 0, 0))
    assert opened(made.thumbnail).format == "WEBP"


def test_it_turns_a_photo_upright_and_forgets_where_it_was_taken() -> None:
    made = clean_picture(phone_photo())
    picture = opened(made.content)
    assert (picture.size, made.original_width, made.original_height) == ((400, 600), 400, 600)
    # What was left is up now.
    assert picture.getpixel((200, 50))[0] > 200  # type: ignore[index]  # three bands
    assert picture.getpixel((200, 550))[2] > 200  # type: ignore[index]  # as above
    assert not picture.getexif()
    assert not {"exif", "icc_profile", "comment", "xmp"} & set(picture.info)
    for secret in (b"SecretCam", b"secret comment", b"Exif"):
        assert secret not in made.content
        assert secret not in made.thumbnail


def test_it_drops_what_stands_behind_a_picture() -> None:
    hidden = b"PK\x03\x04<script>alert(1)</script>"
    for content in (plain("JPEG") + hidden, plain("PNG") + hidden):
        assert b"script" not in clean_picture(content).content


def test_it_makes_a_large_photo_small_enough_for_every_vendor() -> None:
    made = clean_picture(encoded(noise((4000, 3000)), "JPEG", quality=95))
    assert (made.kind, made.is_smaller) == ("image/jpeg", True)
    assert max(made.width, made.height) <= 1600
    assert len(made.content) <= most_bytes() == 500_000
    assert (made.original_width, made.original_height) == (4000, 3000)


def test_it_keeps_what_shines_through_where_it_fits() -> None:
    picture = opened(clean_picture(plain("PNG", mode="RGBA", colour=(1, 2, 3, 100))).content)
    assert (picture.mode, picture.getpixel((0, 0))) == ("RGBA", (1, 2, 3, 100))
    too_large = clean_picture(encoded(noise((1200, 1200), "RGBA"), "PNG"))
    assert (too_large.kind, len(too_large.content) <= 500_000) == ("image/jpeg", True)


def test_it_makes_a_large_png_a_jpeg() -> None:
    made = clean_picture(encoded(noise((900, 900)), "PNG"))
    assert (made.kind, made.width) == ("image/jpeg", 900)


def test_sixteen_bits_with_a_clear_value_keep_their_greys() -> None:
    image = Image.new("I;16", (4, 1))
    for x, value in enumerate((0, 16_384, 40_000, 65_535)):
        image.putpixel((x, 0), value)
    made = opened(clean_picture(encoded(image, "PNG", transparency=0)).content)
    assert [made.getpixel((x, 0)) for x in range(4)] == [
        (0, 0, 0, 0),
        (64, 64, 64, 255),
        (156, 156, 156, 255),
        (255, 255, 255, 255),
    ]


def grey_png(depth: int, values: list[int], clear: int) -> bytes:
    """One row of pixels of so many bits, one value of which shines through."""
    bits = "".join(format(value, f"0{depth}b") for value in values)
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(values), 1, depth, 0, 0, 0, 0)
    body = [
        (b"IHDR", header),
        (b"tRNS", struct.pack(">H", clear)),
        (b"IDAT", zlib.compress(row)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in body)


@pytest.mark.parametrize(("depth", "values", "clear"), [(2, [0, 1, 2, 3], 1), (4, [0, 5, 10, 15], 5)])
def test_grey_of_few_bits_keeps_what_shines_through(depth: int, values: list[int], clear: int) -> None:
    made = Image.open(io.BytesIO(clean_picture(grey_png(depth, values, clear)).content)).convert("RGBA")
    pixels = [made.getpixel((x, 0)) for x in range(4)]
    assert [pixel[3] for pixel in pixels] == [255, 0, 255, 255]  # type: ignore[index]  # of RGBA
    assert [pixel[0] for pixel in pixels if pixel[3]] == [0, 170, 255]  # type: ignore[index]  # of RGBA


@pytest.mark.parametrize(
    ("content", "kind", "pixel"),
    [
        (plain("JPEG", mode="CMYK", colour=(0, 255, 255, 0)), "image/jpeg", (255, 0, 0)),
        (plain("GIF", mode="RGB"), "image/png", (255, 0, 0)),
        (plain("PNG", mode="I;16", colour=40_000), "image/png", 156),
        (plain("PNG", mode="1", colour=1), "image/png", (255, 255, 255)),
        (plain("JPEG", mode="L", colour=128), "image/jpeg", 128),
    ],
    ids=["cmyk", "gif", "sixteen bits", "one bit", "grey"],
)
def test_it_knows_all_colours(content: bytes, kind: str, pixel: object) -> None:
    made = clean_picture(content)
    found = opened(made.content).getpixel((5, 5))
    assert made.kind == kind
    pairs = zip(found, pixel, strict=True) if isinstance(found, tuple) else [(found, pixel)]  # type: ignore[call-overload]  # as many bands
    assert all(abs(has - wanted) <= 3 for has, wanted in pairs)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"hello" * 50, "no picture that can be read"),
        (SVG, "The file is SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG, "The file is SVG"),
        (b"%PDF-1.7 \n", "The file is PDF"),
        (b"\x00\x00\x00\x24ftypheic\x00\x00", "The file is HEIC"),
        (plain("WEBP"), "The file is WebP"),
        (plain("TIFF"), "The file is TIFF"),
        (phone_photo()[:900], "the file is damaged"),
        (plain("PNG", (300, 300))[:120], "the file is damaged"),
        (plain("JPEG")[:3], "no picture that can be read"),
        (png_bomb(30_000, 30_000), "more than 20 million pixels"),
        (png_bomb(6_000, 6_000), "6,000 × 6,000 pixels; at most 20 million"),
        (png_bomb(10_000, 10_000), "million"),
        (png_bomb(100, 100), "the file is damaged"),
        (moving_gif(), "This picture moves"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_rejects(content: bytes, words: str) -> None:
    with pytest.raises(MessagingError) as caught:
        clean_picture(content)
    assert caught.value.field == "file"
    assert words in str(caught.value.sentence)


def test_it_survives_notes_that_cannot_be_read() -> None:
    whole = phone_photo()
    start = whole.index(b"Exif\0\0") + 6
    broken = whole[:start] + b"\xff" * 24 + whole[start + 24 :]
    assert clean_picture(broken).kind == "image/jpeg"


def test_every_kind_it_makes_is_taken_by_every_vendor_that_sends_pictures() -> None:
    for vendor in reading.REGISTRY.values():
        if vendor.capabilities.media:
            assert set(reading.ENDINGS) <= set(vendor.capabilities.media_limits.kinds)

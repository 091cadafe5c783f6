"""Picture files, good and hostile."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image

from accounts.access import Actor
from accounts.models import Workspace
from messaging.media.services import upload_picture
from messaging.models import Media


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def plain(
    form: str = "PNG", size: tuple[int, int] = (40, 30), colour: Any = "red", mode: str = "RGB"
) -> bytes:
    return encoded(Image.new(mode, size, colour), form)


def noise(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Nothing makes it small."""
    band = Image.effect_noise(size, 100)
    return Image.merge(mode, [band] * len(mode)) if len(mode) > 1 else band


def phone_photo(size: tuple[int, int] = (600, 400), orientation: int = 6) -> bytes:
    """Held upright, with the place and the camera in it; the left half red, the right half blue, as it is stored."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "SecretCam"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return encoded(image, "JPEG", exif=exif, comment=b"secret comment", quality=95)


def png_bomb(width: int, height: int) -> bytes:
    """A header that promises more than any machine holds, in a hundred bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


def moving_gif() -> bytes:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def a_file(content: bytes, name: str = "sale.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def make_picture(
    workspace: Workspace, name: str = "Sale", content: bytes = b"", colour: Any = "red"
) -> Media:
    file = a_file(content or plain(colour=colour))
    return upload_picture(workspace=workspace, actor=Actor(), upload=file, name=name).media

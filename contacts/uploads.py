"""The body of an upload: its size is limited before it is read, and a part of a file is never taken for all of it."""

from __future__ import annotations

import io
from typing import Any, Protocol

from django.conf import settings
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from contacts.errors import FileRefused
from contacts.services.imports import require_size
from web.uploads import REST_OF_FORM

# The end of a body in which its last boundary is looked for.
TAIL_BYTES = 4096
# The beginning of a body in which fields before the file are looked for.
HEAD_BYTES = 8192


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Body(io.RawIOBase):
    """A request's body that counts what is read of it, and keeps its beginning and its end."""

    def __init__(self, stream: _Readable, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._size = 0
        self.head = self.tail = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises FileRefused once there is more than can be imported."""
        piece = self._stream.read(len(buffer))
        self.head += piece[: HEAD_BYTES - len(self.head)]
        self._size += len(piece)
        if self._size > self._limit:
            raise _too_large(self._limit - REST_OF_FORM)
        self.tail = (self.tail + piece[-TAIL_BYTES:])[-TAIL_BYTES:]
        buffer[: len(piece)] = piece
        return len(piece)


def watch_body(request: HttpRequest, most: int | None = None) -> None:
    """To be called before anything reads the body. Raises FileRefused where its Content-Length is over the limit:
    `most` bytes of a file, without it those of an import.

    A body sent in chunks, or by HTTP/2, may name no length; it is read up to the limit, where reading it raises FileRefused.
    """
    limit = (settings.IMPORT_MAX_BYTES if most is None else most) + REST_OF_FORM
    stream: _Readable = request._stream
    if request.content_type == "multipart/form-data" and _is_without_length(request):
        # Django takes a body without a length for an empty one (WSGI knows no other sign of its end), although
        # the server ends the stream where the body ends.
        stream = request.META["wsgi.input"]
        request.META["CONTENT_LENGTH"] = str(limit)
    else:
        length = request.META.get("CONTENT_LENGTH") or "0"
        size = int(length) if length.isascii() and length.isdigit() else 0
        if size > limit:
            require_size(size)
            raise _too_large(limit - REST_OF_FORM)
    request._stream = io.BufferedReader(_Body(stream, limit))


def field_before_file(request: HttpRequest, name: str) -> str:
    """Of a form whose body was refused: what the field held, if it stood before the file; else ""."""
    body = getattr(request._stream, "raw", None)
    head = body.head if isinstance(body, _Body) else request._stream.read(HEAD_BYTES)
    boundary = (request.content_params or {}).get("boundary", "")
    for part in head.split(f"--{boundary}".encode())[:-1] if boundary else []:
        headers, _blank, value = part.partition(b"\r\n\r\n")
        if f'; name="{name}"'.encode() in headers and b"filename=" not in headers:
            return str(value.removesuffix(b"\r\n").decode("utf-8", "replace"))
    return ""


def _too_large(most: int) -> FileRefused:
    return FileRefused(
        _("The file has more than %(limit)s, which is all that can be imported at once. Split it in two.")
        % {"limit": filesizeformat(most)},
        code="too_large",
    )


def _is_without_length(request: HttpRequest) -> bool:
    """In chunks; or, by HTTP/2, without any word of it. Only a server that says so ends the stream itself."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return True
    return not request.META.get("CONTENT_LENGTH") and bool(request.META.get("wsgi.input_terminated"))


def require_whole_body(request: HttpRequest) -> None:
    """To be called when the form has been read. Raises FileRefused if the connection ended before the body did.

    Neither the server nor Django says so: the file would be taken for a shorter one.
    """
    body = getattr(request._stream, "raw", None)
    boundary = (request.content_params or {}).get("boundary", "")
    # Of a form of another kind Django has put something else in the place of ours.
    if isinstance(body, _Body) and boundary and f"--{boundary}--".encode() not in body.tail:
        raise FileRefused(
            _(
                "The upload broke off before the end of the file. Check the connection and send the file again."
            ),
            code="incomplete",
        )

"""Bodies that come without a length: Django takes those for empty, and a vendor's report would be lost."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WholeBodies:
    """A WSGI application around another, which gets a body that came in chunks, or by HTTP/2 without a length, as one
    with a length.

    Read are `most` bytes and one more, so that the application's own limits refuse what is longer. Uploads of files are
    left alone: contacts/uploads.py reads them piece by piece.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        self._application = application
        self._most = most

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not _is_without_length(environ) or environ.get("CONTENT_TYPE", "").startswith("multipart/"):
            return self._application(environ, start_response)
        body = environ["wsgi.input"].read(self._most + 1)
        whole = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        whole.pop("HTTP_TRANSFER_ENCODING", None)
        return self._application(whole, start_response)


def _is_without_length(environ: dict[str, Any]) -> bool:
    """In chunks; or a server says that it ends the stream itself."""
    if environ.get("CONTENT_LENGTH"):
        return False
    is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return is_chunked or bool(environ.get("wsgi.input_terminated"))

"""An application behind the gate, for a real web server to serve: it answers how long the body was that it got."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from config.gate import Gate
from config.incoming import Limits


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(environ["wsgi.input"].read(length))).encode()]


application = Gate(
    echo,
    is_visit=lambda environ: environ["PATH_INFO"] == "/visit",
    is_known=lambda environ: True,
    largest_upload=lambda environ: 10**9,
    threads=2,
    limits=Limits(most_bytes=200_000, silent_seconds=2.0),
)

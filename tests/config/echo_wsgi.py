"""A WSGI application that answers how long the body was that it got, for a real web server to serve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from config.bodies import WholeBodies


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(environ["wsgi.input"].read(length))).encode()]


application = WholeBodies(echo, most=200_000)

"""Which pages and endpoints take large uploads, and how large: everywhere else a form is as small as any body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import RequestDataTooBig
from django.urls import Resolver404, resolve

View = TypeVar("View", bound=Callable[..., Any])
# What a form holds besides the file.
REST_OF_FORM = 64 * 1024
# Django admin reads a file whole.
ADMIN_UPLOAD_BYTES = 50 * 1024 * 1024


class UploadTooLarge(RequestDataTooBig):
    """`most`: bytes of a file that the page takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} bytes")
        self.most = most


def takes_upload(most: Callable[[], int]) -> Callable[[View], View]:
    """The outermost decorator of a view or of an action of the API. `most`: bytes of a file."""

    def mark(view: View) -> View:
        view.largest_upload = most  # type: ignore[attr-defined]  # read below
        return view

    return mark


def largest_upload(path: str, method: str) -> int | None:
    """Bytes of a file; None where none is taken that is larger than any body."""
    try:
        view: Any = resolve(path).func
    except Resolver404:
        return None
    if actions := getattr(view, "actions", None):
        view = getattr(view.cls, actions.get(method.lower(), ""), None)
    most = getattr(view, "largest_upload", None)
    return most() if most else None


def largest_upload_of(environ: dict[str, Any]) -> int | None:
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    return largest_upload(path, environ["REQUEST_METHOD"])


class TakesImports:
    """Of a ModelAdmin with imports."""

    @takes_upload(lambda: ADMIN_UPLOAD_BYTES)
    def import_action(self, request: Any, **kwargs: Any) -> Any:
        return super().import_action(request, **kwargs)  # type: ignore[misc]  # of import_export's mixin

"""What all clients of vendors have in common, apart from what OperationSuite asks of each."""

from __future__ import annotations

import pytest

from providers.connectors import connector_for
from providers.connectors.answers import Answer
from providers.connectors.operations import VendorClient
from tests.providers.connectors.conformance import SECRET


@pytest.mark.parametrize(
    ("body", "is_file"),
    [
        (b'"phone_number"\n', True),
        (b"PK\x03\x04", True),
        (b"", False),
        (b"\r\n <!doctype html><p>Log in</p>", False),
    ],
)
def test_a_page_or_nothing_is_no_file(body: bytes, is_file: bool) -> None:
    bulkvs = connector_for("bulkvs", {"username": "api-user", "password": SECRET})
    with VendorClient(bulkvs) as client:
        assert client.is_file(Answer(200, None, body)) is is_file

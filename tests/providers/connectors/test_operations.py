"""What all clients of vendors have in common, apart from what OperationSuite asks of each."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

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


def test_the_clients_work_without_django() -> None:
    code = (
        "import sys\n"
        "from providers.connectors import bulkvs\n"
        "client = bulkvs.client(username='user', password='secret')\n"
        "assert 'secret' not in repr(client), repr(client)\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'django']\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=settings.BASE_DIR, timeout=60)

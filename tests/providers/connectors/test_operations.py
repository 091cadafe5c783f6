"""What all clients of vendors have in common, apart from what OperationSuite asks of each."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

from providers.connectors import bulkvs, connector_for
from providers.connectors.answers import Answer
from providers.connectors.operations import VendorClient
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.scripted import Reply, ScriptedServer


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


def test_half_a_pair_of_surrogates_is_sent_as_it_is() -> None:
    with ScriptedServer() as vendor:
        vendor.expect("POST", "/messageSend", Reply(200, {"RefId": "r", "Results": []}))
        with bulkvs.client(username="user", password="secret", base_url=vendor.url) as portal:
            portal.send_message(sender="12025550100", to=["12015550123"], text="half \ud83d end")
        vendor.verify()
    assert vendor.received[0].json["Message"] == "half \ud83d end"


def test_a_list_with_many_rows_is_read() -> None:
    rows = [{"Webhook": f"Hook {number}", "Description": "x" * 500} for number in range(5000)]
    with ScriptedServer() as vendor:
        vendor.expect("GET", "/webHooks", Reply(200, rows))
        with bulkvs.client(username="user", password="secret", base_url=vendor.url) as portal:
            assert len(portal.list_webhooks()) == 5000

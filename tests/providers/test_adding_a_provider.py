"""The module in docs/adding-a-provider.md works as it stands there."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

from providers.connectors.base import Connector, DeliveryReport, OutgoingText, WebhookCall
from providers.errors import BadAnswer, Throttled
from providers.transport import LeanTransport, sync_client
from sms.states import MessageState
from tests.providers.connectors.scripted import Reply, ScriptedServer

PAGE = Path(settings.BASE_DIR) / "docs" / "adding-a-provider.md"
OUTGOING = OutgoingText(message_id=7, msisdn="447700900123", sender="Loft", text="Coo", reference="crier-7")


@pytest.fixture
def pigeon() -> Iterator[ModuleType]:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    module = ModuleType("pigeon")
    sys.modules["pigeon"] = module
    exec(compile(code[1], str(PAGE), "exec"), module.__dict__)  # noqa: S102  # our own page
    yield module
    del sys.modules["pigeon"]


def connector(pigeon: ModuleType, url: str) -> Connector:
    made: Connector = pigeon.Pigeon(pigeon.PigeonConfig.from_mapping({"token": "secret", "base_url": url}))
    return made


def test_it_works(pigeon: ModuleType) -> None:
    async def send(url: str) -> object:
        transport = LeanTransport()
        try:
            return await connector(pigeon, url).send(transport, OUTGOING)
        finally:
            await transport.aclose()

    with ScriptedServer() as vendor:
        vendor.expect("POST", "/letters", Reply(202, {"letter": 77}))
        result = asyncio.run(send(vendor.url))
        vendor.verify()
    assert result == pigeon.SendResult(MessageState.SENT, provider_message_id="77")
    assert vendor.received[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("reply", "raises"), [(Reply(429, {}), Throttled), (Reply(200, b"<p>Hello</p>"), BadAnswer)]
)
def test_what_goes_wrong_has_a_name(pigeon: ModuleType, reply: Reply, raises: type[Exception]) -> None:
    with ScriptedServer() as vendor:
        vendor.expect("GET", "/loft", reply)
        client = pigeon.PigeonClient(connector(pigeon, vendor.url))
        with client, pytest.raises(raises):
            client.look_at_loft()


def test_the_connection_is_tested(pigeon: ModuleType) -> None:
    with ScriptedServer() as vendor, sync_client() as http:
        vendor.expect("GET", "/loft", Reply(200, {"name": "North"}))
        assert connector(pigeon, vendor.url).test(http) == "Pigeon Post knows the token."


def test_reports_are_read(pigeon: ModuleType) -> None:
    body = json.dumps({"letter": 77, "ref": "crier-7", "to": "+447700900123", "status": "hawk"}).encode()
    call = WebhookCall("POST", "/hooks/x/", {}, {}, body, "192.0.2.1")
    assert connector(pigeon, "https://example.com").parse_webhook(call) == [
        DeliveryReport(
            MessageState.REJECTED,
            provider_message_id="77",
            reference="crier-7",
            msisdn="447700900123",
            words="hawk",
            reason="rejected",
        )
    ]


def test_its_operations_are_known(pigeon: ModuleType) -> None:
    known = [(one.method, one.path, one.name) for one in pigeon.Pigeon.operations()]
    assert known == [("POST", "/letters", "send_letter"), ("GET", "/loft", "look_at_loft")]

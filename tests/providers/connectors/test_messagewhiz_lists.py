"""MessageWhiz: the first half of document 004's operations, those of campaigns, recipients, senders and opt-outs."""

from __future__ import annotations

from typing import Any

import pytest

from providers.connectors.messagewhiz.campaigns import Campaigns
from providers.connectors.messagewhiz.envelope import PAGE_ROWS
from providers.connectors.messagewhiz.outputs import MOST_PAGES
from providers.connectors.messagewhiz.recipient_lists import RecipientLists
from providers.connectors.messagewhiz.sender_lists import SenderLists
from providers.connectors.messagewhiz.senders import Senders
from providers.connectors.messagewhiz.unsubscribe_lists import UnsubscribeLists
from providers.connectors.operations import Operation, operations_of
from providers.errors import BadAnswer, Conflict, NotFound
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.messagewhiz_cases import (
    campaigns,
    enveloped,
    recipient_lists,
    sender_lists,
    senders,
    unsubscribe_lists,
)
from tests.providers.connectors.operation_suite import OperationSuite
from tests.providers.connectors.scripted import Reply, ScriptedServer

GROUPS = (campaigns, recipient_lists, senders, sender_lists, unsubscribe_lists)
MIXINS = (Campaigns, RecipientLists, Senders, SenderLists, UnsubscribeLists)
BASE_PATH = "/messagewhiz"
# Helper, its path.
WALKS = [
    ("all_campaigns", "/api/3/campaign"),
    ("all_recipient_lists", "/api/3/RecipientList"),
    ("all_senders", "/api/3/sender"),
    ("all_sender_lists", "/api/3/senderList"),
    ("all_unsubscribe_lists", "/api/3/unsubscribeList"),
]
# Call, method, path, a result that is not what the document shows.
MISSHAPEN: list[tuple[str, str, str, str, Any]] = [
    ("create_campaign", "name", "POST", "/api/3/campaign", {"name": "CampaignName"}),
    ("create_campaign", "name", "POST", "/api/3/campaign", {"id": 1, "start_date": "soon"}),
    ("create_campaign", "name", "POST", "/api/3/campaign", {"id": 1, "userList": [1]}),
    ("create_sender", "name", "POST", "/api/3/sender", None),
    ("disable_sender", "sender_id", "DELETE", "/api/3/sender/1", False),
    ("list_sender_lists", "", "GET", "/api/3/senderList", [5456]),
    ("list_senders_in_list", "list_id", "GET", "/api/3/senderList/1/senders", {"id": 1}),
    (
        "list_senders_in_list",
        "list_id",
        "GET",
        "/api/3/senderList/1/senders",
        {"id": 1, "senders": [{"name": "x"}]},
    ),
    ("list_recipients", "list_id", "GET", "/api/3/recipientList/1/recipients", [{"first_name": "Bob"}]),
    ("list_recipient_numbers", "list_id", "GET", "/api/3/recipientList/1/listNumbers", {"1": "2"}),
    ("list_recipient_numbers", "list_id", "GET", "/api/3/recipientList/1/listNumbers", [None]),
    (
        "list_unsubscribed_numbers",
        "list_id",
        "GET",
        "/api/3/unsubscribeList/1/members",
        [{"phone_number": "447700900122"}, {}],
    ),
]


class TestMessageWhizLists(OperationSuite):
    slug = "messagewhiz"
    config = {"api_key": SECRET}
    base_path = BASE_PATH
    documented = [documented for group in GROUPS for documented in group.DOCUMENTED]
    cases = [case for group in GROUPS for case in group.CASES]
    impossible = [impossible for group in GROUPS for impossible in group.IMPOSSIBLE]

    @staticmethod
    def operations() -> list[Operation]:
        """Of this half; the other has its own suite."""
        return [known for mixin in MIXINS for known in operations_of(mixin)]

    def test_it_has_every_operation_of_the_document(self) -> None:
        known = [(known.method, known.path, known.section) for known in self.operations()]
        assert sorted(known) == sorted(self.documented)

    def test_every_operation_has_a_case(self) -> None:
        assert {case.operation for case in self.cases} == {known.name for known in self.operations()}

    def test_the_key_goes_out_in_its_header(self, vendor: ScriptedServer, seen: list[str]) -> None:
        vendor.expect("GET", f"{BASE_PATH}/api/3/sender", Reply(200, enveloped([])))
        with self.client(vendor.url) as whiz:
            whiz.list_senders()  # type: ignore[attr-defined]  # of the vendor's own client, or error
        [received] = vendor.received
        assert received.headers["apikey"] == SECRET

    def test_an_error_in_the_envelope_is_one(self, vendor: ScriptedServer, seen: list[str]) -> None:
        """How errors look under /api/3 is not in the document; 409 is "Duplicate entry" there."""
        answer = enveloped(None) | {"errorCode": 409, "errorMessage": "Duplicate entry"}
        vendor.expect("POST", f"{BASE_PATH}/api/3/sender", Reply(200, answer))
        with self.client(vendor.url) as whiz, pytest.raises(Conflict) as caught:
            whiz.create_sender(name="FirstSender")  # type: ignore[attr-defined]  # of the vendor's own client, or error
        assert caught.value.words == "Duplicate entry"

    @pytest.mark.parametrize(("call", "argument", "method", "path", "result"), MISSHAPEN)
    def test_another_shape_is_a_bad_answer(
        self,
        vendor: ScriptedServer,
        seen: list[str],
        call: str,
        argument: str,
        method: str,
        path: str,
        result: Any,
    ) -> None:
        vendor.expect(method, BASE_PATH + path, Reply(200, enveloped(result)))
        with self.client(vendor.url) as whiz, pytest.raises(BadAnswer, match="does not hold"):
            getattr(whiz, call)(**({argument: "1"} if argument else {}))


@pytest.fixture
def vendor() -> Any:
    with ScriptedServer() as server:
        yield server
        server.verify()


@pytest.fixture
def whiz(vendor: ScriptedServer) -> Any:
    with TestMessageWhizLists().client(vendor.url) as whiz:
        yield whiz


def page(vendor: ScriptedServer, path: str, start: int, ids: range, enabled: str = "true") -> None:
    target = f"{BASE_PATH}{path}?limit={PAGE_ROWS}&enabled={enabled}&start={start}"
    rows = [{"id": number, "name": f"N{number}", "enabled": 1} for number in ids]
    vendor.expect("GET", target, Reply(200, enveloped(rows)))


class TestWalks:
    @pytest.mark.parametrize(("helper", "path"), WALKS)
    def test_it_works(self, vendor: ScriptedServer, whiz: Any, helper: str, path: str) -> None:
        page(vendor, path, 0, range(100, 0, -1))
        page(vendor, path, 100, range(101, 131))
        page(vendor, path, 130, range(0))
        found = [entity.id for entity in getattr(whiz, helper)()]
        assert found == [str(number) for number in [*range(100, 0, -1), *range(101, 131)]]

    @pytest.mark.parametrize(("helper", "path"), WALKS)
    def test_it_has_those_that_are_not_enabled(
        self, vendor: ScriptedServer, whiz: Any, helper: str, path: str
    ) -> None:
        page(vendor, path, 0, range(0), enabled="false")
        assert getattr(whiz, helper)(enabled=False) == ()

    def test_a_vendor_that_gives_shorter_pages_is_walked_to_the_end(
        self, vendor: ScriptedServer, whiz: Any
    ) -> None:
        page(vendor, "/api/3/sender", 0, range(1, 11))
        page(vendor, "/api/3/sender", 10, range(11, 14))
        page(vendor, "/api/3/sender", 13, range(0))
        assert len(whiz.all_senders()) == 13

    def test_a_vendor_that_does_not_mind_start_ends_it(self, vendor: ScriptedServer, whiz: Any) -> None:
        page(vendor, "/api/3/sender", 0, range(1, 4))
        page(vendor, "/api/3/sender", 3, range(1, 4))
        assert [sender.id for sender in whiz.all_senders()] == ["1", "2", "3"]

    def test_what_moved_to_the_next_page_is_there_once(self, vendor: ScriptedServer, whiz: Any) -> None:
        page(vendor, "/api/3/sender", 0, range(1, 4))
        page(vendor, "/api/3/sender", 3, range(3, 6))
        page(vendor, "/api/3/sender", 6, range(0))
        assert [sender.id for sender in whiz.all_senders()] == ["1", "2", "3", "4", "5"]

    def test_a_list_without_an_end_is_a_bad_answer(self, whiz: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []

        def endless(*, start: int, **_parameters: Any) -> list[Any]:
            asked.append(start)
            return [campaigns.Campaign(str(start), "", None, None, None, None)]

        monkeypatch.setattr(whiz, "list_campaigns", endless)
        with pytest.raises(BadAnswer, match="the end of a list"):
            whiz.all_campaigns()
        assert asked == list(range(MOST_PAGES))

    def test_an_error_on_a_later_page_is_raised(self, vendor: ScriptedServer, whiz: Any) -> None:
        page(vendor, "/api/3/sender", 0, range(1, 4))
        vendor.expect(
            "GET", f"{BASE_PATH}/api/3/sender?limit=100&enabled=true&start=3", Reply(404, {"message": "Gone"})
        )
        with pytest.raises(NotFound):
            whiz.all_senders()


class TestDownloads:
    PATH = f"{BASE_PATH}/api/3/recipientList/1/download"

    @pytest.mark.parametrize(
        "kind", ["text/csv", "application/octet-stream", "text/html", "application/json"]
    )
    def test_it_works_whatever_the_content_type_says(
        self, vendor: ScriptedServer, whiz: Any, kind: str
    ) -> None:
        csv = '\ufeff"first_name";"phone_number"\r\n"Bob";"12015550122"\r\n'.encode()
        vendor.expect("GET", self.PATH, Reply(200, csv, {"content-type": kind}))
        assert whiz.download_recipient_list(list_id=1) == csv
        assert vendor.received[0].headers["accept"] == "*/*"

    @pytest.mark.parametrize(
        "body",
        [
            b"<!doctype html>\n<p>phone_number</p>",
            b"Please log in to see phone_number",
            b'[{"phone_number": "12015550122"}]',
            b'{"errorCode": 0, "errorMessage": "", "result": null}',
            b'\n"phone_number"\n',
        ],
    )
    def test_what_is_no_file_is_a_bad_answer(self, vendor: ScriptedServer, whiz: Any, body: bytes) -> None:
        vendor.expect("GET", self.PATH, Reply(200, body, {"content-type": "text/csv"}))
        with pytest.raises(BadAnswer, match="could not be read"):
            whiz.download_recipient_list(list_id=1)

    def test_an_error_for_a_file_is_one(self, vendor: ScriptedServer, whiz: Any) -> None:
        answer = enveloped(None) | {"errorCode": 404, "errorMessage": "No such list"}
        vendor.expect("GET", self.PATH, Reply(200, answer))
        with pytest.raises(NotFound) as caught:
            whiz.download_recipient_list(list_id=1)
        assert caught.value.words == "No such list"

"""Mobiz: every operation of document 003."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from providers.connectors import mobiz
from providers.connectors.mobiz import Accepted, DataList, MessageStatus
from providers.errors import AccountRefused, RequestRefused
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.operation_suite import Case, Documented, OperationSuite
from tests.providers.connectors.scripted import Reply, ScriptedServer

KEY = "canary-7f3%2Fa%2Bb%3D9"  # SECRET in an address
PATH = "/TriggerMessage/manual/paths/invoke"

DOCUMENTED: list[Documented] = [
    ("POST", "/TriggerMessage/manual/paths/invoke", "TriggerMessage"),
    ("POST", "/customers/CustomerList-append", "SendBulkMessages"),
    ("POST", "/TriggerMessage/manual/paths/invoke", "Schedule Message"),
    ("POST", "/customers/CustomerList-create", "Creating a Data List"),
]


def row(number: str = "") -> dict[str, str]:
    """ "Batch Payload Example"."""
    return {
        "A": f"MobileNumber{number}",
        "B": f"Firstname{number}",
        "C": f"Lastname{number}",
        "D": f"Gender{number}",
        "E": f"TextMessage{number}",
    }


ROWS = [row(), row("1"), row("2")]
RESPONSE = {
    "Message_Status": [{"Message_Id": "unique_id", "Status": "SUBMITTED"}],
    "Reference": "unique_message_reference",
    "Result_Code": 3,
    "Result_Description": "Accepted",
}
ACCEPTED = Accepted("unique_message_reference", "Accepted", (MessageStatus("unique_id", "SUBMITTED"),))
BULK = [
    {
        "Message": "Hello World",
        "ContactId": "1234",
        "Contact_Email": "mail@example.com",
        "Number": "27710000000",
    },
    {
        "Message": "Hello World",
        "ContactId": "12345",
        "Contact_Email": "mail1@example.com",
        "Number": "27720000000",
    },
]
COLUMNS = {
    "Number": "msisdn",
    "Phone": "text",
    "Message": "text",
    "ContactId": "numeric",
    "Contact_Email": "email",
}
NOON = datetime(2099, 1, 31, 8, 0, tzinfo=UTC)


class TestMobizOperations(OperationSuite):
    slug = "mobiz"
    config = {
        "api_key": SECRET,
        "subscription_key": f"{SECRET}-2",
        "trigger_key": f"{SECRET}-3",
        "username": "acme&co",
    }
    base_path = "/mobiz"
    documented = DOCUMENTED
    cases = [
        Case(
            "trigger",
            lambda api: api.trigger(rows=ROWS),
            "POST",
            f"{PATH}?trigger_key={KEY}-3&api_key={KEY}",
            ROWS,
            RESPONSE,
            ACCEPTED,
        ),
        Case(
            "trigger",
            lambda api: api.trigger(rows=[row()]),
            "POST",
            f"{PATH}?trigger_key={KEY}-3&api_key={KEY}",
            row(),
            {
                **RESPONSE,
                "Result_Code": "3",
                "Message_Status": {"Message_Id": 7, "Status": "SUBMITTED"},
            },
            Accepted("unique_message_reference", "Accepted", (MessageStatus("7", "SUBMITTED"),)),
            name="single payload",
        ),
        Case(
            "trigger",
            lambda api: api.trigger(rows=ROWS),
            "POST",
            f"{PATH}?trigger_key={KEY}-3&api_key={KEY}",
            ROWS,
            Reply(202, b""),
            Accepted("", "", ()),
            name="accepted without a word",
        ),
        Case(
            "append_to_list",
            lambda api: api.append_to_list(list_id="142874", rows=BULK),
            "POST",
            f"/customers/CustomerList-append?api_key={KEY}&list_id=142874",
            BULK,
            {"status": 1, "message": "Data Appended"},
            "Data Appended",
        ),
        Case(
            "append_to_list",
            lambda api: api.append_to_list(list_id="14 28", rows=BULK[:1]),
            "POST",
            f"/customers/CustomerList-append?api_key={KEY}&list_id=14%2028",
            BULK[:1],
            {"status": "1"},
            "",
            name="one row",
        ),
        Case(
            "schedule",
            lambda api: api.schedule(rows=ROWS, send_time=NOON),
            "POST",
            f"{PATH}?api_key={KEY}&trigger_key={KEY}-3&send_time=2099-01-31T08%3A00%3A00Z",
            ROWS,
            RESPONSE,
            ACCEPTED,
        ),
        Case(
            "schedule",
            lambda api: api.schedule(rows=[row()], send_time=NOON.astimezone(timezone(timedelta(hours=2)))),
            "POST",
            f"{PATH}?api_key={KEY}&trigger_key={KEY}-3&send_time=2099-01-31T08%3A00%3A00Z",
            row(),
            RESPONSE,
            ACCEPTED,
            name="in another zone",
        ),
        Case(
            "create_list",
            lambda api: api.create_list(name="Bulk_Format", columns=COLUMNS),
            "POST",
            f"/customers/CustomerList-create?api_key={KEY}&username=acme%26co",
            {"Customer List Name": "Bulk_Format", "Customer List Definition": COLUMNS},
            {"status": 1, "message": "List Created", "list_id": "142874"},
            DataList("142874", "List Created"),
        ),
        Case(
            "create_list",
            lambda api: api.create_list(name="B", columns={"Number": "msisdn"}, username="other"),
            "POST",
            f"/customers/CustomerList-create?api_key={KEY}&username=other",
            {"Customer List Name": "B", "Customer List Definition": {"Number": "msisdn"}},
            {"status": True, "list_id": 142874},
            DataList("142874", ""),
            name="of another user",
        ),
    ]
    impossible = [
        ("nobody", lambda api: api.trigger(rows=[]), "no rows"),
        ("an empty row", lambda api: api.trigger(rows=[row(), {}]), "A row is empty"),
        ("nothing to append", lambda api: api.append_to_list(list_id="1", rows=[]), "no rows"),
        ("no list", lambda api: api.append_to_list(list_id=" ", rows=BULK), "list_id"),
        (
            "too many rows",
            lambda api: api.append_to_list(list_id="1", rows=BULK * 5001),
            "10,002 rows, and Mobiz takes 10,000",
        ),
        ("nobody later", lambda api: api.schedule(rows=[], send_time=NOON), "no rows"),
        (
            "no zone",
            lambda api: api.schedule(rows=ROWS, send_time=NOON.replace(tzinfo=None)),
            "has no time zone",
        ),
        (
            "the past",
            lambda api: api.schedule(rows=ROWS, send_time=NOON.replace(year=2001)),
            "2001-01-31T08:00:00+00:00 is over",
        ),
        ("no name", lambda api: api.create_list(name=" ", columns=COLUMNS), "no name"),
        ("no columns", lambda api: api.create_list(name="B", columns={}), "no columns"),
        (
            "a type that is none",
            lambda api: api.create_list(name="B", columns={"Number": "phone"}),
            "“phone”: choose one of numeric, text, email, msisdn",
        ),
    ]

    @pytest.mark.parametrize("answer", [{"status": 0, "message": "List not found"}, {"status": "error"}])
    def test_a_list_call_that_is_no_success_is_refused(self, vendor, seen, exchanges, answer) -> None:  # type: ignore[no-untyped-def]  # a test's fixtures
        """HTTP says 200 all the same."""
        for case in self.cases:
            if case.operation in ("append_to_list", "create_list"):
                error = self.failure(vendor, case, Reply(200, answer), seen, exchanges)
                assert type(error) is RequestRefused
                assert answer.get("message", "error") in error.words

    @pytest.mark.parametrize(
        ("code", "raises", "reason"),
        [
            (0, AccountRefused, "bad_credentials"),
            (1, AccountRefused, "bad_settings"),
            (2, RequestRefused, "refused"),
            (4, RequestRefused, "refused"),
        ],
    )
    def test_every_result_code_but_3_is_a_refusal(  # type: ignore[no-untyped-def]  # a test's fixtures
        self, vendor, seen, exchanges, code, raises, reason
    ) -> None:
        answer = {"Result_Code": code, "Result_Description": f"no {SECRET}"}
        for case in self.cases:
            if case.operation in ("trigger", "schedule"):
                error = self.failure(vendor, case, Reply(200, answer), seen, exchanges)
                assert (type(error), error.reason, error.words) == (raises, reason, "no [redacted]")

    def test_a_list_without_an_id_is_a_bad_answer(self, vendor, seen, exchanges) -> None:  # type: ignore[no-untyped-def]  # a test's fixtures
        [case, _other] = [case for case in self.cases if case.operation == "create_list"]
        error = self.failure(vendor, case, Reply(200, {"status": 1}), seen, exchanges)
        assert str(error) == "Mobiz's answer does not hold a list_id."


def test_works_by_itself_and_sends_the_subscription_in_its_header() -> None:
    with ScriptedServer() as vendor:
        vendor.expect("POST", f"{PATH}?trigger_key=t&api_key=k", Reply(200, RESPONSE))
        with mobiz.client(api_key="k", subscription_key="s", trigger_key="t", base_url=vendor.url) as api:
            assert api.trigger(rows=[row()]).messages[0].message_id == "unique_id"
            with pytest.raises(RequestRefused, match="username is empty"):
                api.create_list(name="B", columns={"Number": "msisdn"})
        vendor.verify()
    assert vendor.received[0].headers["ocp-apim-subscription-key"] == "s"

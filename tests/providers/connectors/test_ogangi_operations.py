"""Ogangi: every operation of document 002.

Every signature was computed with another tool: `printf %s '8/2' | openssl dgst -sha256 -hmac 'canary-7f3/a+b=9'`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from providers.connectors import ogangi
from providers.connectors.ogangi import (
    Broadcast,
    BroadcastRecipient,
    BroadcastState,
    SmsMessage,
    SmsRow,
    When,
)
from providers.connectors.operations import Exchange, Upload
from providers.errors import (
    AccountRefused,
    BadAnswer,
    Conflict,
    RequestRefused,
    ServerTrouble,
    Throttled,
)
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.operation_suite import Case, Documented, Fault, Multipart, OperationSuite
from tests.providers.connectors.scripted import Reply, ScriptedServer
from tests.providers.connectors.test_ogangi import (
    BOMB,
    GET_BROADCAST,
    INTERNAL,
    KEY,
    SIGNED_BROADCAST_2,
    SIGNED_INSTANCE,
    SIGNED_USER,
    broadcast,
    message,
    messages,
    shortcodes,
    xml,
)

DOCUMENTED: list[Documented] = [
    (
        "POST",
        "/rest/api/tools/sendSMSByFile/{instanceId}/{publicKey}/{signature}",
        "Send SMSs massively using as recipient a list of mobile numbers",
    ),
    (
        "GET",
        "/rest/api/getShortcodes/{instanceId}/{userName}/{publicKey}/{signature}",
        "List all short/long codes for a given instance",
    ),
    (
        "POST",
        "/rest/api/createBroadcastFromJson/{instanceId}/{broadcastId}/{shortcode}/{userName}/{shortcodeIgnore}"
        "/{campaignName}/{date}/{publicKey}/{signature}",
        "Create or edit a broadcast by file using JSON",
    ),
    (
        "GET",
        "/rest/api/getBroadcast/{instanceId}/{broadcastId}/{publicKey}/{signature}",
        "Retrieve the broadcast information",
    ),
    (
        "GET",
        "/rest/api/suspendBroadcast/{instanceId}/{broadcastId}/{publicKey}/{signature}",
        "Suspend a broadcast currently in progress",
    ),
    (
        "GET",
        "/rest/api/resumeBroadcast/{instanceId}/{broadcastId}/{publicKey}/{signature}",
        "Resume a broadcast that was previously suspended",
    ),
    (
        "GET",
        "/rest/api/stopBroadcast/{instanceId}/{broadcastId}/{publicKey}/{signature}",
        "Stop a broadcast currently in progress",
    ),
    (
        "DELETE",
        "/rest/api/broadcast/{instanceId}/{broadcastId}/{publicKey}/{signature}",
        "Delete a broadcast",
    ),
]

SENT = SmsMessage(
    "-6710228708174720670",
    "carrierName",
    "12025550100",
    "12015550123",
    "OGANGI TEST MESSAGE",
    "SENT_TO_CARRIER",
    "Sent to Carrier",
    "UTF-8",
    When("2014-12-17T00:12:13.571-04:30", datetime(2014, 12, 17, 4, 42, 13, 571000, tzinfo=UTC)),
    "America/Caracas",
    "As223sdadq8d8287v5v",
)
# The carrier as the document's table spells it, a date as another example writes it.
OTHER = message(
    "12015550124", message_id="-8174720676710228700", date="2013-09-17T10:13:59.176-04:30"
).replace("carrier>", "carrierName>")
OTHER_SENT = SmsMessage(
    "-8174720676710228700",
    "carrierName",
    "12025550100",
    "12015550124",
    "OGANGI TEST MESSAGE",
    "SENT_TO_CARRIER",
    "Sent to Carrier",
    "UTF-8",
    When("2013-09-17T10:13:59.176-04:30", datetime(2013, 9, 17, 14, 43, 59, 176000, tzinfo=UTC)),
    "America/Caracas",
    "As223sdadq8d8287v5v",
)
SCHEDULED = Broadcast(
    "1",
    "Test message",
    When("2016-08-16T17:49:42.346-04:002", datetime(2016, 8, 16, 21, 49, 42, 346000, tzinfo=UTC)),
    When("", None),
    2,
    None,
    BroadcastState.SCHEDULED,
    "SCHEDULED",
    "0000000",
)
ENDED = When("2013-09-05T15:10:14-04:00", datetime(2013, 9, 5, 19, 10, 14, tzinfo=UTC))
FINISHED = Broadcast("2", "message", ENDED, ENDED, 2, 2, BroadcastState.FINISHED, "2", "0000000")

RECIPIENTS = [
    BroadcastRecipient("12015550123", "Hello Ann"),
    BroadcastRecipient("12015550124", "Hello {0}", "12345", "Tigo", ("Bob",)),
]
TO = (
    '[{"mobileNumber": "12015550123", "message": "Hello Ann"}, {"mobileNumber": "12015550124", "message": "Hello {0}",'
    ' "from": "12345", "carrier": "Tigo", "params": ["Bob"]}]'
)
CREATE = "/rest/api/createBroadcastFromJson/8"
CARACAS = timezone(timedelta(hours=-4, minutes=-30))


def of_broadcast(method: str) -> str:
    return f"/rest/api/{method}/8/2/{KEY}/{SIGNED_BROADCAST_2}"


def done(called: str) -> bytes:
    return xml("OK", "Completed", called=called)


def save(portal: Any, **changes: Any) -> Any:
    return portal.save_broadcast(**{"recipients": RECIPIENTS, "shortcode": "0000000", **changes})


class TestOgangiOperations(OperationSuite):
    slug = "ogangi"
    config = {"instance_id": "8", "user_name": "peter", "public_key": SECRET, "private_key": SECRET}
    base_path = "/mmc"
    documented = DOCUMENTED
    cases = [
        Case(
            "send_sms_by_file",
            lambda portal: portal.send_sms_by_file(
                rows=[
                    SmsRow("12015550123", "12025550100", "OGANGI TEST MESSAGE"),
                    SmsRow(
                        "12015550124",
                        "12025550100",
                        "OGANGI {0} {1}",
                        "Tigo",
                        "ISO-8859-1",
                        "UTC",
                        ("Ä", '"'),
                    ),
                ]
            ),
            "POST",
            f"/rest/api/tools/sendSMSByFile/8/{KEY}/{SIGNED_INSTANCE}",
            Multipart(
                {},
                {
                    "file": (
                        "recipients.csv",
                        '"12015550123","12025550100","","UTF-8","UTC","OGANGI TEST MESSAGE"\r\n'
                        '"12015550124","12025550100","Tigo","ISO-8859-1","UTC","OGANGI {0} {1}","Ä",""""\r\n'.encode(),
                    )
                },
            ),
            messages(message("12015550123"), OTHER),
            (SENT, OTHER_SENT),
        ),
        Case(
            "send_sms_by_file",
            lambda portal: portal.send_sms_by_file(file=Upload("list.xls", b"\xd0\xcf\x11\xe0 a file")),
            "POST",
            f"/rest/api/tools/sendSMSByFile/8/{KEY}/{SIGNED_INSTANCE}",
            Multipart({}, {"file": ("list.xls", b"\xd0\xcf\x11\xe0 a file")}),
            messages(message("12015550123")),
            (SENT,),
            name="a file of one's own",
        ),
        Case(
            "list_shortcodes",
            lambda portal: portal.list_shortcodes(),
            "GET",
            f"/rest/api/getShortcodes/8/peter/{KEY}/{SIGNED_USER}",
            None,
            shortcodes("0000000", "1111111"),
            ("0000000", "1111111"),
        ),
        Case(
            "list_shortcodes",
            lambda portal: portal.list_shortcodes(user_name="ann@example.com"),
            "GET",
            f"/rest/api/getShortcodes/8/ann%40example.com/{KEY}/0c5527c931c913586f77052fa34ba2712aea2f29fbeb9dbf67a5131056fe41f6",
            None,
            xml("OK", "Completed", "<shortcodes></shortcodes>"),
            (),
            name="of another user without any",
        ),
        Case(
            "save_broadcast",
            lambda portal: save(portal, campaign_name="testJsonBroadcast"),
            "POST",
            f"{CREATE}/-1/0000000/peter/true/testJsonBroadcast/null/{KEY}/"
            "8dc602e462b07dba06425f53aa7da73716a38528ec04996565d217d76b8c92fe",
            Multipart({"to": TO}, {}),
            broadcast("SCHEDULED", expected=2),
            SCHEDULED,
        ),
        Case(
            "save_broadcast",
            lambda portal: save(
                portal,
                shortcode="",
                use_shortcode=False,
                broadcast_id="1",
                campaign_name=" Fall sale ",
                user_name="ann",
                starts_at=datetime(2014, 12, 17, 0, 12, 59, tzinfo=CARACAS),
            ),
            "POST",
            f"{CREATE}/1/null/ann/false/Fall%20sale/17-12-2014%2004%3A42/{KEY}/"
            "226e6f39c630cfa5d325a09d2a2a3c94c0070701f056f0d842cb07d0c99c12e3",
            Multipart({"to": TO}, {}),
            broadcast("SCHEDULED", expected=2),
            SCHEDULED,
            name="edited, at its time",
        ),
        Case(
            "get_broadcast",
            lambda portal: portal.get_broadcast(broadcast_id="2"),
            "GET",
            of_broadcast("getBroadcast"),
            None,
            GET_BROADCAST,
            FINISHED,
        ),
        Case(
            "suspend_broadcast",
            lambda portal: portal.suspend_broadcast(broadcast_id="2"),
            "GET",
            of_broadcast("suspendBroadcast"),
            None,
            done("suspendBroadcast"),
            None,
        ),
        Case(
            "resume_broadcast",
            lambda portal: portal.resume_broadcast(broadcast_id="2"),
            "GET",
            of_broadcast("resumeBroadcast"),
            None,
            done("resumeBroadcast"),
            None,
        ),
        Case(
            "stop_broadcast",
            lambda portal: portal.stop_broadcast(broadcast_id="2"),
            "GET",
            of_broadcast("stopBroadcast"),
            None,
            done("stopBroadcast"),
            None,
        ),
        Case(
            "delete_broadcast",
            lambda portal: portal.delete_broadcast(broadcast_id="2"),
            "DELETE",
            of_broadcast("broadcast"),
            None,
            done("deleteBroadcast"),
            None,
        ),
    ]
    impossible = [
        ("nothing to send", lambda portal: portal.send_sms_by_file(), "neither rows nor a file"),
        (
            "two things to send",
            lambda portal: portal.send_sms_by_file(
                rows=[SmsRow("12015550123", "12345", "x")], file=Upload("a.csv", b"")
            ),
            "rows and a file",
        ),
        ("nobody", lambda portal: save(portal, recipients=[]), "no recipients"),
        ("no short code", lambda portal: save(portal, shortcode=""), "use_shortcode to False"),
        ("a code of two", lambda portal: save(portal, shortcode="1/2"), "short code “1/2”"),
        ("a slash", lambda portal: save(portal, campaign_name="Fall/Winter"), "campaign name “Fall/Winter”"),
        ("a way up", lambda portal: save(portal, campaign_name=".."), "campaign name “..”"),
        ("half a character", lambda portal: save(portal, campaign_name="\ud83d"), "campaign name '\\ud83d'"),
        ("a user of two", lambda portal: portal.list_shortcodes(user_name="a\\b"), "user name “a\\b”"),
        (
            "no zone",
            lambda portal: save(portal, starts_at=datetime(2030, 1, 1, 9, 0)),
            "2030-01-01 09:00 has no zone",
        ),
        ("no id", lambda portal: save(portal, broadcast_id="soon"), "“soon” is no broadcast's id"),
        ("no new one", lambda portal: portal.get_broadcast(broadcast_id="-1"), "“-1” is no broadcast's id"),
        ("nothing to stop", lambda portal: portal.stop_broadcast(broadcast_id=""), "“” is no broadcast's id"),
    ]
    faults = {
        "throttled": Fault(Reply(429, xml("ERROR", SECRET), {"retry-after": "7"}), Throttled, 7.0),
        "bad credentials": Fault(Reply(200, xml("BAD_SIGNATURE", f"Invalid {SECRET}")), AccountRefused),
        "no access": Fault(Reply(403, xml("ERROR", SECRET)), AccountRefused),
        "conflict": Fault(Reply(409, xml("ERROR", SECRET)), Conflict),
        "unprocessable": Fault(Reply(422, xml("ERROR", SECRET)), RequestRefused),
        "internal error": Fault(Reply(200, xml("ERROR", f"{INTERNAL} {SECRET}")), ServerTrouble),
        "internal error as a 500": Fault(Reply(500, xml("ERROR", "Broadcast is over")), ServerTrouble),
        "another word": Fault(Reply(200, xml("MAYBE", SECRET)), BadAnswer),
        "truncated": Fault(Reply(200, GET_BROADCAST[:-30]), BadAnswer),
        "nested without end": Fault(Reply(200, b"<a>" * 100_000), BadAnswer),
        "entities": Fault(Reply(200, BOMB), BadAnswer),
        "json": Fault(Reply(200, {"status": "OK"}), BadAnswer),
    }

    def not_found(self, case: Case) -> Any:
        return xml("ERROR", "No such broadcast")

    @pytest.mark.parametrize(
        ("operation", "raises"),
        [
            ("send_sms_by_file", ServerTrouble),
            ("save_broadcast", ServerTrouble),
            ("list_shortcodes", RequestRefused),
            ("get_broadcast", RequestRefused),
            ("suspend_broadcast", RequestRefused),
            ("resume_broadcast", RequestRefused),
            ("stop_broadcast", RequestRefused),
            ("delete_broadcast", RequestRefused),
        ],
    )
    def test_an_error_with_a_reason_is_a_refusal_where_nothing_may_have_been_sent(
        self,
        vendor: ScriptedServer,
        operation: str,
        raises: type[Exception],
        seen: list[str],
        exchanges: list[Exchange],
    ) -> None:
        case = next(case for case in self.cases if case.operation == operation)
        error = self.failure(vendor, case, Reply(200, xml("ERROR", "Broadcast is over")), seen, exchanges)
        assert (type(error), error.words) == (raises, "Broadcast is over")

    @pytest.mark.parametrize(
        "operation", ["send_sms_by_file", "list_shortcodes", "save_broadcast", "get_broadcast"]
    )
    def test_an_answer_without_its_result_cannot_be_read(
        self, vendor: ScriptedServer, operation: str, seen: list[str], exchanges: list[Exchange]
    ) -> None:
        case = next(case for case in self.cases if case.operation == operation)
        error = self.failure(vendor, case, Reply(200, xml("OK", "Completed")), seen, exchanges)
        assert type(error) is BadAnswer

    def test_signatures_stay_out_of_the_traffic_log(
        self, vendor: ScriptedServer, exchanges: list[Exchange]
    ) -> None:
        vendor.expect("GET", self.base_path + of_broadcast("getBroadcast"), Reply(200, GET_BROADCAST))
        with self.client(vendor.url, exchanges) as portal:
            portal.get_broadcast(broadcast_id="2")
        assert exchanges[0].url == f"{vendor.url}/mmc/rest/api/getBroadcast/8/2/[redacted]/[redacted]"


def test_a_client_works_by_itself() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=shortcodes("12345"))

    keys = {"public_key": "publicKey", "private_key": "privateKey"}
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as http,
        ogangi.client(
            instance_id="8", user_name="peter", **keys, signature_form="base64url", http=http
        ) as portal,
    ):
        assert portal.list_shortcodes() == ("12345",)
    assert str(asked[0].url).startswith(
        "https://www.messangi.com/messangi_mmc/rest/api/getShortcodes/8/peter/publicKey/Ffb4VjrVgZOf6Cet6Xs4OcbyOBWCm2W8xxcoiF-VFOA"
    )

"""Ogangi: the conformance suite's data, by file and by broadcast, and what only this vendor has.

Every signature written here was computed with another tool:
`printf %s '8/peter' | openssl dgst -sha256 -hmac 'canary-7f3/a+b=9'`.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest

from providers.connectors import connector_for
from providers.connectors.base import (
    Answer,
    DeliveryReport,
    OutgoingText,
    SendResult,
    StatusAnswer,
    WebhookCall,
    WebhookRejected,
)
from providers.connectors.ogangi import Ogangi
from providers.connectors.ogangi.answers import BroadcastState, When, messages_of, when
from providers.connectors.ogangi.connector import by_recipient
from providers.connectors.ogangi.envelope import read_envelope, read_xml
from providers.connectors.ogangi.signing import BASE64URL, ENCODED, Keys, signature
from providers.errors import (
    AccountRefused,
    BadAnswer,
    CapabilityError,
    ConnectorError,
    MessageRefused,
    NoAnswer,
    ServerTrouble,
    Throttled,
)
from providers.transport import LeanTransport, sync_client
from sms.states import MessageState
from tests.providers.connectors.batch_conformance import BatchConformance
from tests.providers.connectors.conformance import SECRET, ConformanceSuite, Refusal
from tests.providers.connectors.operation_suite import Multipart, sent_body
from tests.providers.connectors.scripted import Received, Reply, ScriptedServer

OUTGOING = OutgoingText(message_id=7, msisdn="12015550123", sender="12025550100", text="Hello")
# SECRET as it stands in an address.
KEY = "canary-7f3%2Fa%2Bb%3D9"
SIGNED_INSTANCE = "1ce14d3d10241f911be16d072993d34a406d513b4029a89cbcfa527726b1edae"
SIGNED_USER = "160d46c95c878d7817e52521a430498620fb9e0e1f0f1b30dd77297d8151a80f"
SIGNED_BROADCAST = "3a085d934c3253e9e45bd7f8bc74ef74d925b0fd708fc6a09f7ddf5e81054f0e"
SIGNED_BROADCAST_2 = "513011e4fd2d673ebcc94ae42405e0c1fdd97ca830d14441ce43f51c26b61b09"
INTERNAL = "Internal error, please report this to support@example.com"
BOMB = (
    b'<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><r><status>OK</status><description>&c;</description></r>'
)
FILE_ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    b"<r><status>OK</status><description>&f;</description></r>"
)


def xml(status: str, description: str, result: str = "", called: str = "sendSMS") -> bytes:
    """As the document shows answers: without a root."""
    told = (
        f"<input>{called}</input> <status>{status}</status> <description>{escape(description)}</description>"
    )
    return f"{told} <result> {result} </result>".encode() if result else told.encode()


def message(
    to: str, status: str = "SENT_TO_CARRIER", message_id: str = "-6710228708174720670", **more: str
) -> str:
    """The document's example of a message."""
    values = {
        "id": message_id,
        "carrier": "carrierName",
        "from": "12025550100",
        "to": to,
        "text": "OGANGI TEST MESSAGE",
        "status": status,
        "statusDescription": "Sent to Carrier" if status == "SENT_TO_CARRIER" else "",
        "encoding": "UTF-8",
        "date": "2014-12-17T00:12:13.571-04:30",
        "timezone": "America/Caracas",
        "clientId": "As223sdadq8d8287v5v",
        **more,
    }
    return (
        f"<message> {' '.join(f'<{tag}>{escape(text)}</{tag}>' for tag, text in values.items())} </message>"
    )


def messages(*rows: str) -> bytes:
    return xml("OK", "Completed", f"<messages> {' '.join(rows)} </messages>")


def read_back(status: int, expected: int, sent: int) -> bytes:
    """What getBroadcast says of broadcast 2."""
    return xml(
        "OK",
        "Completed",
        result="<broadcast> <id>2</id> <text>Test message</text>"
        f" <expectedMessages>{expected}</expectedMessages> <sentMessages>{sent}</sentMessages>"
        f" <status>{status}</status> <shortcode>0000000</shortcode> </broadcast>",
    )


def broadcast(status: str, expected: int = 1, broadcast_id: str = "1") -> bytes:
    """The document's example of createBroadcastFromJson."""
    told = (
        f"<broadcast> <id>{broadcast_id}</id> <text>Test message</text>"
        " <startDate>2016-08-16T17:49:42.346-04:002</startDate>"
        f" <expectedMessages>{expected}</expectedMessages> <statusDescription>{status}</statusDescription>"
        " <shortcode>0000000</shortcode> </broadcast>"
    )
    return xml("OK", "Completed", told, "createBroadcastFromJson")


def shortcodes(*codes: str) -> bytes:
    rows = " ".join(f"<shortcode> <sc>{code}</sc> </shortcode>" for code in codes)
    return xml("OK", "Completed", f"<shortcodes> {rows} </shortcodes>", "getShortcodes")


def rows_of(received: Received) -> list[list[str]]:
    """The rows of the file that was posted."""
    posted = sent_body(received, Multipart({}, {}))
    [(name, (filename, content))] = posted.files.items()
    assert (name, filename, posted.fields) == ("file", "recipients.csv", {})
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


REFUSALS = {
    "bad credentials": Refusal(
        200,
        xml("BAD_SIGNATURE", f"Invalid signature, access denied: {SECRET}"),
        AccountRefused,
        "bad_credentials",
        words="access denied: [redacted]",
    ),
    "bad signature as a 500": Refusal(
        500, xml("BAD_SIGNATURE", "Invalid signature"), AccountRefused, "bad_credentials"
    ),
    "no access": Refusal(401, xml("ERROR", "Unauthorized"), AccountRefused, "bad_credentials"),
    "no credit": Refusal(
        400, xml("ERROR", "Not enough credits"), AccountRefused, "no_credit", words="Not enough credits"
    ),
    "credit in a 200": Refusal(
        200, xml("ERROR", "Not enough credits"), ServerTrouble, "server_trouble", words="Not enough credits"
    ),
    "error inside a 200": Refusal(
        200, xml("ERROR", INTERNAL), ServerTrouble, "server_trouble", words="Internal error, please report"
    ),
    "error in small letters": Refusal(200, xml("error", "x"), ServerTrouble, "server_trouble"),
    "error in a 500": Refusal(500, xml("ERROR", INTERNAL), ServerTrouble, "server_trouble"),
    "error without words": Refusal(
        200, b"<status>ERROR</status>", ServerTrouble, "server_trouble", words="ERROR"
    ),
    "refused": Refusal(400, xml("ERROR", "Malformed row"), MessageRefused, "refused", words="Malformed row"),
    "no such instance": Refusal(404, xml("ERROR", "No instance 8"), AccountRefused, "bad_settings"),
    "throttled in its own words": Refusal(
        429, xml("ERROR", "Slow down"), Throttled, "throttled", {"retry-after": "7"}, 7.0
    ),
    "given up waiting": Refusal(408, xml("ERROR", "Timeout"), NoAnswer, "no_answer"),
    "a word nobody knows": Refusal(200, xml("MAYBE", "Perhaps"), BadAnswer, "bad_answer", words="Perhaps"),
    "nothing inside": Refusal(200, xml("OK", "Completed"), BadAnswer, "bad_answer", words="Completed"),
    "another root": Refusal(200, b"<response><code>1</code></response>", BadAnswer, "bad_answer"),
    "truncated xml": Refusal(200, messages(message("12015550123"))[:-60], BadAnswer, "bad_answer"),
    "xml without end": Refusal(200, b"<a>" * 100_000, BadAnswer, "bad_answer"),
    "xml of a million elements": Refusal(200, b"<a/>" * 200_000, BadAnswer, "bad_answer"),
    "entities that grow": Refusal(200, BOMB, BadAnswer, "bad_answer"),
    "an entity of a file": Refusal(200, FILE_ENTITY, BadAnswer, "bad_answer"),
    "not utf-8": Refusal(200, b"\xff\xfe\x00{", BadAnswer, "bad_answer"),
}


class OgangiData:
    """What both ways of sending share."""

    slug = "ogangi"
    config = {"instance_id": "8", "user_name": "peter", "public_key": SECRET, "private_key": SECRET}
    base_path = "/mmc"
    posted_type = "multipart/form-data"
    secret_in_address = True
    outgoing = OUTGOING
    refusals = REFUSALS
    impossible = {
        "name as sender": ({"sender": "Crier"}, CapabilityError, "not_supported"),
        "sender with a plus": ({"sender": "+12025550100"}, MessageRefused, "sender_not_allowed"),
        "empty": ({"text": ""}, MessageRefused, "empty_text"),
        "too long": ({"text": "x" * 1601}, MessageRefused, "text_too_long"),
        "short number": ({"msisdn": "1201555"}, MessageRefused, "bad_number"),
        "long number": ({"msisdn": "1" * 16}, MessageRefused, "bad_number"),
        "number with a plus": ({"msisdn": "+12015550123"}, MessageRefused, "bad_number"),
        "national number": ({"msisdn": "07700900123"}, MessageRefused, "bad_number"),
    }
    test_target = f"/rest/api/getShortcodes/8/peter/{KEY}/{SIGNED_USER}"
    tested = Reply(200, shortcodes("12025550100", "12345"))
    test_sentence = "Short codes of the instance: 2."
    wrong_configs = {
        "no private key": ({"private_key": ""}, "private_key"),
        "no public key": ({"public_key": None}, "public_key"),
        "key of two lines": ({"private_key": f"{SECRET}\nX: 1"}, "private_key"),
        "no instance": ({"instance_id": ...}, "instance_id"),
        "instance of two": ({"instance_id": "8/9"}, "instance_id"),
        "user with a slash": ({"user_name": "peter\\admin"}, "user_name"),
        "another way of sending": ({"send_by": "pigeon"}, "send_by"),
        "another form": ({"signature_form": "base32"}, "signature_form"),
        "another way of signing": ({"signed_values": "both"}, "signed_values"),
        "names in half a way": ({"base64_names": "true"}, "base64_names"),
        "no such zone": ({"timezone": "America/Nowhere"}, "timezone"),
        "a zone outside": ({"timezone": "../../etc/hostname"}, "timezone"),
        "numbers that mean nothing": ({"broadcast_states": "scheduled, gone"}, "broadcast_states"),
        "setting of another vendor": ({"password": SECRET}, "password"),
        "address of a file": ({"base_url": "file:///etc/hostname"}, "base_url"),
    }
    wrong_webhooks = {
        "empty": b"",
        "json": b'{"to": "12015550123"}',
        "an answer": messages(message("12015550123")),
        "binary": b"\x00\xff",
    }

    def report_call(self, _word: str) -> WebhookCall:
        return WebhookCall("POST", "/hooks/token/", {}, {}, b"", "192.0.2.1")

    def said(self, body: bytes) -> SendResult:
        connector = connector_for("ogangi", self.config)
        return connector.parse_send(self.outgoing, httpx.Response(200, content=body))


class TestOgangi(OgangiData, BatchConformance):
    send_target = f"/rest/api/tools/sendSMSByFile/8/{KEY}/{SIGNED_INSTANCE}"
    accepted = Reply(200, messages(message("12015550123")))
    result = SendResult(MessageState.SENT, "-6710228708174720670")
    taken_word, failed_word = "SENT_TO_CARRIER", "BAD_TO"
    refuses_batch = Reply(400, xml("ERROR", "Malformed row"))
    opted_out = {
        "its own words": Reply(
            200,
            messages(message("12015550123", "NOT_SENT", statusDescription="The recipient has opted out")),
        ),
        "its own status": Reply(200, messages(message("12015550123", "OPTED_OUT"))),
        "a refusal": Reply(400, xml("ERROR", "Recipient is on the blacklist")),
        "forbidden": Reply(403, xml("ERROR", "Recipient replied STOP")),
    }
    variants = {
        "bad number": (
            Reply(200, messages(message("12015550123", "BAD_TO", "-8", statusDescription="Bad To"))),
            SendResult(MessageState.FAILED, "-8", "bad_number", "BAD_TO: Bad To"),
        ),
        "sender not allowed": (
            Reply(200, messages(message("12015550123", "BAD_FROM", "-8"))),
            SendResult(MessageState.FAILED, "-8", "sender_not_allowed", "BAD_FROM"),
        ),
        "a word nobody knows": (
            Reply(200, messages(message("12015550123", f"QUEUED {SECRET}", "-8"))),
            SendResult(MessageState.UNKNOWN, "-8", "unknown_status", "QUEUED [redacted]"),
        ),
        "no word at all": (
            Reply(200, messages(message("12015550123", "", "-8"))),
            SendResult(MessageState.UNKNOWN, "-8", "unknown_status", "(no status)"),
        ),
        "ours is missing": (
            Reply(200, messages(message("12015550199"))),
            SendResult(MessageState.UNKNOWN, "", "bad_answer", "The answer does not name this recipient."),
        ),
        "named without its code": (
            Reply(200, messages(message("(201) 555-0123", message_id="5"))),
            SendResult(MessageState.SENT, "5"),
        ),
        "twice, one of them sent": (
            Reply(
                200,
                messages(message("12015550123", "NOT_SENT", "1"), message("12015550123", message_id="2")),
            ),
            SendResult(MessageState.SENT, "2"),
        ),
        "twice, one of them unknown": (
            Reply(
                200, messages(message("12015550123", "NOT_SENT", "1"), message("12015550123", "NO_IDEA", "2"))
            ),
            SendResult(MessageState.UNKNOWN, "2", "unknown_status", "NO_IDEA"),
        ),
        "taken under another status of HTTP": (
            Reply(500, messages(message("12015550123", message_id="5"))),
            SendResult(MessageState.SENT, "5"),
        ),
        "in a root": (
            Reply(
                200,
                b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n<mmc:response xmlns:mmc="urn:x">'
                + messages(message("12015550123", message_id="5")).replace(b"status>", b"mmc:status>")
                + b"</mmc:response>",
            ),
            SendResult(MessageState.SENT, "5"),
        ),
        "in another charset": (
            Reply(
                200,
                b"<?xml version='1.0' encoding='ISO-8859-1'?>"
                + messages(message("12015550123", "NOT_SENT", "5", statusDescription="@")).replace(
                    b"@", b"Cr\xe9dito"
                ),
            ),
            SendResult(MessageState.FAILED, "5", "refused", "NOT_SENT: Crédito"),
        ),
        "in no charset": (
            Reply(
                200,
                messages(message("12015550123", message_id="5")).replace(b"TEST", b"T\xe9\x01ST"),
            ),
            SendResult(MessageState.SENT, "5"),
        ),
    }
    statuses = {
        "SENT": (MessageState.SENT, ""),
        "SENT_TO_CARRIER": (MessageState.SENT, ""),
        "DELIVERED_TO_CARRIER": (MessageState.SENT, ""),
        "SENT_TO_DEVICE": (MessageState.SENT, ""),
        "DELIVERED_TO_DEVICE": (MessageState.DELIVERED, ""),
        "EXPIRED": (MessageState.EXPIRED, "expired"),
        "UNREACHABLE": (MessageState.UNDELIVERED, "undelivered"),
        "UNDELIVERED": (MessageState.UNDELIVERED, "undelivered"),
        "NOT_SENT": (MessageState.FAILED, "refused"),
        "BAD_FROM": (MessageState.FAILED, "sender_not_allowed"),
        "BAD_CARRIER/FROM": (MessageState.FAILED, "sender_not_allowed"),
        "BAD_TO": (MessageState.FAILED, "bad_number"),
        "BAD_ENCODING": (MessageState.FAILED, "refused"),
    }
    owed_statuses = frozenset({"SENT_TO_CARRIER", "NOT_SENT", "BAD_TO", "BAD_FROM", "UNDELIVERED", "EXPIRED"})
    delivered_word, sent_word, unknown_word = "DELIVERED_TO_DEVICE", "SENT_TO_CARRIER", "ENROUTE"

    def report(self, word: str) -> SendResult:
        return self.said(messages(message("12015550123", word)))

    def posted(self, received: Received) -> list[list[str]]:
        return rows_of(received)

    def text_of(self, body: Any) -> str:
        [row] = body
        return str(row[5])

    def sendable(self, text: str) -> str:
        """UTF-8 has no half of a pair."""
        return text.replace("\ud83d", "\N{REPLACEMENT CHARACTER}")

    def batch_answer(self, words: Any) -> Reply:
        return Reply(
            200, messages(*(message(number, word, self.remote_id(number)) for number, word in words.items()))
        )

    def remote_id(self, msisdn: str) -> str:
        return f"-{msisdn}"

    def texts_of(self, posted: Any) -> dict[str, str]:
        return {row[0]: row[5] for row in posted}


class TestOgangiByBroadcast(OgangiData, ConformanceSuite):
    config = {**OgangiData.config, "send_by": "broadcast"}
    send_target = (
        f"/rest/api/createBroadcastFromJson/8/-1/12025550100/peter/true/null/null/{KEY}/{SIGNED_BROADCAST}"
    )
    accepted = Reply(200, broadcast("SCHEDULED"))
    result = SendResult(MessageState.SENT, "1")
    asked_id = "2"
    asked_target = f"/rest/api/getBroadcast/8/2/{KEY}/{SIGNED_BROADCAST_2}"
    asked = {
        "sent to all": (
            Reply(200, read_back(2, 3, 3)),
            StatusAnswer(
                DeliveryReport(MessageState.SENT, words="Finished: 3 of 3 messages sent."), is_last=True
            ),
        ),
        "sent to nobody": (
            Reply(200, read_back(4, 3, 0)),
            StatusAnswer(
                DeliveryReport(MessageState.FAILED, words="Stopped: 0 of 3 messages sent.", reason="failed"),
                is_last=True,
            ),
        ),
        "sent to some": (Reply(200, read_back(2, 3, 2)), StatusAnswer(None, is_last=True)),
        "running": (Reply(200, read_back(1, 3, 1)), StatusAnswer(None)),
        "suspended": (Reply(200, read_back(3, 3, 3)), StatusAnswer(None)),
        "in error": (Reply(200, read_back(5, 3, 0)), StatusAnswer(None)),
        "an unknown number": (Reply(200, read_back(17, 3, 3)), StatusAnswer(None)),
    }
    opted_out = {
        "a refusal": Reply(400, xml("ERROR", "The recipient has opted out")),
        "forbidden": Reply(403, xml("ERROR", "Recipient is on the blacklist")),
    }
    variants = {
        "bad number": (
            Reply(200, broadcast("SCHEDULED", expected=0)),
            SendResult(MessageState.UNKNOWN, "1", "bad_answer", "Ogangi expects 0 of 1 messages."),
        ),
        "more than ours": (
            Reply(200, broadcast("SCHEDULED", expected=2)),
            SendResult(MessageState.SENT, "1", words="Ogangi expects 2 of 1 messages."),
        ),
        "sender not allowed": (
            Reply(200, broadcast("ERROR")),
            SendResult(MessageState.UNKNOWN, "1", "server_trouble", "ERROR"),
        ),
        "without a status": (Reply(200, broadcast("")), SendResult(MessageState.SENT, "1")),
        "by number": (Reply(200, broadcast("1")), SendResult(MessageState.SENT, "1")),
        "by a number nobody knows": (
            Reply(200, broadcast("17")),
            SendResult(MessageState.UNKNOWN, "1", "unknown_status", "17"),
        ),
    }
    statuses = {
        "SCHEDULED": (MessageState.SENT, ""),
        "RUNNING": (MessageState.SENT, ""),
        "FINISHED": (MessageState.SENT, ""),
        "SUSPENDED": (MessageState.UNKNOWN, "server_trouble"),
        "STOPPED": (MessageState.UNKNOWN, "server_trouble"),
        "ERROR": (MessageState.UNKNOWN, "server_trouble"),
    }
    owed_statuses = frozenset({"SCHEDULED", "FINISHED", "ERROR"})
    delivered_word, sent_word, unknown_word = "FINISHED", "SCHEDULED", "PAUSED"

    def report(self, word: str) -> SendResult:
        return self.said(broadcast(word))

    def posted(self, received: Received) -> Any:
        posted = sent_body(received, Multipart({}, {}))
        assert (list(posted.fields), posted.files) == (["to"], {})
        return json.loads(posted.fields["to"])

    def text_of(self, body: Any) -> str:
        [recipient] = body
        return str(recipient["message"])


# --- signing and addresses ------------------------------------------------------------------------

CONFIG = {"instance_id": "8", "user_name": "peter", "public_key": "publicKey", "private_key": "privateKey"}
# The vendor's own example of what is signed (NOTES.md, section 3).
EXAMPLE = ["8", "-1", "434", "peter", "true", "testJsonBroadcast", "null"]


def ogangi(**more: str) -> Ogangi:
    connector = connector_for("ogangi", {**CONFIG, **more})
    assert isinstance(connector, Ogangi)
    return connector


def test_signs_the_vendors_example() -> None:
    """`printf %s 8/-1/434/peter/true/testJsonBroadcast/null | openssl dgst -sha256 -hmac privateKey`, and the same with
    `-binary | base64` in the alphabet of addresses."""
    assert signature(Keys("publicKey", "privateKey"), EXAMPLE) == (
        "2ff353bb3662b3ceb75ef0cf413480ff7f83445a906b2511f50966eab250ac2c"
    )
    assert signature(Keys("publicKey", "privateKey", BASE64URL), EXAMPLE) == (
        "L_NTuzZis863XvDPQTSA_3-DRFqQayUR9Qlm6rJQrCw"
    )


def test_signs_what_is_written_or_what_is_meant() -> None:
    """As openssl signs `8/17-12-2014 00:12` and `8/17-12-2014%2000%3A12`."""
    values = ["8", "17-12-2014 00:12"]
    assert signature(Keys("p", "privateKey"), values) == (
        "ff7de3a8f63a546278b5e22cbd3a4a7b595fbce83ded617a8d23d61a67aca289"
    )
    assert signature(Keys("p", "privateKey", signed=ENCODED), values) == (
        "e38d67b889817a271736af940a70fa3addccdf3b4d72b2999c08960145ea75ce"
    )


def test_request_has_the_documents_address() -> None:
    request = ogangi().build_send(OUTGOING)
    assert (request.method, str(request.url)) == (
        "POST",
        "https://www.messangi.com/messangi_mmc/rest/api/tools/sendSMSByFile/8/publicKey/"
        "5560a0370c48af40c4a79fb0b30a14a6eb0b15ee8f825287d1efb1c2f49b24b9",
    )
    assert request.headers["accept"] == "application/xml"


def test_a_base_url_may_be_written_with_its_end() -> None:
    request = ogangi(base_url="https://example.com/mmc/rest/api").build_test()
    assert str(request.url).startswith("https://example.com/mmc/rest/api/getShortcodes/8/peter/publicKey/")


def test_names_may_be_in_base64() -> None:
    """`peter` is cGV0ZXI; `8/cGV0ZXI` is what is signed. A word of the vendor's stays as it is."""
    connector = ogangi(base64_names="yes", signature_form="base64url")
    assert str(connector.build_test().url).endswith(
        "/8/cGV0ZXI/publicKey/GX_7Nl61ESToo0Wl_n2GPa65W4QiT8eqt82uAzT74hU"
    )
    by_broadcast = ogangi(base64_names="yes", send_by="broadcast").build_send(OUTGOING)
    assert "/8/-1/12025550100/cGV0ZXI/true/null/null/publicKey/" in str(by_broadcast.url)


@pytest.mark.parametrize("form", ["hex", "base64url"])
def test_signatures_stay_out_of_words(form: str) -> None:
    """That of sendSMSByFile is good for every file, as only the instance is signed."""
    connector = ogangi(signature_form=form)
    path = connector.build_send(OUTGOING).url.path
    page = f"<html>Not found: {path}, ({path.rpartition('/')[2]})</html>"
    with pytest.raises(AccountRefused) as caught:
        connector.parse_send(OUTGOING, httpx.Response(404, content=page.encode()))
    assert caught.value.words == (
        "Not found: /messangi_mmc/rest/api/tools/sendSMSByFile/8/[redacted]/[redacted], ([redacted])"
    )


# --- the file and the JSON ------------------------------------------------------------------------


def file_of(request: httpx.Request) -> bytes:
    posted = Received("POST", "/", dict(request.headers), request.content, 1)
    return sent_body(posted, Multipart({}, {})).files["file"][1]


def test_the_file_has_six_quoted_columns() -> None:
    outgoing = replace(OUTGOING, text='Say "hi", now')
    request = ogangi(carrier="Tigo", timezone="America/Caracas").build_batch(
        [outgoing, replace(OUTGOING, msisdn="447700900123")]
    )
    assert file_of(request) == (
        b'"12015550123","12025550100","Tigo","UTF-8","America/Caracas","Say ""hi"", now"\r\n'
        b'"447700900123","12025550100","Tigo","UTF-8","America/Caracas","Hello"\r\n'
    )


def test_a_text_with_placeholders_of_its_own_stays_as_it_is() -> None:
    request = ogangi().build_send(replace(OUTGOING, text="Use {1} or {12} or {a}"))
    assert file_of(request) == (
        b'"12015550123","12025550100","","UTF-8","UTC","Use {1} or {12} or {a}","{0}","{1}"\r\n'
    )


def test_a_broadcast_names_each_recipient() -> None:
    request = ogangi(send_by="broadcast", carrier="Tigo").build_batch(
        [OUTGOING, replace(OUTGOING, msisdn="447700900123", text="Ключ {0}")]
    )
    posted = Received("POST", "/", dict(request.headers), request.content, 1)
    assert json.loads(sent_body(posted, Multipart({}, {})).fields["to"]) == [
        {"mobileNumber": "12015550123", "message": "Hello", "from": "12025550100", "carrier": "Tigo"},
        {
            "mobileNumber": "447700900123",
            "message": "Ключ {0}",
            "from": "12025550100",
            "carrier": "Tigo",
            "params": ["{0}"],
        },
    ]


async def test_a_broadcast_has_one_short_code_so_senders_are_parted() -> None:
    batch = [
        replace(OUTGOING, message_id=1, msisdn="12015550101"),
        replace(OUTGOING, message_id=2, msisdn="12015550102", sender="12345"),
        replace(OUTGOING, message_id=3, msisdn="12015550103"),
    ]
    transport = LeanTransport()
    with ScriptedServer() as vendor:
        connector = ogangi(send_by="broadcast", base_url=vendor.url)
        for first, expected, broadcast_id in ((batch[0], 2, "10"), (batch[1], 1, "11")):
            target = connector.build_send(first).url.raw_path.decode()
            vendor.expect("POST", target, Reply(200, broadcast("SCHEDULED", expected, broadcast_id)))
        outcomes = await connector.send_batch(transport, batch)
        vendor.verify()
    await transport.aclose()
    assert outcomes == [SendResult(MessageState.SENT, number) for number in ("10", "11", "10")]


# --- answers --------------------------------------------------------------------------------------


def test_who_shares_an_ending_is_matched_by_the_whole_number() -> None:
    envelope = read_envelope(messages(message("2015550123"), message("442015550123", message_id="2")))
    assert envelope is not None
    found = by_recipient(["12015550123", "442015550123"], messages_of(envelope.result))
    assert {number: [row.message_id for row in rows] for number, rows in found.items()} == {
        "442015550123": ["2"]
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"<status></status>",
        b"<html><p>Log in</p></html>",
        b"<status>OK</status></answer><answer>",
        b"<status>OK</status>&nbsp;",
        BOMB,
        FILE_ENTITY,
        b"<r>" + BOMB + b"</r>",
        b"<status>OK</status>" + b"<a>" * 17 + b"</a>" * 17,
        b"<status>OK</status>" + b"<a/>" * 50_000,
        b"<status>OK</status>" + b" " * 1024 * 1024,
    ],
)
def test_what_is_no_envelope_is_none(body: bytes) -> None:
    assert read_envelope(body) is None


def test_an_envelope_may_be_as_deep_and_as_long_as_allowed() -> None:
    for body in (b"<a>" * 16 + b"</a>" * 16, b"<a/>" * 49_990):
        envelope = read_envelope(b"<status>ok</status>" + body)
        assert envelope is not None
        assert envelope.status == "OK"


def test_utf_16_is_read_by_its_mark() -> None:
    root = read_xml("<a>Ключ</a>".encode("utf-16"))
    assert root is not None
    assert root.value("a") == "Ключ"


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        ("2014-12-17T00:12:13.571-04:30", datetime(2014, 12, 17, 4, 42, 13, 571000, tzinfo=UTC)),
        ("2013-09-05T15:10:14-04:00", datetime(2013, 9, 5, 19, 10, 14, tzinfo=UTC)),
        ("2016-08-16T17:49:42.346-04:002", datetime(2016, 8, 16, 21, 49, 42, 346000, tzinfo=UTC)),
        ("2016-08-16T17:49:42Z", datetime(2016, 8, 16, 17, 49, 42, tzinfo=UTC)),
        ("2016-08-16T17:49:42", None),
        ("2016-13-16T17:49:42Z", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates_are_kept_and_read_as_far_as_they_make_sense(raw: str, at: datetime | None) -> None:
    assert when(raw) == When(raw, at)


GET_BROADCAST = xml(
    "OK",
    "Completed",
    "<broadcast> <id>2</id> <text>message</text> <startDate>2013-09-05T15:10:14-04:00</startDate>"
    " <endDate>2013-09-05T15:10:14-04:00</endDate> <expectedMessages>2</expectedMessages>"
    " <sentMessages>2</sentMessages> <status>2</status> <shortcode>0000000</shortcode> </broadcast>",
    "getBroadcast",
)


def test_a_broadcast_can_be_read_back() -> None:
    connector = ogangi(public_key=SECRET, private_key=SECRET)
    request = connector.build_broadcast("2")
    assert (request.method, request.url.raw_path.decode()) == (
        "GET",
        f"/messangi_mmc/rest/api/getBroadcast/8/2/{KEY}/{SIGNED_BROADCAST_2}",
    )
    read = connector.read_broadcast(connector.read(httpx.Response(200, content=GET_BROADCAST)))
    assert (read.broadcast_id, read.state, read.expected_messages, read.sent_messages) == (
        "2",
        BroadcastState.FINISHED,
        2,
        2,
    )


def test_what_the_numbers_of_a_broadcast_mean_is_a_setting() -> None:
    connector = ogangi(broadcast_states="scheduled, running, Suspended")
    answer = connector.read(httpx.Response(200, content=GET_BROADCAST))
    assert connector.read_broadcast(answer).state is BroadcastState.SUSPENDED


def test_an_answer_without_a_broadcast_is_none() -> None:
    with pytest.raises(BadAnswer):
        ogangi().read_broadcast(Answer(200, read_envelope(shortcodes("12345")), b""))


# --- senders, test, webhook -----------------------------------------------------------------------


def test_senders_are_the_instances_codes() -> None:
    with ScriptedServer() as vendor, sync_client() as client:
        connector = ogangi(base_url=vendor.url)
        target = connector.build_sender_list(0).url.raw_path.decode()
        vendor.expect("GET", target, Reply(200, shortcodes("12025550100", " 12345 ", "12345", "")))
        assert connector.list_senders(client) == ["12025550100", "12345"]
        vendor.verify()


@pytest.mark.parametrize(
    ("body", "raises"),
    [
        (xml("BAD_SIGNATURE", "Invalid signature, access denied"), AccountRefused),
        (xml("ERROR", INTERNAL), ServerTrouble),
        (xml("OK", "Completed"), BadAnswer),
    ],
)
def test_connection_test_explains_the_vendors_words(body: bytes, raises: type[ConnectorError]) -> None:
    with pytest.raises(raises):
        ogangi().parse_test(httpx.Response(200, content=body))


def test_connection_test_tells_when_there_is_no_short_code() -> None:
    body = xml("OK", "Completed", "<shortcodes/>")
    assert "no short code" in ogangi().parse_test(httpx.Response(200, content=body))


def test_calls_are_rejected_in_words() -> None:
    call = WebhookCall("POST", "/hooks/token/", {}, {}, b"{}", "192.0.2.1")
    with pytest.raises(WebhookRejected, match="Ogangi documents no calls to us"):
        ogangi().parse_webhook(call)

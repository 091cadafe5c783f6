"""What every vendor is asked, over real HTTP. A vendor's test subclasses ConformanceSuite, with data only."""

from __future__ import annotations

import json
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from providers.connectors import REGISTRY, connector_for
from providers.connectors.base import (
    OPTED_OUT_AT_VENDOR,
    Connector,
    DeliveryReport,
    OutgoingText,
    Picture,
    ReceiptKind,
    SendResult,
    StatusAnswer,
    WebhookCall,
    WebhookRejected,
)
from providers.errors import (
    AccountRefused,
    BadAnswer,
    CapabilityError,
    ConfigError,
    ConnectorError,
    MessageRefused,
    NoAnswer,
    ServerTrouble,
    Throttled,
    Unreachable,
)
from providers.transport import LeanTransport, sync_client
from sms.states import MessageState, may_follow
from tests.providers.connectors.scripted import Line, Received, Reply, ScriptedServer, refusing_port

SECRET = "canary-7f3/a+b=9"  # characters that are spelled otherwise in JSON, URLs and base64
PATIENCE = 5.0
QUICK = 0.25  # seconds until an answer is given up

TEXTS = {
    "gsm": "Hello @£$¥ èéùì",
    "gsm extension": "Price [10€] {sale} ^~|\\",
    "ucs2": "Привет, 你好",
    "emoji": "Sale 🎉👩‍👩‍👧 now",
    "quotes and slashes": "She said \"hi\" & 'bye' </b> \\n",
    "lines": "one\ntwo\r\nthree\tfour",
    "percent and plus": "100% + 1%20 %2B a+b",
    "blanks around": "  padded  ",
    "tokens of the vendor": "{{link:5}} {first_name}",
    "long": "x" * 1000,
    "half a pair": "broken \ud83d end",
}


@dataclass(frozen=True)
class Refusal:
    """An answer that is no success. `echo`: the body repeats the secret, as some vendors do."""

    status: int
    body: Any
    raises: type[ConnectorError]
    reason: str
    headers: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None
    words: str = ""


# What can come from any web server between us and the vendor.
GENERAL: dict[str, Refusal] = {
    "throttled for a while": Refusal(429, {}, Throttled, "throttled", {"retry-after": "7"}, 7.0),
    "throttled": Refusal(429, {}, Throttled, "throttled"),
    "throttled by a page": Refusal(429, b"<html>slow</html>", Throttled, "throttled", words="slow"),
    "throttled until nonsense": Refusal(429, {}, Throttled, "throttled", {"retry-after": "soon"}),
    "server error": Refusal(500, b"<h1>Oops</h1>", ServerTrouble, "server_trouble", words="Oops"),
    "bad gateway": Refusal(502, b"", ServerTrouble, "server_trouble"),
    "unavailable": Refusal(503, {}, ServerTrouble, "server_trouble", {"retry-after": "7"}),
    "gateway timeout": Refusal(504, b"<html></html>", ServerTrouble, "server_trouble"),
    "request timeout": Refusal(408, b"", NoAnswer, "no_answer"),
    "too large": Refusal(413, b"<html>too big</html>", MessageRefused, "text_too_long"),
    "page not found": Refusal(404, b"<html>nothing here</html>", AccountRefused, "wrong_address"),
    "wrong method": Refusal(405, b"", AccountRefused, "wrong_address"),
    "payment required": Refusal(402, {}, AccountRefused, "no_credit"),
    "moved for good": Refusal(
        301, b"", AccountRefused, "wrong_address", {"location": "https://example.com/"}
    ),
    "to be repeated elsewhere": Refusal(308, b"", AccountRefused, "wrong_address", {"location": "/other"}),
    "see other": Refusal(303, b"", BadAnswer, "bad_answer", {"location": "/done"}),
    "html for json": Refusal(200, b"<html><p>Log in</p></html>", BadAnswer, "bad_answer", words="Log in"),
    "nothing for json": Refusal(200, b"", BadAnswer, "bad_answer"),
    "truncated json": Refusal(200, b'{"message_id": "abc", "RefI', BadAnswer, "bad_answer"),
    "a list for an object": Refusal(200, [1, 2], BadAnswer, "bad_answer"),
    "a text for an object": Refusal(200, "ok", BadAnswer, "bad_answer"),
    "null": Refusal(200, None, BadAnswer, "bad_answer"),
    "an empty object": Refusal(200, {}, BadAnswer, "bad_answer"),
    "nested without end": Refusal(200, b"[" * 100_000, BadAnswer, "bad_answer"),
    "longer than a MiB": Refusal(200, b" " * (1024 * 1024 + 1), BadAnswer, "bad_answer"),
}
# Names that a vendor's own `refusals` have to hold, or its `variants` where the recipient's own status says it.
OWED = frozenset({"bad number", "bad credentials", "no credit", "error inside a 200", "sender not allowed"})


class ConformanceSuite:
    """`config` has SECRET wherever a secret belongs; `base_path` is the path of the vendor's base URL."""

    slug: ClassVar[str]
    config: ClassVar[dict[str, str]]
    base_path: ClassVar[str] = ""
    send_target: ClassVar[str]
    # The content type of what is posted, without parameters.
    posted_type: ClassVar[str] = "application/json"
    outgoing: ClassVar[OutgoingText]
    # What the vendor answers when it takes `outgoing`, and what we make of it.
    accepted: ClassVar[Reply]
    result: ClassVar[SendResult]
    refusals: ClassVar[dict[str, Refusal]]
    # Answers that refuse the recipient as opted out, as this vendor would shape them.
    opted_out: ClassVar[dict[str, Reply]]
    # Further answers that are no refusal: partly accepted batches, what a recipient's own status says,
    # spellings.
    variants: ClassVar[dict[str, tuple[Reply, SendResult]]]
    # What the vendor's own `refusals` have to hold: all, unless it has no such thing.
    owed: ClassVar[frozenset[str]] = OWED
    # Texts that have to arrive as they are: those of a vendor that takes texts of ours.
    texts: ClassVar[dict[str, str]] = TEXTS
    # Whether a secret travels in the address, which then is never shown as it is.
    secret_in_address: ClassVar[bool] = False
    # Texts refused before any HTTP.
    impossible: ClassVar[dict[str, tuple[dict[str, Any], type[ConnectorError], str]]]
    # Requests of the connection test: target, a good answer, and a part of the sentence.
    test_method: ClassVar[str] = "GET"
    test_target: ClassVar[str]
    tested: ClassVar[Reply]
    test_sentence: ClassVar[str]
    # Every row of the vendor's status table, and the state and reason it means.
    statuses: ClassVar[dict[str, tuple[MessageState, str]]]
    unknown_word: ClassVar[str]
    # Of those, what it says of a text on its way and of one that arrived, and what it has to have besides.
    sent_word: ClassVar[str] = "ENROUTE"
    delivered_word: ClassVar[str] = "DELIVRD"
    owed_statuses: ClassVar[frozenset[str]] = frozenset({"UNDELIV", "EXPIRED", "REJECTD"})
    wrong_configs: ClassVar[dict[str, tuple[dict[str, Any], str]]]
    # Of a vendor that can be asked what became of a text: the settings with which it can, its id of the text, the target of
    # the question, a good answer, and what further answers mean.
    asking: ClassVar[dict[str, str]] = {}
    asked_id: ClassVar[str]
    asked_target: ClassVar[str]
    asked: ClassVar[dict[str, tuple[Reply, StatusAnswer]]] = {}
    # Bodies posted to the webhook that have to be rejected.
    wrong_webhooks: ClassVar[dict[str, bytes]]

    def report_call(self, word: str) -> WebhookCall:
        """The vendor's report of `outgoing` with this status."""
        raise NotImplementedError

    def media_of(self, body: Any) -> list[str]:
        """The addresses of pictures in the JSON that was posted; of a vendor that sends them."""
        raise NotImplementedError

    def media_cases(self) -> dict[str, tuple[str, ...]]:
        can = REGISTRY[self.slug].capabilities if hasattr(self, "slug") else None
        if can is None:
            return {}
        one = "https://example.com/a.jpg"
        if not can.media:
            return {"one": (one,)}
        kinds = {"gif": "image/gif"}
        wrong = {
            name: (f"https://example.com/a.{name}",)
            for name, kind in kinds.items()
            if kind not in can.media_limits.kinds
        }
        return {"too many": (one,) * (can.media_limits.most_pictures + 1), **wrong}

    def posted(self, received: Received) -> Any:
        """What was posted, as `text_of` and `media_of` take it."""
        return received.json

    def text_of(self, body: Any) -> str:
        """The text in the JSON that was posted."""
        raise NotImplementedError

    def sendable(self, text: str) -> str:
        """A text as it has to go out. JSON can write any."""
        return text

    # --- machinery --------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        tables: dict[str, Any] = {
            "refusal": GENERAL | getattr(self, "refusals", {}),
            "variant": getattr(self, "variants", {}),
            "opted_out_reply": getattr(self, "opted_out", {}),
            "impossible_case": getattr(self, "impossible", {}),
            "text": getattr(self, "texts", TEXTS),
            "media_case": self.media_cases(),
            "status_word": {word: word for word in getattr(self, "statuses", {})},
            "wrong_config": getattr(self, "wrong_configs", {}),
            "asked_case": getattr(self, "asked", {}),
            "wrong_body": getattr(self, "wrong_webhooks", {}),
        }
        for name, table in tables.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, list(table.values()), ids=list(table))

    @pytest.fixture
    def seen(self, caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
        """Whatever a person or a log might get to see; at the end the secret must be in none of it."""
        caplog.set_level("DEBUG")
        seen: list[str] = []
        yield seen
        seen.append(caplog.text)
        spellings = {SECRET, json.dumps(SECRET)[1:-1], "canary-7f3%2Fa%2Bb%3D9", "canary"}
        assert not [text for text in seen for spelling in spellings if spelling in text]

    @pytest.fixture
    def vendor(self, seen: list[str]) -> Iterator[ScriptedServer]:
        with ScriptedServer() as server:
            yield server
            server.verify()

    @pytest.fixture
    async def transport(self) -> AsyncIterator[LeanTransport]:
        transport = LeanTransport()
        yield transport
        await transport.aclose()

    def connector(self, url: str, seconds: float = PATIENCE) -> Connector:
        return connector_for(
            self.slug, {**self.config, "base_url": url + self.base_path}, timeout_seconds=seconds
        )

    async def send(
        self, vendor: ScriptedServer, transport: LeanTransport, reply: Reply, **kwargs: Any
    ) -> SendResult:
        vendor.expect("POST", self.base_path + self.send_target, reply)
        return await self.connector(vendor.url, **kwargs).send(transport, self.outgoing)

    async def failure(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], reply: Reply, **kwargs: Any
    ) -> ConnectorError:
        with pytest.raises(ConnectorError) as caught:
            await self.send(vendor, transport, reply, **kwargs)
        return watched(caught.value, seen)

    # --- sending ----------------------------------------------------------------------------------

    async def test_it_works(self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str]) -> None:
        result = await self.send(vendor, transport, self.accepted)
        assert result == self.result
        seen.append(repr(result))
        assert vendor.received[0].headers["content-type"].partition(";")[0] == self.posted_type
        assert vendor.received[0].headers["user-agent"].startswith("Crier/")

    async def test_it_keeps_the_text(
        self, vendor: ScriptedServer, transport: LeanTransport, text: str
    ) -> None:
        vendor.expect("POST", self.base_path + self.send_target, self.accepted)
        await self.connector(vendor.url).send(transport, replace(self.outgoing, text=text))
        assert self.text_of(self.posted(vendor.received[0])) == self.sendable(text)

    async def test_it_reuses_the_connection(self, vendor: ScriptedServer, transport: LeanTransport) -> None:
        for _ in range(3):
            await self.send(vendor, transport, self.accepted)
        assert [request.connection for request in vendor.received] == [1, 1, 1]

    async def test_it_tells_refusals_apart(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], refusal: Refusal
    ) -> None:
        reply = Reply(refusal.status, refusal.body, refusal.headers)
        error = await self.failure(vendor, transport, seen, reply)
        assert type(error) is refusal.raises
        assert (error.reason, error.retry_after) == (refusal.reason, refusal.retry_after)
        assert refusal.words in error.words

    async def test_it_tells_who_opted_out_there(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], opted_out_reply: Reply
    ) -> None:
        """Of this recipient alone, whatever status it comes with: no account stops for it."""
        try:
            result = await self.send(vendor, transport, opted_out_reply)
        except ConnectorError as error:
            told = watched(error, seen)
            assert (type(error), told.certainly_not_sent) == (MessageRefused, True)
            assert (told.reason, bool(told.words)) == (OPTED_OUT_AT_VENDOR, True)
        else:
            assert (result.state, result.reason) == (MessageState.SUPPRESSED, OPTED_OUT_AT_VENDOR)
            assert result.words

    def test_the_suite_is_asked_in_full(self) -> None:
        assert len(self.opted_out) >= 2
        assert {*self.refusals, *self.variants} >= self.owed
        owed_statuses = {self.sent_word, self.delivered_word, *self.owed_statuses}
        assert set(self.statuses) >= (owed_statuses if self.reports else set())

    async def test_it_hides_the_secret_in_the_vendors_words(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str]
    ) -> None:
        """Also where the cut at 500 characters would go through the middle of it."""
        body = f"key {SECRET} or canary-7f3%2Fa%2Bb%3D9 is wrong {'x' * 436}{SECRET}".encode()
        error = await self.failure(vendor, transport, seen, Reply(400, body))
        assert error.words == f"key [redacted] or [redacted] is wrong {'x' * 436}[redacted]"[:500]

    async def test_it_reads_what_became_of_the_recipient(
        self, vendor: ScriptedServer, transport: LeanTransport, variant: tuple[Reply, SendResult]
    ) -> None:
        reply, expected = variant
        assert await self.send(vendor, transport, reply) == expected

    async def test_it_refuses_the_impossible_before_any_http(
        self,
        vendor: ScriptedServer,
        transport: LeanTransport,
        seen: list[str],
        impossible_case: tuple[dict[str, Any], type[ConnectorError], str],
    ) -> None:
        changes, raises, reason = impossible_case
        with pytest.raises(raises) as caught:
            await self.connector(vendor.url).send(transport, replace(self.outgoing, **changes))
        error = watched(caught.value, seen)
        assert (error.reason, error.certainly_not_sent, vendor.received) == (reason, True, [])

    async def test_pictures_beyond_its_limits_are_refused_before_any_http(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], media_case: tuple[str, ...]
    ) -> None:
        """Of a kind it does not take, or too many; a vendor of texts alone takes none."""
        outgoing = replace(self.outgoing, media_urls=media_case)
        with pytest.raises(CapabilityError) as caught:
            await self.connector(vendor.url).send(transport, outgoing)
        error = watched(caught.value, seen)
        assert (error.reason, error.certainly_not_sent, vendor.received) == ("not_supported", True, [])

    async def test_pictures_within_its_limits_go_out(
        self, vendor: ScriptedServer, transport: LeanTransport
    ) -> None:
        can = self.connector(vendor.url).capabilities
        if not can.media:
            assert can.picture_problem("It", [Picture("image/jpeg", 1)], "Hi").startswith(
                "It sends no pictures"
            )
            return
        most = can.media_limits.most_pictures
        urls = tuple(f"https://example.com/{number}.jpg" for number in range(most))
        outgoing = replace(self.outgoing, media_urls=urls)
        vendor.expect("POST", self.base_path + self.send_target, self.accepted)
        await self.connector(vendor.url).send(transport, outgoing)
        assert self.media_of(self.posted(vendor.received[0])) == list(urls)

    def test_its_limits_of_pictures_are_told_in_words(self) -> None:
        can = self.connector("https://example.com").capabilities
        limits = can.media_limits
        fits = Picture(limits.kinds[0], limits.most_bytes)
        if not can.media:
            return
        assert can.picture_problem("It", [fits], "Hi") == ""
        asked = {
            "too large": [replace(fits, size_bytes=limits.most_bytes + 1)],
            "too large together": [fits, replace(fits, size_bytes=1)],
            "too many": [Picture(limits.kinds[0], 1)] * (limits.most_pictures + 1),
            "of another kind": [Picture("image/tiff", 1)],
        }
        for name, pictures in asked.items():
            sentence = can.picture_problem("It", pictures, "Hi")
            assert ": " in sentence and sentence.endswith("."), (name, sentence)
        assert bool(can.picture_problem("It", [fits], "")) is limits.needs_text

    # --- the line: which failures are certain -----------------------------------------------------

    async def test_a_refused_connection_is_certain(self, transport: LeanTransport, seen: list[str]) -> None:
        with refusing_port() as port, pytest.raises(ConnectorError) as caught:
            await self.connector(f"http://127.0.0.1:{port}").send(transport, self.outgoing)
        error = watched(caught.value, seen)
        assert (type(error), error.certainly_not_sent, error.our_fault) == (Unreachable, True, False)
        assert f"127.0.0.1:{port}" in str(error)

    async def test_a_failed_tls_handshake_is_certain(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str]
    ) -> None:
        secure = vendor.url.replace("http://", "https://")
        with pytest.raises(ConnectorError) as caught:
            await self.connector(secure).send(transport, self.outgoing)
        error = watched(caught.value, seen)
        assert (type(error), error.certainly_not_sent, vendor.received) == (Unreachable, True, [])

    @pytest.mark.parametrize("line", [Line.HANG, Line.HANG_WITHIN])
    async def test_a_timeout_is_unclear(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], line: Line
    ) -> None:
        reply = replace(self.accepted, line=line)
        error = await self.failure(vendor, transport, seen, reply, seconds=QUICK)
        assert (type(error), error.certainly_not_sent, error.reason) == (NoAnswer, False, "no_answer")
        assert len(vendor.received) == 1

    @pytest.mark.parametrize("line", [Line.CUT_BEFORE, Line.CUT_WITHIN])
    async def test_a_cut_line_is_unclear(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], line: Line
    ) -> None:
        error = await self.failure(vendor, transport, seen, replace(self.accepted, line=line))
        assert (type(error), error.certainly_not_sent, error.reason) == (NoAnswer, False, "no_answer")
        assert len(vendor.received) == 1

    async def test_a_cut_on_a_reused_connection_is_unclear_and_never_repeated(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str]
    ) -> None:
        await self.send(vendor, transport, self.accepted)
        error = await self.failure(vendor, transport, seen, Reply(line=Line.CUT_BEFORE))
        assert (type(error), error.certainly_not_sent) == (NoAnswer, False)
        assert [request.connection for request in vendor.received] == [1, 1]

    async def test_a_surprise_in_our_own_code_is_unclear(
        self,
        vendor: ScriptedServer,
        transport: LeanTransport,
        seen: list[str],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def trip(*_args: object) -> SendResult:
            raise KeyError(SECRET)

        connector = self.connector(vendor.url)
        monkeypatch.setattr(connector, "read_send", trip)
        vendor.expect("POST", self.base_path + self.send_target, self.accepted)
        with pytest.raises(BadAnswer) as caught:
            await connector.send(transport, self.outgoing)
        assert watched(caught.value, seen).certainly_not_sent is False
        assert "KeyError in trip" in caplog.text

    # --- test connection --------------------------------------------------------------------------

    def test_connection_test_works(self, vendor: ScriptedServer, seen: list[str]) -> None:
        vendor.expect(self.test_method, self.base_path + self.test_target, self.tested)
        with sync_client() as client:
            sentence = self.connector(vendor.url).test(client)
        seen.append(sentence)
        assert self.test_sentence in sentence

    @pytest.mark.parametrize(
        ("reply", "raises"),
        [
            (Reply(401, {"message": f"no {SECRET}"}), AccountRefused),
            (Reply(401, b""), AccountRefused),
            (Reply(200, b"<html>Welcome</html>"), BadAnswer),
            (Reply(200, {"x": 1}), BadAnswer),
            (Reply(200, b" " * (1024 * 1024 + 1)), BadAnswer),
            (Reply(500, b"oops"), ServerTrouble),
            (Reply(302, b"", {"location": "https://example.com/login"}), BadAnswer),
            (Reply(404, b"<html>no</html>"), AccountRefused),
            (Reply(line=Line.CUT_BEFORE), NoAnswer),
            (Reply(body={"x": 1}, line=Line.CUT_WITHIN), NoAnswer),
        ],
    )
    def test_connection_test_explains_failures(
        self, vendor: ScriptedServer, seen: list[str], reply: Reply, raises: type[ConnectorError]
    ) -> None:
        vendor.expect(self.test_method, self.base_path + self.test_target, reply)
        with sync_client() as client, pytest.raises(ConnectorError) as caught:
            self.connector(vendor.url).test(client)
        assert type(watched(caught.value, seen)) is raises

    def test_connection_test_explains_a_dead_address(self, seen: list[str]) -> None:
        with refusing_port() as port, sync_client() as client, pytest.raises(ConnectorError) as caught:
            self.connector(f"http://127.0.0.1:{port}").test(client)
        assert type(watched(caught.value, seen)) is Unreachable

    # --- reports ----------------------------------------------------------------------------------

    @property
    def reports(self) -> bool:
        return REGISTRY[self.slug].capabilities.receipts is ReceiptKind.PUSHED

    def report(self, word: str) -> DeliveryReport | SendResult:
        if not self.reports:
            pytest.skip("it has no delivery reports; what is posted is asked in test_it_rejects_other_posts")
        [report] = self.connector("https://example.com").parse_webhook(self.report_call(word))
        assert isinstance(report, DeliveryReport)
        return report

    def test_it_reads_every_status(
        self, status_word: str, caplog: pytest.LogCaptureFixture, seen: list[str]
    ) -> None:
        report = self.report(status_word)
        seen.append(repr(report))
        assert (report.state, report.reason) == self.statuses[status_word]
        assert not caplog.records

    def test_an_unknown_status_is_kept_and_logged(
        self, caplog: pytest.LogCaptureFixture, seen: list[str]
    ) -> None:
        report = self.report(self.unknown_word)
        assert (report.state, report.reason) == (MessageState.UNKNOWN, "unknown_status")
        assert self.unknown_word in report.words
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert self.unknown_word in caplog.text

    def test_a_repeated_report_is_the_same(self) -> None:
        assert self.report(self.delivered_word) == self.report(self.delivered_word)

    def test_a_late_report_changes_nothing(self) -> None:
        delivered = self.report(self.delivered_word)
        assert not may_follow(delivered.state, self.report(self.sent_word).state)
        assert not may_follow(MessageState.SENT, self.report(self.unknown_word).state)

    def test_it_rejects_other_posts(self, wrong_body: bytes, seen: list[str]) -> None:
        call = replace(self.report_call(self.delivered_word), body=wrong_body)
        with pytest.raises(WebhookRejected) as caught:
            self.connector("https://example.com").parse_webhook(call)
        seen.append(str(caught.value))
        assert str(caught.value).endswith(".")

    # --- asked what became of a text --------------------------------------------------------------

    async def ask(
        self, vendor: ScriptedServer, transport: LeanTransport, reply: Reply, times: int = 1, **kwargs: Any
    ) -> StatusAnswer:
        for _time in range(times):
            vendor.expect("GET", self.base_path + self.asked_target, reply)
        values = {**self.config, **self.asking, "base_url": vendor.url + self.base_path}
        connector = connector_for(self.slug, values, timeout_seconds=kwargs.get("seconds", PATIENCE))
        return await connector.ask_status(transport, self.asked_id)

    async def question_fails(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], reply: Reply, times: int = 1
    ) -> ConnectorError:
        with pytest.raises(ConnectorError) as caught:
            await self.ask(vendor, transport, reply, times)
        return watched(caught.value, seen)

    async def test_it_tells_what_became_of_a_text(
        self,
        vendor: ScriptedServer,
        transport: LeanTransport,
        seen: list[str],
        asked_case: tuple[Reply, StatusAnswer],
    ) -> None:
        reply, expected = asked_case
        status = await self.ask(vendor, transport, reply)
        seen.append(repr(status))
        assert status == expected
        assert vendor.received[0].body == b""

    async def test_asked_it_tells_refusals_apart(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], refusal: Refusal
    ) -> None:
        """Whatever a server between may say; the vendor's own refusals are those of texts."""
        if not self.asked or refusal not in GENERAL.values():
            return
        error = await self.question_fails(
            vendor, transport, seen, Reply(refusal.status, refusal.body, refusal.headers)
        )
        assert type(error) is refusal.raises
        assert (error.reason, error.retry_after) == (refusal.reason, refusal.retry_after)

    @pytest.mark.parametrize("line", [Line.CUT_BEFORE, Line.CUT_WITHIN])
    async def test_asked_a_cut_line_is_no_answer(
        self, vendor: ScriptedServer, transport: LeanTransport, seen: list[str], line: Line
    ) -> None:
        if not self.asked:
            return
        reply = replace(next(iter(self.asked.values()))[0], line=line)
        # Asking changes nothing: a line cut before the answer is tried once more.
        error = await self.question_fails(vendor, transport, seen, reply, 2 if line is Line.CUT_BEFORE else 1)
        assert (type(error), error.reason) == (NoAnswer, "no_answer")

    def test_it_is_asked_only_where_it_says_so(self) -> None:
        connector = connector_for(self.slug, {**self.config, **self.asking})
        assert connector.can_be_asked is bool(self.asked)
        if connector.receipts is ReceiptKind.POLLED:
            assert connector.can_be_asked
        if not self.asked:
            with pytest.raises(CapabilityError, match="no call that tells"):
                super(type(connector), connector).build_status("1")

    # --- settings and words -----------------------------------------------------------------------

    def test_secrets_stay_out_of_reprs(self, seen: list[str]) -> None:
        connector = self.connector("https://example.com")
        request = connector.build_send(self.outgoing)
        shown = connector.redact if self.secret_in_address else str
        seen += [
            repr(connector),
            repr(connector.config),
            str(connector.config),
            shown(repr(request)),
            shown(str(request.url)),
        ]
        assert set(connector.config.secrets()) == {value for value in self.config.values() if SECRET in value}

    def test_settings_that_are_wrong_name_their_field(
        self, wrong_config: tuple[dict[str, Any], str], seen: list[str]
    ) -> None:
        changes, name = wrong_config
        values = {**self.config, **changes}
        with pytest.raises(ConfigError) as caught:
            connector_for(self.slug, {key: value for key, value in values.items() if value is not ...})
        watched(caught.value, seen)
        assert caught.value.field == name
        assert str(caught.value).endswith(".")

    def test_form_fields_are_explained(self) -> None:
        fields = self.connector("https://example.com").Config.fields()
        assert fields[-1].name == "base_url"
        assert fields[-1].default.startswith("https://")
        assert {field.name for field in fields if field.secret and not field.default}
        assert all(field.label and field.help.endswith(".") for field in fields)

    def test_the_default_address_is_the_vendors(self) -> None:
        connector = connector_for(self.slug, self.config)
        assert connector.config.base_url == connector.Config.fields()[-1].default

    def test_senders_are_listed_only_where_it_says_so(self) -> None:
        connector = self.connector("https://example.com")
        if connector.capabilities.sender_list:
            assert connector.build_sender_list(0).method == "GET"
            return
        with pytest.raises(CapabilityError, match="add them by hand"):
            connector.build_sender_list(0)

    def test_every_capability_has_words(self) -> None:
        lines = self.connector("https://example.com").capabilities.lines()
        assert len({line.name for line in lines}) == len(lines) == 14
        assert all(line.label and line.words.endswith(".") for line in lines)


def watched(error: ConnectorError, seen: list[str]) -> ConnectorError:
    """The error, all of its spellings added to what was seen; each has a sentence and sane flags."""
    seen += [str(error), repr(error), error.words, *traceback.format_exception(error)]
    assert str(error).endswith(".")
    assert error.reason.replace("_", "").isalpha()
    assert isinstance(error, CapabilityError | ConfigError) or error.our_fault is isinstance(
        error, AccountRefused
    )
    return error

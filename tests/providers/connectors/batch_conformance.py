"""What every vendor is asked that takes many recipients a request, besides all of ConformanceSuite. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from providers.connectors.base import BatchConnector, BatchKind, OutgoingText, SendResult
from providers.errors import (
    AccountRefused,
    ConnectorError,
    MessageRefused,
    NoAnswer,
    ServerTrouble,
    Throttled,
    Unreachable,
)
from providers.transport import LeanTransport
from sms.states import MessageState
from tests.providers.connectors.conformance import QUICK, ConformanceSuite, watched
from tests.providers.connectors.scripted import Line, Reply, ScriptedServer, refusing_port

Outcomes = list[SendResult | ConnectorError]

FAILED_AS_ONE: dict[str, tuple[Reply, type[ConnectorError]]] = {
    "throttled": (Reply(429, b"", {"retry-after": "7"}), Throttled),
    "bad credentials": (Reply(401, b""), AccountRefused),
    "server error": (Reply(500, b"<h1>Oops</h1>"), ServerTrouble),
    "cut before the answer": (Reply(line=Line.CUT_BEFORE), NoAnswer),
}


class BatchConformance(ConformanceSuite):
    """Words of answers are from `statuses`: `taken_word` means sent, `failed_word` certainly not sent."""

    taken_word: ClassVar[str]
    failed_word: ClassVar[str]
    # Refuses all of a batch as a fault of one of its messages.
    refuses_batch: ClassVar[Reply]
    # The number of an answer that names somebody else.
    STRANGER: ClassVar[str] = "12015550199"

    def batch_answer(self, words: Mapping[str, str]) -> Reply:
        """The vendor's answer that names these numbers in this order, each with a status word."""
        raise NotImplementedError

    def remote_id(self, msisdn: str) -> str:
        """The id that `batch_answer` gives the message of this number."""
        raise NotImplementedError

    def texts_of(self, posted: Any) -> dict[str, str]:
        """The text of each number of what was posted."""
        raise NotImplementedError

    # --- machinery --------------------------------------------------------------------------------

    @pytest.fixture
    def three(self) -> list[OutgoingText]:
        return [
            replace(self.outgoing, message_id=number, msisdn=f"1201555010{number}", text=f"Hello {number}")
            for number in (1, 2, 3)
        ]

    async def hand_over(
        self,
        vendor: ScriptedServer,
        transport: LeanTransport,
        batch: list[OutgoingText],
        *replies: Reply,
        **kwargs: Any,
    ) -> Outcomes:
        for reply in replies:
            vendor.expect("POST", self.base_path + self.send_target, reply)
        return await self.batch_connector(vendor.url, **kwargs).send_batch(transport, batch)

    def batch_connector(self, url: str, **kwargs: Any) -> BatchConnector:
        connector = self.connector(url, **kwargs)
        assert isinstance(connector, BatchConnector)
        return connector

    def posted_texts(self, vendor: ScriptedServer) -> list[dict[str, str]]:
        return [self.texts_of(self.posted(received)) for received in vendor.received]

    def taken(self, batch: list[OutgoingText]) -> Reply:
        return self.batch_answer({outgoing.msisdn: self.taken_word for outgoing in batch})

    def told(self, outcomes: Outcomes, seen: list[str]) -> list[tuple[Any, str]]:
        """State or kind of error, and the reason, of each."""
        found: list[tuple[Any, str]] = []
        for outcome in outcomes:
            if isinstance(outcome, SendResult):
                seen.append(repr(outcome))
                found.append((outcome.state, outcome.reason))
            else:
                found.append((type(outcome), watched(outcome, seen).reason))
        return found

    # --- questions --------------------------------------------------------------------------------

    def test_it_says_how_many_a_request_takes(self) -> None:
        can = self.connector("https://example.com").capabilities
        assert can.batch is not BatchKind.NONE
        assert can.batch_most > 1

    async def test_a_batch_goes_out_in_one_request(
        self, vendor: ScriptedServer, transport: LeanTransport, three: list[OutgoingText], seen: list[str]
    ) -> None:
        outcomes = await self.hand_over(vendor, transport, three, self.taken(three))
        assert self.told(outcomes, seen) == [(MessageState.SENT, "")] * 3
        assert [outcome.provider_message_id for outcome in outcomes if isinstance(outcome, SendResult)] == [
            self.remote_id(outgoing.msisdn) for outgoing in three
        ]
        assert self.posted_texts(vendor) == [{outgoing.msisdn: outgoing.text for outgoing in three}]

    async def test_a_batch_may_be_taken_in_part(
        self, vendor: ScriptedServer, transport: LeanTransport, three: list[OutgoingText], seen: list[str]
    ) -> None:
        words = (self.taken_word, self.failed_word, self.unknown_word)
        reply = self.batch_answer(
            {outgoing.msisdn: word for outgoing, word in zip(three, words, strict=True)}
        )
        outcomes = await self.hand_over(vendor, transport, three, reply)
        assert self.told(outcomes, seen) == [
            self.statuses[self.taken_word],
            self.statuses[self.failed_word],
            (MessageState.UNKNOWN, "unknown_status"),
        ]

    async def test_an_answer_may_have_another_order(
        self, vendor: ScriptedServer, transport: LeanTransport, three: list[OutgoingText]
    ) -> None:
        words = {outgoing.msisdn: self.taken_word for outgoing in reversed(three)}
        words[three[0].msisdn] = self.failed_word
        outcomes = await self.hand_over(vendor, transport, three, self.batch_answer(words))
        results = [outcome for outcome in outcomes if isinstance(outcome, SendResult)]
        assert [result.state for result in results] == [
            self.statuses[self.failed_word][0],
            MessageState.SENT,
            MessageState.SENT,
        ]
        assert [result.provider_message_id for result in results[1:]] == [
            self.remote_id(three[1].msisdn),
            self.remote_id(three[2].msisdn),
        ]

    async def test_whom_the_answer_does_not_name_is_unknown(
        self, vendor: ScriptedServer, transport: LeanTransport, three: list[OutgoingText], seen: list[str]
    ) -> None:
        named = {self.STRANGER: self.taken_word, three[0].msisdn: self.taken_word}
        outcomes = await self.hand_over(vendor, transport, three, self.batch_answer(named))
        assert self.told(outcomes, seen) == [
            (MessageState.SENT, ""),
            (MessageState.UNKNOWN, "bad_answer"),
            (MessageState.UNKNOWN, "bad_answer"),
        ]
        assert all(outcome.words for outcome in outcomes[1:])

    async def test_a_batch_that_is_refused_is_halved_until_the_guilty_stands_alone(
        self, vendor: ScriptedServer, transport: LeanTransport, three: list[OutgoingText], seen: list[str]
    ) -> None:
        first, second, guilty = three
        replies = (
            self.refuses_batch,
            self.taken([first]),
            self.refuses_batch,
            self.taken([second]),
            self.refuses_batch,
        )
        outcomes = await self.hand_over(vendor, transport, three, *replies)
        taken, refused = self.told(outcomes, seen)[:2], outcomes[2]
        assert taken == [(MessageState.SENT, "")] * 2
        assert isinstance(refused, MessageRefused)
        assert refused.certainly_not_sent
        assert [list(texts) for texts in self.posted_texts(vendor)] == [
            [outgoing.msisdn for outgoing in three],
            [first.msisdn],
            [second.msisdn, guilty.msisdn],
            [second.msisdn],
            [guilty.msisdn],
        ]

    @pytest.mark.parametrize("failure", list(FAILED_AS_ONE))
    async def test_what_concerns_all_is_told_of_each_after_one_request(
        self,
        vendor: ScriptedServer,
        transport: LeanTransport,
        three: list[OutgoingText],
        seen: list[str],
        failure: str,
    ) -> None:
        reply, raises = FAILED_AS_ONE[failure]
        outcomes = await self.hand_over(vendor, transport, three, reply)
        assert [kind for kind, _reason in self.told(outcomes, seen)] == [raises] * 3
        waits = {outcome.retry_after for outcome in outcomes if isinstance(outcome, ConnectorError)}
        assert waits == {7.0 if raises is Throttled else None}
        assert len(vendor.received) == 1

    @pytest.mark.parametrize("line", [Line.HANG, Line.HANG_WITHIN, Line.CUT_WITHIN])
    async def test_a_batch_whose_answer_is_lost_is_unclear(
        self,
        vendor: ScriptedServer,
        transport: LeanTransport,
        three: list[OutgoingText],
        seen: list[str],
        line: Line,
    ) -> None:
        reply = replace(self.taken(three), line=line)
        outcomes = await self.hand_over(vendor, transport, three, reply, seconds=QUICK)
        assert self.told(outcomes, seen) == [(NoAnswer, "no_answer")] * 3
        assert not any(
            outcome.certainly_not_sent for outcome in outcomes if isinstance(outcome, ConnectorError)
        )
        assert len(vendor.received) == 1

    async def test_a_vendor_that_is_away_is_certain(
        self, transport: LeanTransport, three: list[OutgoingText], seen: list[str]
    ) -> None:
        with refusing_port() as port:
            connector = self.batch_connector(f"http://127.0.0.1:{port}")
            outcomes = await connector.send_batch(transport, three)
        assert self.told(outcomes, seen) == [(Unreachable, "unreachable")] * 3

    async def test_the_impossible_is_left_out_before_any_http(
        self, vendor: ScriptedServer, transport: LeanTransport, three: list[OutgoingText], seen: list[str]
    ) -> None:
        empty, *good = [replace(three[0], text=""), *three[1:]]
        outcomes = await self.hand_over(vendor, transport, [*good, empty], self.taken(good))
        assert self.told(outcomes, seen) == [
            (MessageState.SENT, ""),
            (MessageState.SENT, ""),
            (MessageRefused, "empty_text"),
        ]
        assert [list(texts) for texts in self.posted_texts(vendor)] == [[good[0].msisdn, good[1].msisdn]]

    async def test_a_batch_of_the_impossible_asks_nothing(
        self, vendor: ScriptedServer, transport: LeanTransport, three: list[OutgoingText], seen: list[str]
    ) -> None:
        empty = [replace(outgoing, text="") for outgoing in three]
        outcomes = await self.hand_over(vendor, transport, empty)
        assert self.told(outcomes, seen) == [(MessageRefused, "empty_text")] * 3
        assert await self.hand_over(vendor, transport, []) == []
        assert vendor.received == []

"""People, machines, and what nobody can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from messaging.links.classes import HUMAN, Device, Hit, HitClass, agent_rule, classify, device_of

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)
PIXEL = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36"
SAMSUNG = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0"
    " Chrome/130.0.0.0 Mobile Safari/537.36"
)
FACEBOOK_APP = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
    " [FBAN/FBIOS;FBAV/450.0.0;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.4;FBLC/en_US]"
)
YANDEX = (
    "Mozilla/5.0 (Linux; arm_64; Android 12; SM-A515F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
    " YaBrowser/24.1.0.0 SA/3 Mobile Safari/537.36"
)
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4"
    " Mobile/15E148 Safari/604.1"
)
TABLET = "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36"
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
    " Safari/605.1.15"
)
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
# Apple's messages ask from the phone's own address, and call themselves a Macintosh.
IMESSAGE = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1"
    " Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
)
SAMSUNG_PREVIEW = "Mozilla/5.0 (X11; Ubuntu; Linux i686; rv:24.0) Gecko/20100101 Firefox/24.0"


def hit(second: float, message_id: int | None = 1, **more: object) -> Hit:
    facts: dict[str, object] = {
        "link_id": 1,
        "visitor": "somebody",
        "method": "GET",
        "agent": IPHONE,
        "since_sent": timedelta(minutes=5),
    }
    return Hit(at=START + timedelta(seconds=second), message_id=message_id, **(facts | more))  # type: ignore[arg-type]  # any facts


def rules(hits: list[Hit]) -> list[str]:
    return [rule or str(hit_class) for hit_class, rule in classify(hits)]


def test_it_works() -> None:
    assert classify([hit(0)]) == [HUMAN]
    assert classify([]) == []


@pytest.mark.parametrize(
    "agent",
    [
        *(IPHONE, PIXEL, SAMSUNG, FACEBOOK_APP, YANDEX, IPAD, TABLET, WINDOWS, MAC, LINUX),
        # Apps that read QR codes, and show the page themselves.
        f"{PIXEL} QRScanner/2.1",
        f"{PIXEL} QR-Scanner/1.0",
        f"{IPHONE} QRCodeScanner",
        f"{IPHONE} Barcode Scanner/4",
    ],
)
def test_browsers_are_people(agent: str) -> None:
    assert agent_rule(agent) == ""


@pytest.mark.parametrize(
    ("agent", "rule"),
    [
        ("", "no_agent"),
        ("  ", "no_agent"),
        (IMESSAGE, "preview"),
        (SAMSUNG_PREVIEW, "preview"),
        ("WhatsApp/2.23.20.0 A", "preview"),
        ("TelegramBot (like TwitterBot)", "preview"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "preview"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "crawler"),
        ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "crawler"),
        ("SecurityScanner/1.0", "crawler"),
        ("Mozilla/5.0 (compatible; Link Scanner 2)", "crawler"),
        ("curl/8.5.0", "program"),
        ("python-requests/2.32.3", "program"),
        ("Go-http-client/2.0", "program"),
        ("Java/17.0.2", "program"),
        ("okhttp/4.12.0", "program"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36",
            "program",
        ),
    ],
)
def test_machines_are_known_by_their_names(agent: str, rule: str) -> None:
    assert agent_rule(agent) == rule


@pytest.mark.parametrize(("method", "rule"), [("HEAD", "head"), ("OPTIONS", "method"), ("POST", "method")])
def test_what_is_no_get_is_no_click(method: str, rule: str) -> None:
    assert rules([hit(0, method=method)]) == [rule]


def test_who_found_the_link_over_did_not_follow_it() -> None:
    assert classify([hit(0, is_over=True)]) == [(HitClass.UNSURE, "over")]
    assert rules([hit(0, is_over=True, agent=IMESSAGE)]) == ["preview"]
    assert rules([hit(n, n, is_over=True) for n in range(5)]) == ["burst"] * 5


def test_looking_ahead_is_no_click() -> None:
    assert rules([hit(0, is_prefetch=True)]) == ["prefetch"]


@pytest.mark.parametrize(
    ("seconds", "rule"), [(0, "too_fast"), (1.9, "too_fast"), (2, "human"), (60, "human")]
)
def test_nobody_reads_within_two_seconds(seconds: float, rule: str) -> None:
    assert rules([hit(0, since_sent=timedelta(seconds=seconds))]) == [rule]


def test_without_a_time_of_sending_nothing_is_too_fast() -> None:
    assert rules([hit(0, since_sent=None)]) == ["human"]


def test_opening_several_links_of_a_message_at_once_is_a_scan() -> None:
    assert rules([hit(0, link_id=1), hit(1, link_id=2), hit(60, link_id=1)]) == [
        "all_links",
        "all_links",
        "human",
    ]
    assert rules([hit(0, link_id=1), hit(10, link_id=2)]) == ["human", "human"]
    assert rules([hit(0, link_id=1), hit(1, link_id=1)]) == ["human", "human"]  # pressed twice


def test_whatever_lies_between_another_link_of_the_message_makes_a_scan() -> None:
    """Pressed twice, and another one."""
    hits = [hit(0, link_id=1), hit(1, link_id=1), hit(2, link_id=2), hit(2.5, link_id=2), hit(9, link_id=1)]
    assert rules(hits) == [*["all_links"] * 4, "human"]


def test_a_links_own_address_is_nobodys() -> None:
    """However often one phone opens it: no other people's links are opened, and its own text is followed by a person."""
    poster = [hit(n, message_id=None) for n in range(5)]
    assert rules([*poster, hit(9, 1), *[hit(n / 2, 1) for n in range(4)]]) == ["human"] * 10
    two_posters = [hit(n / 2, message_id=None, link_id=n) for n in range(4)]
    assert rules(two_posters) == ["human"] * 4
    among_others = [hit(3, message_id=None), *[hit(n, n) for n in range(5)]]
    assert rules(among_others) == ["burst"] * 6


def test_a_burst_is_one_whatever_else_it_is() -> None:
    """A scanner that opens all links of each text: who comes from there afterwards is doubted."""
    scan = [hit(n, n, link_id=link_id) for n in range(5) for link_id in (1, 2)]
    assert rules([*scan, hit(3_600, 77)]) == [*["burst"] * 10, "after_burst"]


def test_five_people_within_ten_seconds_behind_one_visitor_are_a_burst() -> None:
    assert rules([hit(2 * n, n) for n in range(5)]) == ["burst"] * 5
    assert rules([hit(2 * n, n) for n in range(4)]) == ["human"] * 4
    assert rules([hit(3 * n, n) for n in range(5)]) == ["human"] * 5


def test_a_slow_burst_is_one_too() -> None:
    assert rules([hit(6 * n, n) for n in range(20)]) == ["burst"] * 20
    assert rules([hit(7 * n, n) for n in range(20)]) == ["human"] * 20


@pytest.mark.parametrize("begin", [1, 43, 3_600])
def test_a_burst_counts_however_long_after_sending(begin: float) -> None:
    hits = [hit(begin + n, n, since_sent=timedelta(seconds=begin + n + 5)) for n in range(5)]
    assert rules(hits) == ["burst"] * 5


def test_one_person_pressing_often_is_no_burst() -> None:
    assert rules([hit(n, message_id=1) for n in range(30)]) == ["human"] * 30


def test_many_visitors_at_once_are_people() -> None:
    """The minute after a large broadcast."""
    assert rules([hit(n / 100, n, visitor=f"visitor {n}") for n in range(500)]) == ["human"] * 500


def test_a_visitor_of_a_burst_is_doubted_for_a_day() -> None:
    burst = [hit(n, n) for n in range(5)]
    assert rules([*burst, hit(3_600, 77)])[-1] == "after_burst"
    assert rules([*burst, hit(25 * 3_600, 77)])[-1] == "human"
    assert rules([hit(-3_600, 77), *burst])[0] == "human"


def test_only_the_burst_itself_is_marked() -> None:
    hits = [hit(0, 100), hit(300, 101), *[hit(1_000 + n, n) for n in range(6)]]
    assert rules(hits) == ["human", "human", *["burst"] * 6]


def test_order_of_arrival_does_not_matter() -> None:
    hits = [hit(2 * n, n) for n in (3, 0, 4, 1, 2)]
    assert rules(hits) == ["burst"] * 5


def test_machines_that_say_so_do_not_make_a_person_one() -> None:
    machines = [hit(n, n, agent=IMESSAGE) for n in range(10)]
    assert classify([*machines, hit(3, 3)])[-1] == HUMAN
    assert {verdict.hit_class for verdict in classify(machines)} == {HitClass.BOT}


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (IPHONE, Device.PHONE),
        (PIXEL, Device.PHONE),
        (IPAD, Device.TABLET),
        (TABLET, Device.TABLET),
        (WINDOWS, Device.DESKTOP),
        # An iPad that asks for pages of desktops, as it does by itself, is not told from a Mac.
        (MAC, Device.DESKTOP),
        (LINUX, Device.DESKTOP),
        ("", Device.PHONE),
    ],
)
def test_devices(agent: str, device: Device) -> None:
    assert device_of(agent) == device

"""Short URLs: where they lead, what is counted, the click callback, and unsubscribing."""

import re
from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import Whiz
from tests.providers.sandbox.support import ALICE, BOB, Webhook, settings, sms
from tests.sandbox_process import SandboxProcess

SHOP = "https://example.com/shop"
DESKTOP, CARD = "https://example.com/desktop", "https://example.com/card"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15"
LAPTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"


@pytest.fixture
def link_id(whiz: Whiz) -> int:
    platforms = {"bot_redirect": DESKTOP, "preview_url": CARD}
    made: int = whiz.made("link", name="Shop", url=SHOP, platform_based_links=platforms)["id"]
    return made


@pytest.mark.parametrize(
    ("agent", "target"), [(IPHONE, SHOP), ("", SHOP), (LAPTOP, DESKTOP), ("Twitterbot/1.0", CARD)]
)
def test_it_leads_by_the_agent(whiz: Whiz, link_id: int, agent: str, target: str) -> None:
    whiz.send(whiz.single(ALICE, f"{{{{link:{link_id}}}}}"))
    response = whiz.open(whiz.text(ALICE), agent=agent)
    assert (response.status_code, response.headers["location"]) == (302, target)


def test_without_platforms_all_are_led_alike(whiz: Whiz) -> None:
    link_id = whiz.made("link", name="Plain", url=SHOP)["id"]
    whiz.send(whiz.single(ALICE, f"{{{{link:{link_id}}}}}"))
    led = {
        whiz.open(whiz.text(ALICE), agent=agent).headers["location"] for agent in (LAPTOP, "Twitterbot/1.0")
    }
    assert led == {SHOP}


def test_every_recipient_has_a_url_of_their_own(whiz: Whiz, link_id: int) -> None:
    whiz.send(whiz.base(whiz.recipient_list(ALICE, BOB), f"{{{{link:{link_id}}}}}"))
    assert whiz.text(ALICE) != whiz.text(BOB)
    assert re.fullmatch(rf"{whiz.sandbox.url}/messagewhiz/l/[A-Za-z0-9_-]{{7}}", whiz.text(ALICE))


@pytest.mark.parametrize("path", ["l/abcdefg", "u/abcdefg", "l/", "l/a/b"])
def test_an_unknown_url_leads_nowhere(whiz: Whiz, path: str) -> None:
    assert whiz.open(f"{whiz.sandbox.url}/messagewhiz/{path}").status_code == 404


def test_a_kind_is_not_opened_as_another(whiz: Whiz, link_id: int) -> None:
    whiz.send(whiz.single(ALICE, f"{{{{link:{link_id}}}}}"))
    assert whiz.open(whiz.text(ALICE).replace("/l/", "/u/"), "POST").status_code == 404


def test_an_odd_address_is_escaped(whiz: Whiz) -> None:
    recipients = [{"phone_number": ALICE, "url": "https://example.com/zoë?a=1&b=%20\r\nX-Odd: 1"}]
    body = {"message_body": "{{shorten_url}}", "sender": "A", "recipients": recipients}
    whiz.result("POST", "Broadcast/combinedsubmit", body)
    response = whiz.open(whiz.text(ALICE))
    assert response.headers["location"] == "https://example.com/zo%C3%AB?a=1&b=%20%0D%0AX-Odd:%201"
    assert "x-odd" not in response.headers


# Of POST /sms


def test_links_in_a_fast_single_are_called_back(whiz: Whiz, link_id: int, webhook: Webhook) -> None:
    whiz.sandbox.dial(force_outcome="no_receipt")
    sent = sms(whiz.sandbox, text=f"Look: {{{{link:{link_id}}}}} {{{{first_name}}}}", callback=webhook.url)
    text = whiz.text(ALICE)
    assert text.endswith(" {{first_name}}")
    url = text.removeprefix("Look: ").removesuffix(" {{first_name}}")
    for _ in range(2):
        assert whiz.open(url).headers["location"] == SHOP
    whiz.open(url, agent="facebookexternalhit/1.1")
    clicks = webhook.wait_for(2)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", click.pop("time")) for click in clicks)
    assert sorted(clicks, key=lambda click: not click["unique_click"]) == [
        {
            "message_id": sent.json()["message_id"],
            "link_id": url.removeprefix("http://"),
            "unique_click": is_first,
        }
        for is_first in (True, False)
    ]


def test_the_receipt_shows_the_text_as_it_arrived(whiz: Whiz, link_id: int, webhook: Webhook) -> None:
    sms(whiz.sandbox, text=f"{{{{link:{link_id}}}}}", callback=webhook.url)
    assert webhook.wait_for(1)[0]["content"] == whiz.text(ALICE)


def test_a_list_in_fast_singles_is_spread_evenly(whiz: Whiz) -> None:
    links = [{"name": "Shop", "url": SHOP}, {"name": "Card", "url": CARD}]
    list_id = whiz.made("LinkList", name="A", links=links)["id"]
    for _ in range(4):
        sms(whiz.sandbox, text=f"{{{{link_list:{list_id}}}}}")
    led = [whiz.open(text["text"]).headers["location"] for text in whiz.texts(ALICE)]
    assert led == [SHOP, CARD, SHOP, CARD]


@pytest.mark.parametrize("token", ["{{link:7}}", "{{link_list:7}}", "{{link:x}}", "{{link"])
def test_what_is_no_link_of_the_key_stays(whiz: Whiz, token: str) -> None:
    sms(whiz.sandbox, text=token)
    assert whiz.text(ALICE) == token


def test_a_link_of_another_key_stays(whiz: Whiz, link_id: int) -> None:
    sms(whiz.sandbox, text=f"{{{{link:{link_id}}}}}", api_key="sandbox-key-other")
    assert whiz.text(ALICE) == f"{{{{link:{link_id}}}}}"


# Unsubscribing


def members(whiz: Whiz, list_id: int) -> Any:
    return [row["phone_number"] for row in whiz.result("GET", f"unsubscribeList/{list_id}/members")]


def test_the_button_unsubscribes_from_the_lists_of_the_broadcast(whiz: Whiz) -> None:
    out = whiz.unsubscribe_list(BOB)
    whiz.send(whiz.single(ALICE, "Stop: {{unsubscription_link}}", unsubscriber_list_ids=str(out)))
    url = whiz.text(ALICE).removeprefix("Stop: ")
    page = whiz.open(url)
    assert (page.status_code, "<button>Unsubscribe</button>" in page.text) == (200, True)
    assert members(whiz, out) == [BOB], "opening it is not enough"
    assert whiz.open(url, "POST").status_code == 200
    assert whiz.open(url, "POST").status_code == 200
    assert members(whiz, out) == [ALICE, BOB]
    assert whiz.refusal("POST", "Broadcast", whiz.single(ALICE, unsubscriber_list_ids=str(out)))[0] == 400


def test_without_lists_there_is_a_default(whiz: Whiz) -> None:
    whiz.send(whiz.base(whiz.recipient_list(ALICE, BOB), "{{unsubscription_link}}"))
    for number in (ALICE, BOB):
        whiz.open(whiz.text(number), "POST")
    (row,) = whiz.result("GET", "unsubscribeList")
    assert (row["name"], row["unsubscribers_amount"]) == ("Default unsubscribe list", 2)


# The callback tokens


def test_callback_links_are_posted_where_staff_said(whiz: Whiz, webhook: Webhook) -> None:
    settings(whiz.sandbox, "messagewhiz", click_webhook=webhook.url)
    list_id = whiz.import_list(f"{ALICE},{SHOP}\n{BOB},\n", "phone_number", "url")
    whiz.send(whiz.base(list_id, "{{callback_link}}"))
    assert whiz.open(whiz.text(ALICE)).headers["location"] == SHOP
    assert whiz.open(whiz.text(BOB)).status_code == 200, "a recipient without url sees a page"
    clicks = webhook.wait_for(2)
    assert {click["link_id"] for click in clicks} == {
        whiz.text(number).removeprefix("http://") for number in (ALICE, BOB)
    }


def test_short_urls_are_bounded() -> None:
    with SandboxProcess(arguments=["--keep", "2"]) as sandbox:
        whiz = Whiz(sandbox)
        link_id = whiz.made("link", name="Shop", url=SHOP)["id"]
        urls = []
        for number in ("12015550121", "12015550122", ALICE, BOB, "12015550125"):
            whiz.send(whiz.single(number, f"{{{{link:{link_id}}}}}"))
            urls.append(whiz.text(number))
        assert [whiz.open(url).status_code for url in urls] == [404, 302, 302, 302, 302]


def test_a_strange_host_leads_back_to_loopback(whiz: Whiz, link_id: int) -> None:
    body = whiz.single(ALICE, f"{{{{link:{link_id}}}}}")
    whiz.call("POST", "Broadcast", body, headers={"host": "a b<script>"})
    assert whiz.text(ALICE).startswith("http://127.0.0.1:8001/messagewhiz/l/")

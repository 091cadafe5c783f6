"""Nothing is posted into a private network: neither what is written, nor what a name leads to, nor where it led before."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.models import WebhookDelivery
from messaging.webhooks.addresses import clean_address, is_public
from messaging.webhooks.post import Post, try_post
from messaging.webhooks.sending import send_due
from tests.messaging.webhooks.support import Receiver, make_endpoint, make_event

PRIVATE = [
    *["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"],
    "0.0.0.0",  # noqa: S104  # nothing listens here
    *["255.255.255.255", "224.0.0.1", "240.0.0.1", "198.18.0.1", "192.0.2.1"],
    *["::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1"],
    # IPv4 in IPv6: mapped, 6to4, NAT64, Teredo.
    *["::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1"],
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    # Of the registries, what Python 3.11 takes for public; and where clouds answer their machines.
    *["192.0.0.192", "192.0.0.1", "192.0.0.9", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1"],
    *["168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::", "64:ff9b::c000:c0"],
    *["100.100.100.200", "fd00:ec2::254", "2620:4f:8000::1", "3fff::1", "5f00::1", "100:0:0:1::1", "4000::1"],
    *["2001:1::1", "2001:20::1", "2001:1ff::1"],
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "168.63.129.17",
        "192.0.1.1",
        "2001:200::1",
    ],
)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/crier",
        "http://93.184.216.34:8080/x?key=a%20b",
        "https://[2606:4700::1111]/",
        "HTTPS://Example.com",
    ],
)
def test_it_works(url: str) -> None:
    assert clean_address(f" {url} ") == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is empty"),
        ("https://example.com/" + "x" * 1000, "at most 1000 fit"),
        ("ftp://example.com/", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("example.com/crier", "must begin with https://"),
        ("https:///crier", "must begin with https://"),
        ("https://example.com:0/", "must begin with https://"),
        ("https://example.com:99999/", "cannot be read"),
        ("https://[::1", "cannot be read"),
        ("https://user:canary-5c1e77@example.com/", "before the @"),
        ("https://example.com/a b", "a blank or another character"),
        ("https://example.com\\@127.0.0.1/", "a blank or another character"),
        ("https://exämple.com/", "a blank or another character"),
        ("https://example.com/#x", "after #"),
        ("https://exa%6dple.com/", "names no machine"),
        ("https://-x.com/", "names no machine"),
        *[(f"http://{host}/", "private network") for host in PRIVATE if ":" not in host],
        *[(f"http://[{host}]/", "private network") for host in PRIVATE if ":" in host and "%" not in host],
        *[
            (f"http://{host}/", "private network")
            for host in ("localhost", "LOCALHOST.", "db.internal", "printer.local", "receiver", "x.localhost")
        ],
        *[(f"http://{host}/", "private network") for host in ("127.1", "2130706433", "0x7f000001", "0177.1")],
    ],
)
def test_what_is_refused_when_it_is_saved(url: str, words: str) -> None:
    with pytest.raises(MessagingError) as refused:
        clean_address(url)
    assert words in str(refused.value)
    assert refused.value.field == "url"


def test_a_setting_allows_the_own_network(settings: Settings) -> None:
    settings.WEBHOOKS_MAY_BE_PRIVATE = True
    for url in ("http://127.0.0.1:9/", "http://receiver:8080/", "http://db.internal/", "http://[::1]/"):
        assert clean_address(url) == url


def found(*addresses: str) -> Any:
    """A name server that says so."""

    def getaddrinfo(host: str, port: int, *_args: Any, **_kwargs: Any) -> list[Any]:
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in addresses
        ]

    return getaddrinfo


@pytest.mark.django_db
@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_into_the_own_network_is_not_posted_to(
    acme: Workspace, receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settings.WEBHOOKS_MAY_BE_PRIVATE = False
    port = receiver.url.split(":")[2]
    make_endpoint(acme, f"http://hooks.example.com:{port}")
    make_event(acme)
    # One good address does not make up for the other.
    monkeypatch.setattr(socket, "getaddrinfo", found("93.184.216.34", address))
    assert send_due().failed == 1
    assert receiver.received == []
    delivery = WebhookDelivery.objects.get()
    assert "leads into a private network now" in delivery.answer_words


def test_the_connection_goes_to_the_address_that_was_checked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: whoever asks the name server a second time is told something else."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return found("127.0.0.1" if len(asked) == 1 else "127.0.0.99")(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    port = receiver.url.split(":")[2]
    answer = try_post(
        Post(f"http://hooks.example.com:{port}", "msg_1", "{}", ["whsec_MTIzNDU2Nzg5MDEyMzQ1Ng=="])
    )
    assert (answer.status, asked) == (200, ["hooks.example.com"])
    assert receiver.received[0].headers["host"].startswith("hooks.example.com:")


def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer = try_post(Post(receiver.url, "msg_1", "{}", ["whsec_MTIzNDU2Nzg5MDEyMzQ1Ng=="]))
    assert answer.status == 200


def test_a_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_args: Any, **_kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    answer = try_post(Post("https://nowhere.example.com/", "msg_1", "{}", []))
    assert (answer.status, answer.words) == (
        None,
        "The name leads nowhere. Look for a typing mistake, or mend its DNS record.",
    )

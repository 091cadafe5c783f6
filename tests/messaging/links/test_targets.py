"""Where a link may lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.links.targets import MAX_LENGTH, clean_target, is_target, own_hosts

OWN = ("go.example.com",)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com/sale?utm_source=sms&x=%20#top",
        "HTTPS://Example.com/A",
        "https://example.com:8443/",
        "https://a_b.example.com/",
        "https://_x.a_b.example.com:8443/sale",
        "https://xn--bcher-kva.example/straße",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://example.com/" + "a" * (MAX_LENGTH - 20),
    ],
)
def test_it_works(url: str) -> None:
    assert clean_target(f" {url}\n", own_hosts=OWN) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("javascript:alert(1)", "no address of a web page"),
        ("JaVaScRiPt:alert(1)", "no address of a web page"),
        ("data:text/html,<script>", "no address of a web page"),
        ("ftp://example.com/", "no address of a web page"),
        ("tel:+12015550123", "no address of a web page"),
        ("example.com/sale", "does not begin with https://"),
        ("//example.com/sale", "does not begin with https://"),
        ("/sale", "does not begin with https://"),
        ("java\tscript:alert(1)", "invisible character"),
        ("https://example.com/a b", "blank"),
        ("https://example.com/\u202egnp", "invisible character"),
        ("https://example.com/\u200b", "invisible character"),
        ("https://", "no address that a browser can open"),
        ("https:///sale", "no address that a browser can open"),
        ("https://example", "no address that a browser can open"),
        ("https://exa_mple..com/", "no address that a browser can open"),
        ("https://example.com:0/", "no address that a browser can open"),
        ("https://example.c_m/", "no address that a browser can open"),
        ("https://example.com/{{first_name}}", "{{first_name}}” is not filled in inside an address"),
        ("https://example.com:99999/", "no address that a browser can open"),
        ("https://[::1/", "no address that a browser can open"),
        ("https://user:secret@example.com/", "before the @"),
        ("https://example.com@evil.example/", "before the @"),
        ("https://go.example.com/abc", "back to Crier itself"),
        ("https://GO.EXAMPLE.COM./abc", "back to Crier itself"),
        ("http://localhost/", "private network"),
        ("http://192.0.0.192/opc/v2/", "private network"),
        ("http://168.63.129.16/machine", "private network"),
        ("http://[2620:4f:8000::1]/", "private network"),
        ("http://[2001:1::1]/", "private network"),
        ("http://localhost:8000/", "private network"),
        ("http://printer.local/", "private network"),
        ("http://127.0.0.1/", "private network"),
        ("http://10.1.2.3/", "private network"),
        ("http://192.168.0.1/", "private network"),
        ("http://169.254.169.254/latest/meta-data", "private network"),
        ("http://0.0.0.0/", "private network"),
        ("http://[::1]/", "private network"),
        ("http://[fd00::1]/", "private network"),
        ("http://[::ffff:10.0.0.1]/", "private network"),
        ("http://224.0.0.1/", "private network"),
        ("https://example.com/" + "a" * MAX_LENGTH, "at most 2000 fit"),
    ],
)
def test_rejects(url: str, why: str) -> None:
    with pytest.raises(MessagingError) as refused:
        clean_target(url, own_hosts=OWN)
    assert why in str(refused.value.sentence)
    assert refused.value.field == "url"


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "1.2.3.4.5"])
def test_rejects_numbers_that_browsers_read_as_addresses(host: str) -> None:
    with pytest.raises(MessagingError):
        clean_target(f"http://{host}/")


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://bücher.example/straße", "https://xn--bcher-kva.example/straße"),
        ("https://BÜCHER。example:8443/?q=ü#ß", "https://xn--bcher-kva.example:8443/?q=ü#ß"),
        ("https://ｅｘａｍｐｌｅ.com/", "https://example.com/"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://i❤.example/", "https://xn--i-7iq.example/"),
    ],
)
def test_a_host_is_stored_as_browsers_ask_for_it(url: str, stored: str) -> None:
    assert clean_target(url) == stored


@pytest.mark.parametrize(
    "host",
    [
        "127.0.０。１:8163",
        "10.０。０。１",
        "１２７．０．０．１",
        "foo.ｌｏｃａｌｈｏｓｔ",
        "printer.ｌocal",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ.ⓛⓞⓒⓐⓛ",
        "x.localdomain",
        "x.corp",
        "x.home",
        "x.internal",
        "x.private",
        "[::127.0.0.1]",
        "[fec0::1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[::]",
    ],
)
def test_rejects_private_networks_however_written(host: str) -> None:
    with pytest.raises(MessagingError, match="private network"):
        clean_target(f"http://{host}/o/test")
    assert not is_target(f"http://{host}/")


@pytest.mark.parametrize(
    "host", ["gｏ.example.com", "go。example.com", "GO．example.com:443", "go.example.com."]
)
def test_rejects_own_names_however_written(host: str) -> None:
    with pytest.raises(MessagingError, match="back to Crier itself"):
        clean_target(f"https://{host}/y", own_hosts=OWN)


@pytest.mark.django_db
def test_own_names_are_those_of_all_workspaces(acme: Workspace, settings: Settings) -> None:
    settings.PUBLIC_URL, settings.LINK_URL = "https://Crier.example.com:8443", "https://go.example.com"
    Workspace.objects.filter(pk=acme.pk).update(short_domain="https://sho.example.com:444")
    assert own_hosts("https://was.example.com/") == {
        "crier.example.com",
        "go.example.com",
        "sho.example.com",
        "was.example.com",
    }


@given(url=st.text(max_size=60))
def test_whatever_is_taken_is_an_address_of_the_web(url: str) -> None:
    try:
        taken = clean_target(url, own_hosts=OWN)
    except MessagingError:
        return
    assert taken.lower().startswith(("http://", "https://"))

"""“Links”."""

from __future__ import annotations

from decimal import Decimal

from providers.connectors.messagewhiz import Link, LinkConversion
from tests.providers.connectors.messagewhiz_sending_cases import Impossible, envelope
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/link", "Create a Link"),
    ("GET", "/api/3/link", "Get Links"),
    ("PUT", "/api/3/link/{id}", "Modify a Link"),
    ("DELETE", "/api/3/link/{id}", "Disable a Link"),
    ("POST", "/api/3/details/linkConversion", "Monitor link conversion"),
]

URL = "https://foot1.example.com"
DESKTOP = "https://foot32.example.com/desktop"
PREVIEW = "https://foot12.example.com"
PLATFORM = {"bot_redirect": DESKTOP, "preview_url": PREVIEW}

CASES = [
    Case(
        "create_link",
        lambda vendor: vendor.create_link(name="Link1", url=URL, bot_redirect=DESKTOP, preview_url=PREVIEW),
        "POST",
        "/api/3/link",
        {"name": "Link1", "url": URL, "platform_based_links": PLATFORM},
        envelope(
            {
                "id": 165655,
                "name": "Link1",
                "url": URL,
                "enabled": True,
                "type": 0,
                "platform_based_links": PLATFORM,
            }
        ),
        Link("165655", "Link1", URL, True, 0, DESKTOP, PREVIEW),
    ),
    Case(
        "create_link",
        lambda vendor: vendor.create_link(name="Link1", url="app://open/7"),
        "POST",
        "/api/3/link",
        {"name": "Link1", "url": "app://open/7"},
        envelope({"id": "165656", "name": "Link1", "url": "app://open/7", "platform_based_links": None}),
        Link("165656", "Link1", "app://open/7", None),
        name="without platforms",
    ),
    Case(
        "list_links",
        lambda vendor: vendor.list_links(),
        "GET",
        "/api/3/link",
        None,
        envelope(
            [
                {"enabled": True, "id": 165655, "name": "Link1", "url": URL},
                {"enabled": True, "id": 146746, "name": "test", "url": "https://example.com/app/links"},
            ]
        ),
        (
            Link("165655", "Link1", URL, True),
            Link("146746", "test", "https://example.com/app/links", True),
        ),
    ),
    Case(
        "list_links",
        lambda vendor: vendor.list_links(url=URL),
        "GET",
        "/api/3/link?filter=url%3Dhttps%3A%2F%2Ffoot1.example.com",
        None,
        envelope([]),
        (),
        name="by address",
    ),
    Case(
        "list_links",
        lambda vendor: vendor.list_links(name="Link1", limit=2, start=2, enabled=False),
        "GET",
        "/api/3/link?limit=2&enabled=false&filter=name%3DLink1&start=2",
        None,
        envelope([{"enabled": "0", "id": "165655", "name": "Link1", "url": URL}]),
        (Link("165655", "Link1", URL, False),),
        name="by name",
    ),
    Case(
        "update_link",
        lambda vendor: vendor.update_link(link_id=165655, name="FirstLink", url=URL),
        "PUT",
        "/api/3/link/165655",
        {"name": "FirstLink", "url": URL},
        envelope({"id": 165655, "name": "FirstLink", "url": URL, "enabled": True}),
        Link("165655", "FirstLink", URL, True),
    ),
    Case(
        "update_link",
        lambda vendor: vendor.update_link(link_id=165655, preview_url=PREVIEW),
        "PUT",
        "/api/3/link/165655",
        {"platform_based_links": {"preview_url": PREVIEW}},
        envelope(
            {"id": 165655, "name": "Link1", "url": URL, "platform_based_links": {"preview_url": PREVIEW}}
        ),
        Link("165655", "Link1", URL, None, preview_url=PREVIEW),
        name="its preview",
    ),
    Case(
        "disable_link",
        lambda vendor: vendor.disable_link(link_id=165655),
        "DELETE",
        "/api/3/link/165655",
        None,
        envelope(True),
        None,
    ),
    Case(
        "get_link_conversion",
        lambda vendor: vendor.get_link_conversion(url="example.com"),
        "POST",
        "/api/3/details/linkConversion",
        {"url": "example.com"},
        envelope({"conversion": 100, "totalRecipients": 1, "clicks": 1}),
        LinkConversion(Decimal(100), 1, 1),
    ),
    Case(
        "get_link_conversion",
        lambda vendor: vendor.get_link_conversion(url=URL),
        "POST",
        "/api/3/details/linkConversion",
        {"url": URL},
        envelope({"conversion": "0.50", "totalRecipients": "400", "clicks": "2"}),
        LinkConversion(Decimal("0.50"), 400, 2),
        name="in texts",
    ),
]

IMPOSSIBLE: list[Impossible] = [
    ("no name", lambda vendor: vendor.create_link(name="", url=URL), "The link has no name"),
    (
        "no scheme",
        lambda vendor: vendor.create_link(name="Link1", url="foot1.example.com"),
        "url is “foot1.example.com”: write the whole address",
    ),
    ("a blank", lambda vendor: vendor.create_link(name="Link1", url=URL + "/a b"), "/a b”: write the whole"),
    (
        "a half address for PCs",
        lambda vendor: vendor.create_link(name="Link1", url=URL, bot_redirect="desktop"),
        "bot_redirect is “desktop”",
    ),
    (
        "a half address for previews",
        lambda vendor: vendor.update_link(link_id=165655, preview_url="//x"),
        "preview_url is “//x”",
    ),
    (
        "two filters",
        lambda vendor: vendor.list_links(name="Link1", url=URL),
        "name and url are given together: give one of them only.",
    ),
    (
        "nothing to change",
        lambda vendor: vendor.update_link(link_id=165655),
        "The link would stay as it is: give one of name, url, platform_based_links.",
    ),
    ("no address to count", lambda vendor: vendor.get_link_conversion(url=""), "url is “”"),
    ("no id", lambda vendor: vendor.disable_link(link_id=" "), "link_id “ ” is no id"),
]

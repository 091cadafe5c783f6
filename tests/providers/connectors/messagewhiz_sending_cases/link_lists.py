"""“Link Lists”."""

from __future__ import annotations

from providers.connectors.messagewhiz import LinkList, ListedLink, NewLink, Switched, Upload
from tests.providers.connectors.messagewhiz_sending_cases import Impossible, envelope
from tests.providers.connectors.operation_suite import Case, Documented, Multipart

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/LinkList", "Create a Link List"),
    # Under the same heading, by its second example.
    ("POST", "/api/3/LinkList/{id}/links", "Create a Link List"),
    ("POST", "/api/3/LinkList", "Create a Link List (import a file)"),
    ("POST", "/api/3/LinkList/{id}/links/bulk", "Add New Links to a Link List (Bulk)"),
    ("GET", "/api/3/LinkList", "Get Link Lists"),
    ("GET", "/api/3/LinkList/{id}/links", "Get Links from the List"),
    ("PUT", "/api/3/LinkList/{id}", "Modify a Link List (import a file)"),
    # Under the same heading, too.
    ("PATCH", "/api/3/LinkList/{id}", "Modify a Link List (import a file)"),
    ("DELETE", "/api/3/LinkList/{id}", "Disable a Link List"),
    ("DELETE", "/api/3/LinkList/{listID}/links", "Disable a Link in the Link List"),
]

FILE = b"First,https://one.example.com\nSecond,https://two.example.com\n"
DOC = Upload("linkList.csv", FILE, "text/csv")
NEW = [
    NewLink("some3 name", "https://43.example.com"),
    NewLink("some3 name 2", "https://24422.example.com"),
]
NEW_ROWS = [
    {"name": "some3 name", "url": "https://43.example.com"},
    {"name": "some3 name 2", "url": "https://24422.example.com"},
]
LISTED = [
    {"linkId": 146746, "url": "https://one.example.com"},
    {"linkId": 146747, "url": "https://two.example.com"},
]
LISTED_LINKS = (
    ListedLink("146746", "https://one.example.com"),
    ListedLink("146747", "https://two.example.com"),
)

CASES = [
    Case(
        "create_link_list",
        lambda vendor: vendor.create_link_list(name="FirstLinkList", link_ids=[311]),
        "POST",
        "/api/3/LinkList",
        {"name": "FirstLinkList", "linkIds": ["311"]},
        envelope({"id": 6940, "name": "FirstLinkList", "enabled": True, "linkListLength": 1, "warning": ""}),
        LinkList("6940", "FirstLinkList", True, 1),
    ),
    Case(
        "create_link_list",
        lambda vendor: vendor.create_link_list(name="FirstLinkList", links=NEW),
        "POST",
        "/api/3/LinkList",
        {"name": "FirstLinkList", "links": NEW_ROWS},
        envelope(
            {
                "id": "6941",
                "name": "FirstLinkList",
                "enabled": "1",
                "linkListLength": "2",
                "warning": "One was there.",
            }
        ),
        LinkList("6941", "FirstLinkList", True, 2, "One was there."),
        name="of new links",
    ),
    Case(
        "create_link_list",
        lambda vendor: vendor.create_link_list(name="Empty"),
        "POST",
        "/api/3/LinkList",
        {"name": "Empty", "linkIds": []},
        envelope({"id": 6942, "name": "Empty", "enabled": True, "linkListLength": 0, "warning": ""}),
        LinkList("6942", "Empty", True, 0),
        name="empty",
    ),
    Case(
        "add_links_to_list",
        lambda vendor: vendor.add_links_to_list(list_id=6940, link_ids=["146746", 13298]),
        "POST",
        "/api/3/LinkList/6940/links",
        {"ids": ["146746", "13298"]},
        envelope([146746]),
        ("146746",),
    ),
    Case(
        "add_links_to_list",
        lambda vendor: vendor.add_links_to_list(list_id=6940, link_ids=[13298]),
        "POST",
        "/api/3/LinkList/6940/links",
        {"ids": ["13298"]},
        envelope([]),
        (),
        name="of which none is there",
    ),
    Case(
        "import_link_list",
        lambda vendor: vendor.import_link_list(name="FirstLinkList", doc=DOC, mapping={0: "name", 1: "url"}),
        "POST",
        "/api/3/LinkList",
        Multipart(
            {"name": "FirstLinkList", "mapping": '{"0":"name", "1":"url"}'}, {"doc": ("linkList.csv", FILE)}
        ),
        envelope({"id": 7077, "name": "FirstLinkList", "enabled": True}),
        LinkList("7077", "FirstLinkList", True),
    ),
    Case(
        "add_new_links_to_list",
        lambda vendor: vendor.add_new_links_to_list(list_id=6940, links=NEW),
        "POST",
        "/api/3/LinkList/6940/links/bulk",
        {"links": NEW_ROWS},
        envelope({"enabled": True, "id": 6940, "name": "FirstLinkList", "user_id": 3191, "company_id": 3182}),
        LinkList("6940", "FirstLinkList", True, user_id="3191", company_id="3182"),
    ),
    Case(
        "list_link_lists",
        lambda vendor: vendor.list_link_lists(),
        "GET",
        "/api/3/LinkList",
        None,
        envelope([{"id": 6943, "name": "LinksList", "enabled": 1, "conversionCount": 0}]),
        (LinkList("6943", "LinksList", True, conversion_count=0),),
    ),
    Case(
        "list_link_lists",
        lambda vendor: vendor.list_link_lists(limit=5, start=10, enabled=False, name="Links List"),
        "GET",
        "/api/3/LinkList?limit=5&enabled=false&filter=name%3DLinks%20List&start=10",
        None,
        envelope([]),
        (),
        name="with all parameters",
    ),
    Case(
        "list_links_in_list",
        lambda vendor: vendor.list_links_in_list(list_id=6941),
        "GET",
        "/api/3/LinkList/6941/links",
        None,
        envelope([{"id": 6941, "links": LISTED}]),
        LISTED_LINKS,
    ),
    Case(
        "list_links_in_list",
        lambda vendor: vendor.list_links_in_list(list_id=6941),
        "GET",
        "/api/3/LinkList/6941/links",
        None,
        envelope({"id": 6941, "links": LISTED}),
        LISTED_LINKS,
        name="not wrapped",
    ),
    Case(
        "list_links_in_list",
        lambda vendor: vendor.list_links_in_list(list_id=6941),
        "GET",
        "/api/3/LinkList/6941/links",
        None,
        envelope([]),
        (),
        name="of an empty list",
    ),
    Case(
        "replace_link_list",
        lambda vendor: vendor.replace_link_list(
            list_id=6941, name="NewList", doc=DOC, mapping={0: "name", 1: "url"}
        ),
        "PUT",
        "/api/3/LinkList/6941",
        Multipart({"name": "NewList", "mapping": '{"0":"name", "1":"url"}'}, {"doc": ("linkList.csv", FILE)}),
        # The document shows no answer; this is that of importing.
        envelope({"id": 6941, "name": "NewList", "enabled": True}),
        LinkList("6941", "NewList", True),
    ),
    Case(
        "replace_link_list",
        lambda vendor: vendor.replace_link_list(list_id=6941, name="NewList", doc=DOC, mapping={1: "url"}),
        "PUT",
        "/api/3/LinkList/6941",
        Multipart({"name": "NewList", "mapping": '{"1":"url"}'}, {"doc": ("linkList.csv", FILE)}),
        envelope(True),
        None,
        name="answered with true",
    ),
    Case(
        "patch_link_list",
        lambda vendor: vendor.patch_link_list(list_id=6944, enabled=True),
        "PATCH",
        "/api/3/LinkList/6944",
        # The document has 1 here, and true or false elsewhere.
        {"enabled": True},
        envelope({"id": 6944, "enabled": 1}),
        Switched("6944", True),
    ),
    Case(
        "disable_link_list",
        lambda vendor: vendor.disable_link_list(list_id=6941),
        "DELETE",
        "/api/3/LinkList/6941",
        None,
        envelope(True),
        None,
    ),
    Case(
        "remove_link_from_list",
        lambda vendor: vendor.remove_link_from_list(list_id=6940, link_id=146746),
        "DELETE",
        "/api/3/LinkList/6940/links?%5Bid%5D=146746",
        None,
        envelope(True),
        None,
    ),
]

IMPOSSIBLE: list[Impossible] = [
    ("no name", lambda vendor: vendor.create_link_list(name=""), "The link list has no name"),
    (
        "both kinds of links",
        lambda vendor: vendor.create_link_list(name="x", link_ids=[311], links=NEW),
        "link_ids and links are given together: give one of them only.",
    ),
    (
        "a new link without a name",
        lambda vendor: vendor.create_link_list(name="x", links=[NewLink("", "https://example.com")]),
        "A new link has no name",
    ),
    (
        "a new link without an address",
        lambda vendor: vendor.add_new_links_to_list(list_id=6940, links=[NewLink("x", "")]),
        "url is “”: write the whole address",
    ),
    ("no new links", lambda vendor: vendor.add_new_links_to_list(list_id=6940, links=[]), "links is empty"),
    (
        "no ids",
        lambda vendor: vendor.add_links_to_list(list_id=6940, link_ids=[]),
        "link_ids is []: give a list of at least one id.",
    ),
    (
        "a text for ids",
        lambda vendor: vendor.add_links_to_list(list_id=6940, link_ids="146746"),
        "link_ids is '146746': give a list",
    ),
    (
        "an odd id",
        lambda vendor: vendor.create_link_list(name="x", link_ids=["one"]),
        "link_ids “one” is no id",
    ),
    (
        "a file without addresses",
        lambda vendor: vendor.import_link_list(name="x", doc=DOC, mapping={0: "name"}),
        "mapping is {0: 'name'}: name the column",
    ),
    (
        "a column before the first",
        lambda vendor: vendor.import_link_list(name="x", doc=DOC, mapping={-1: "url"}),
        "mapping is {-1: 'url'}",
    ),
    (
        "two columns of addresses",
        lambda vendor: vendor.replace_link_list(
            list_id=6941, name="x", doc=DOC, mapping={0: "url", 1: "url"}
        ),
        "mapping is {0: 'url', 1: 'url'}",
    ),
    (
        "an empty file",
        lambda vendor: vendor.import_link_list(name="x", doc=Upload("a.csv", b""), mapping={0: "url"}),
        "doc is “a.csv”, an empty file",
    ),
    ("no list", lambda vendor: vendor.list_links_in_list(list_id=""), "list_id “” is no id"),
    ("no link", lambda vendor: vendor.remove_link_from_list(list_id=6940, link_id=""), "link_id “” is no id"),
]

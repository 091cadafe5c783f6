"""Document 004, sections Links and Link Lists."""

from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import CAROL, DAVE, Whiz
from tests.providers.sandbox.support import ALICE, BOB

SHOP, SALE = "https://example.com/shop", "https://example.com/sale"


def test_a_link_is_made_changed_and_disabled(whiz: Whiz) -> None:
    platforms = {"bot_redirect": "https://example.com/desktop", "preview_url": "https://example.com/card"}
    made = whiz.made("link", name="Link1", url=SHOP, platform_based_links=platforms)
    assert made == {
        "id": made["id"],
        "name": "Link1",
        "url": SHOP,
        "enabled": True,
        "type": 0,
        "platform_based_links": platforms,
    }
    changed = {"id": made["id"], "name": "FirstLink", "url": SALE, "enabled": True}
    assert whiz.result("PUT", f"link/{made['id']}", {"name": "FirstLink", "url": SALE}) == changed
    assert whiz.result("GET", "link") == [changed]
    assert whiz.result("DELETE", f"link/{made['id']}") is True
    assert whiz.result("GET", "link") == []


def test_links_are_filtered_by_name_or_url(whiz: Whiz) -> None:
    whiz.made("link", name="Shop", url=SHOP)
    whiz.made("link", name="Sale", url=SALE)
    assert [row["name"] for row in whiz.result("GET", "link")] == ["Sale", "Shop"]
    assert [row["name"] for row in whiz.result("GET", f"link?filter=url={SHOP}")] == ["Shop"]
    assert [row["name"] for row in whiz.result("GET", "link?filter=name=Sale")] == ["Sale"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"url": SHOP}, 400),
        ({"name": "A"}, 400),
        ({"name": "A", "url": "example.com"}, 400),
        ({"name": "A", "url": "https://example.com/" + "x" * 2048}, 400),
        ({"name": "A", "url": SHOP, "platform_based_links": "no"}, 400),
        ({"name": "A", "url": SHOP, "platform_based_links": {"bot_redirect": "no"}}, 400),
        ({"name": "A", "url": SHOP, "platform_based_links": {"preview_url": 5}}, 400),
        ({"name": "Taken", "url": SALE}, 409),
    ],
)
def test_a_bad_link_is_refused(whiz: Whiz, fields: dict[str, Any], status: int) -> None:
    there = whiz.made("link", name="Taken", url=SHOP)["id"]
    assert whiz.refusal("POST", "link", fields)[0] == status
    if status == 400 and len(fields) > 2:
        assert whiz.refusal("PUT", f"link/{there}", fields)[0] == 400
    assert whiz.result("GET", "link") == [{"enabled": True, "id": there, "name": "Taken", "url": SHOP}]


def test_conversion_is_monitored(whiz: Whiz) -> None:
    link_id = whiz.made("link", name="Shop", url=SHOP)["id"]
    people = whiz.recipient_list(ALICE, BOB, CAROL)
    assert whiz.refusal("POST", "details/linkConversion", {"url": SHOP})[0] == 404
    whiz.send(whiz.base(people, f"Look: {{{{link:{link_id}}}}}"))
    assert whiz.result("POST", "details/linkConversion", {"url": SHOP}) == {
        "conversion": 0,
        "totalRecipients": 3,
        "clicks": 0,
    }
    for number in (ALICE, ALICE, BOB):
        assert whiz.open(whiz.text(number).removeprefix("Look: ")).status_code == 302
    converted = {"conversion": 66.67, "totalRecipients": 3, "clicks": 2}
    assert whiz.result("POST", "details/linkConversion", {"url": SHOP}) == converted
    assert whiz.result("POST", "details/linkConversion", {"url": "example.com/shop/"}) == converted
    whiz.open(whiz.text(CAROL).removeprefix("Look: "))
    assert whiz.result("POST", "details/linkConversion", {"url": SHOP})["conversion"] == 100
    other = Whiz(whiz.sandbox, "sandbox-key-other")
    assert other.refusal("POST", "details/linkConversion", {"url": SHOP})[0] == 404


# Link lists


def urls_of(whiz: Whiz, list_id: int) -> list[str]:
    (row,) = whiz.result("GET", f"LinkList/{list_id}/links")
    assert row["id"] == list_id
    return [link["url"] for link in row["links"]]


def test_a_list_is_made_of_links(whiz: Whiz) -> None:
    link_id = whiz.made("link", name="Shop", url=SHOP)["id"]
    made = whiz.made("LinkList", name="FirstLinkList", linkIds=[str(link_id)])
    assert made == {
        "id": made["id"],
        "name": "FirstLinkList",
        "enabled": True,
        "linkListLength": 1,
        "warning": "",
    }
    assert whiz.result("GET", "LinkList") == [
        {"id": made["id"], "name": "FirstLinkList", "enabled": 1, "conversionCount": 0}
    ]
    assert whiz.result("GET", f"LinkList/{made['id']}/links") == [
        {"id": made["id"], "links": [{"linkId": link_id, "url": SHOP}]}
    ]


def test_a_list_is_made_of_new_links_or_empty(whiz: Whiz) -> None:
    links = [{"name": "Shop", "url": SHOP}, {"name": "Sale", "url": SALE}]
    made = whiz.made("LinkList", name="A", links=links)
    assert made["linkListLength"] == 2
    assert [row["name"] for row in whiz.result("GET", "link")] == ["Sale", "Shop"]
    assert whiz.made("LinkList", name="Again", links=links)["linkListLength"] == 2
    assert len(whiz.result("GET", "link")) == 2
    assert whiz.made("LinkList", name="Empty")["linkListLength"] == 0
    assert whiz.made("LinkList", name="Warned", linkIds=[7])["warning"] == "Some links were not found"


def test_a_list_is_made_of_a_file_and_replaced(whiz: Whiz) -> None:
    mapping = {"0": "name", "1": "url"}
    doc = f"name,url\nShop,{SHOP}\nSale,{SALE}\n".encode()
    made = whiz.result("POST", "LinkList", **whiz.form(doc, mapping, "FirstLinkList"))
    assert made == {"id": made["id"], "name": "FirstLinkList", "enabled": True}
    assert urls_of(whiz, made["id"]) == [SHOP, SALE]
    new = "https://example.com/new"
    form = whiz.form(f"{new};New\n".encode(), {"1": "name", "0": "url"}, "NewList")
    assert whiz.result("PUT", f"LinkList/{made['id']}", **form) == made | {"name": "NewList"}
    assert urls_of(whiz, made["id"]) == [new]


def test_links_are_added_and_removed(whiz: Whiz) -> None:
    shop, sale = (
        whiz.made("link", name="Shop", url=SHOP)["id"],
        whiz.made("link", name="Sale", url=SALE)["id"],
    )
    list_id = whiz.made("LinkList", name="A")["id"]
    assert whiz.result("POST", f"LinkList/{list_id}/links", {"ids": [str(shop), "13298"]}) == [shop]
    assert whiz.result("POST", f"LinkList/{list_id}/links", {"id": sale}) == [sale]
    bulk = {"links": [{"name": "some name", "url": "https://example.com/bulk"}]}
    assert whiz.result("POST", f"LinkList/{list_id}/links/bulk", bulk) == {
        "enabled": True,
        "id": list_id,
        "name": "A",
        "user_id": 3191,
        "company_id": 3182,
    }
    assert urls_of(whiz, list_id) == [SHOP, SALE, "https://example.com/bulk"]
    assert whiz.result("DELETE", f"LinkList/{list_id}/links?[id]={shop}") is True
    assert whiz.result("DELETE", f"LinkList/{list_id}/links?%5Bid%5D={sale}") is True
    assert urls_of(whiz, list_id) == ["https://example.com/bulk"]
    assert whiz.refusal("DELETE", f"LinkList/{list_id}/links?id={shop}")[0] == 404


def test_a_list_is_switched_and_disabled(whiz: Whiz) -> None:
    list_id = whiz.made("LinkList", name="A")["id"]
    assert whiz.result("PATCH", f"LinkList/{list_id}", {"enabled": 0}) == {"id": list_id, "enabled": 0}
    assert whiz.result("PATCH", f"LinkList/{list_id}", {"enabled": 1}) == {"id": list_id, "enabled": 1}
    assert whiz.result("DELETE", f"LinkList/{list_id}") is True
    assert whiz.result("GET", "LinkList") == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "LinkList", {}, 400),
        ("POST", "LinkList", {"name": "A", "linkIds": "7"}, 400),
        ("POST", "LinkList", {"name": "A", "links": ["https://example.com"]}, 400),
        ("POST", "LinkList", {"name": "A", "links": [{"name": "Taken", "url": SALE}]}, 409),
        ("POST", "LinkList/7/links", {"ids": []}, 404),
        ("POST", "LinkList/7/links/bulk", {"links": []}, 404),
        ("GET", "LinkList/7/links", None, 404),
        ("PATCH", "LinkList/7", {"enabled": 1}, 404),
        ("DELETE", "LinkList/7", None, 404),
        ("DELETE", "LinkList/7/links?id=7", None, 404),
        ("POST", "details/linkConversion", {}, 400),
    ],
)
def test_it_rejects(whiz: Whiz, method: str, path: str, body: Any, status: int) -> None:
    whiz.made("link", name="Taken", url=SHOP)
    assert whiz.refusal(method, path, body)[0] == status
    assert len(whiz.result("GET", "link")) == 1


@pytest.mark.parametrize(
    ("doc", "mapping", "sentence"),
    [
        (f"Shop,{SHOP}", {"1": "url"}, "mapping must name the columns of name and url"),
        (f"Shop,{SHOP}\nSale,nowhere", {"0": "name", "1": "url"}, "url must be a URI"),
        (f",{SHOP}", {"0": "name", "1": "url"}, "name must be a string"),
        ("\n".join(f"Link {n},{SHOP}/{n}" for n in range(1001)), {"0": "name", "1": "url"}, "more than 1000"),
    ],
)
def test_a_file_may_be_refused(whiz: Whiz, doc: str, mapping: Any, sentence: str) -> None:
    status, message = whiz.refusal("POST", "LinkList", **whiz.form(doc.encode(), mapping, "A"))
    assert (status, sentence in message) == (400, True), message
    assert whiz.result("GET", "link") == []


def test_links_of_a_list_are_spread_evenly(whiz: Whiz) -> None:
    links = [{"name": "Shop", "url": SHOP}, {"name": "Sale", "url": SALE}]
    list_id = whiz.made("LinkList", name="A", links=links)["id"]
    people = (ALICE, BOB, CAROL, DAVE)
    whiz.send(whiz.base(whiz.recipient_list(*people), f"{{{{link_list:{list_id}}}}}"))
    led = [whiz.open(whiz.text(number)).headers["location"] for number in people]
    assert sorted(led) == [SALE, SALE, SHOP, SHOP]
    assert whiz.result("GET", "LinkList")[0]["conversionCount"] == 4


@pytest.mark.parametrize("token", ["{{link:7}}", "{{link_list:7}}", "{{word_spinner:7}}"])
def test_a_token_of_an_unknown_id_is_not_found(whiz: Whiz, token: str) -> None:
    assert whiz.refusal("POST", "Broadcast", whiz.single(ALICE, token))[0] == 404


def test_a_token_of_an_empty_list_is_refused(whiz: Whiz) -> None:
    list_id = whiz.made("LinkList", name="Empty")["id"]
    status, message = whiz.refusal("POST", "Broadcast", whiz.single(ALICE, f"{{{{link_list:{list_id}}}}}"))
    assert (status, f"link list {list_id} has no links" in message) == (400, True)

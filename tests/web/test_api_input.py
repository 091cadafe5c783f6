"""Every endpoint of the OpenAPI document refuses what it does not read, in words, at either spelling.

The walks below take their addresses from the document, so a new endpoint is asked without being named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts.models import Role, Workspace
from campaigns.models import Broadcast, Campaign
from contacts.models import Import, OptOut, RecipientList, UnsubscribeList
from providers.connectors import REGISTRY
from tests.access import MISSING_ID
from tests.people import ApiClient, api_client

PROBLEM = "application/problem+json"
CANARY = "zebra"


@dataclass(frozen=True, slots=True)
class Endpoint:
    path: str
    method: str
    raw: dict[str, Any]

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.raw.get("parameters", []) if one["in"] == "query"}

    @property
    def takes_body(self) -> bool:
        return "requestBody" in self.raw

    @property
    def is_upload(self) -> bool:
        return "multipart/form-data" in self.raw.get("requestBody", {}).get("content", {})


@cache
def document() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def endpoints() -> Iterator[Endpoint]:
    for path, item in document()["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                yield Endpoint(path, method, item[method])


ALL = [pytest.param(one, id=f"{one.method} {one.path}") for one in endpoints()]
WITH_BODY = [one for one in ALL if one.values[0].takes_body]  # type: ignore[attr-defined,union-attr]
WITHOUT_BODY = [
    one
    for one in ALL
    if not one.values[0].takes_body and one.values[0].method != "get"  # type: ignore[attr-defined,union-attr]
]


@pytest.fixture
def client(db: None) -> ApiClient:
    return api_client(Role.OWNER)


def ask(client: ApiClient, endpoint: Endpoint, query: str = "", body: Any = None, slash: bool = True) -> Any:
    path = re.sub(r"\{\w+\}", MISSING_ID, endpoint.path)
    path = path if slash else path.rstrip("/")
    options = {"format": "multipart"} if endpoint.is_upload else {}
    return getattr(client, endpoint.method)(f"{path}{query}", body, **options)


# --- the walks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ALL)
def test_an_unknown_parameter_is_refused_by_name(client: ApiClient, endpoint: Endpoint) -> None:
    response = ask(client, endpoint, f"?{CANARY}=seven")
    assert response.status_code == 400, response.content
    assert response.headers["Content-Type"] == PROBLEM
    (error,) = response.json()["errors"]
    assert (error["field"], error["code"], error["value"]) == (CANARY, "unknown_parameter", '"seven"')
    for name in endpoint.parameters:
        assert name in error["detail"], "the remedy names what is read"


@pytest.mark.parametrize("endpoint", ALL)
def test_every_documented_parameter_is_known(client: ApiClient, endpoint: Endpoint) -> None:
    for name in [*endpoint.parameters, "format"]:
        response = ask(client, endpoint, f"?{name}={'json' if name == 'format' else '1'}")
        if response.status_code == 400:
            codes = {(error["field"], error["code"]) for error in response.json()["errors"]}
            assert (name, "unknown_parameter") not in codes


@pytest.mark.parametrize("endpoint", WITHOUT_BODY)
def test_a_body_that_nobody_reads_is_refused(client: ApiClient, endpoint: Endpoint) -> None:
    response = ask(client, endpoint, body={CANARY: 7})
    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["field"] == CANARY
    assert "leave it out" in response.json()["detail"]


@pytest.mark.parametrize("endpoint", WITHOUT_BODY)
def test_no_body_is_no_error(client: ApiClient, endpoint: Endpoint) -> None:
    for body in (None, {}):
        assert ask(client, endpoint, body=body).status_code == 404


def closed(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Objects of a request's schema that let other names through."""
    if "$ref" in schema:
        target = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        yield from closed(target, path)
        return
    if schema.get("properties") and schema.get("additionalProperties") is not False:
        yield path
    for name, inner in schema.get("properties", {}).items():
        yield from closed(inner, f"{path}.{name}")
    for inner in filter(None, (schema.get("items"), *schema.get("allOf", []), *schema.get("oneOf", []))):
        yield from closed(inner, path)


@pytest.mark.parametrize("endpoint", WITH_BODY)
def test_the_document_says_that_bodies_are_closed(endpoint: Endpoint) -> None:
    for content in endpoint.raw["requestBody"]["content"].values():
        assert list(closed(content["schema"], endpoint.path)) == []


@pytest.mark.parametrize("endpoint", ALL)
def test_both_spellings_are_served(client: ApiClient, endpoint: Endpoint) -> None:
    with_slash, without = (ask(client, endpoint, slash=slash) for slash in (True, False))
    assert without.status_code == with_slash.status_code
    assert without.headers["Content-Type"] == with_slash.headers["Content-Type"]


@pytest.mark.parametrize("path", list(document()["paths"]))
@pytest.mark.parametrize("end", ["/", ""])
def test_a_wrong_method_is_a_problem_that_names_the_right_ones(
    client: ApiClient, path: str, end: str
) -> None:
    allowed = {
        name.upper() for name in document()["paths"][path] if name in ("get", "post", "patch", "delete")
    }
    response = client.put(re.sub(r"\{\w+\}", MISSING_ID, path).rstrip("/") + end, {})
    assert response.status_code == 405
    assert response.headers["Content-Type"] == PROBLEM
    assert allowed <= {name.strip() for name in response.headers["Allow"].split(",")}
    for name in allowed:
        assert name in response.json()["detail"]


@pytest.mark.parametrize("endpoint", ALL)
def test_the_document_asks_for_either_header(endpoint: Endpoint) -> None:
    assert endpoint.raw["security"] == [{"bearer": []}, {"apikey": []}]


# --- bodies, with rows that exist -------------------------------------------------------------------


@pytest.fixture
def rows(acme: Workspace) -> dict[str, int]:
    """By the name in the address: an id that exists."""
    people = RecipientList.objects.create(workspace=acme, name="Members")
    person = people.recipients.create(msisdn="12015550123")
    campaign = Campaign.objects.create(workspace=acme, name="Spring")
    return {
        "list_pk": people.pk,
        "recipients": person.pk,
        "recipient-lists": people.pk,
        "campaigns": campaign.pk,
        "broadcasts": Broadcast.objects.create(workspace=acme, name="Sale", campaign=campaign).pk,
        "unsubscribe-lists": UnsubscribeList.objects.create(workspace=acme, name="No news").pk,
    }


PLAIN_BODIES = [
    ("post", "/api/v1/campaigns/"),
    ("patch", "/api/v1/campaigns/{campaigns}/"),
    ("post", "/api/v1/broadcasts/"),
    ("patch", "/api/v1/broadcasts/{broadcasts}/"),
    ("post", "/api/v1/broadcasts/{broadcasts}/launch/"),
    ("post", "/api/v1/broadcasts/{broadcasts}/test/"),
    ("post", "/api/v1/messages/"),
    ("post", "/api/v1/senders/"),
    ("post", "/api/v1/verifications/"),
    ("post", "/api/v1/verifications/check/"),
    ("post", "/api/v1/provider-accounts/"),
    ("post", "/api/v1/recipient-lists/"),
    ("patch", "/api/v1/recipient-lists/{recipient-lists}/"),
    ("post", "/api/v1/recipient-lists/{list_pk}/recipients/"),
    ("patch", "/api/v1/recipient-lists/{list_pk}/recipients/{recipients}/"),
    ("post", "/api/v1/opt-outs/"),
    ("post", "/api/v1/unsubscribe-lists/"),
    ("patch", "/api/v1/unsubscribe-lists/{unsubscribe-lists}/"),
    ("post", "/api/v1/unsubscribe-lists/{unsubscribe-lists}/members/"),
]


@pytest.mark.parametrize(("method", "path"), PLAIN_BODIES)
def test_an_unknown_field_is_refused_by_name(
    client: ApiClient, rows: dict[str, int], method: str, path: str
) -> None:
    response = getattr(client, method)(path.format_map(rows), {CANARY: "seven"})
    assert response.status_code == 400
    error = next(one for one in response.json()["errors"] if one["field"] == CANARY)
    assert error["code"] == "unknown_field"
    assert error["detail"].startswith("zebra (")
    assert "Allowed: " in error["detail"]


def test_a_slip_of_the_pen_is_told_what_was_meant(client: ApiClient) -> None:
    response = client.post("/api/v1/broadcasts/", {"name": "Sale", "list": [1]})
    assert response.json()["detail"] == (
        "list ([1]) is not known here: did you mean lists? Allowed: account, campaign, conversion_threshold,"
        " custom_parameter, exp_date, failure_limit, first_segment_size, ignores_quiet_hours, kind, lists,"
        " local_send_at, media, minimum_sample, msisdn, name, next_segment_size, recipient_cap, route, send_at, sender,"
        " sender_list, sends_passed, template, text, unsubscribe_lists, wait_minutes."
    )
    assert not Broadcast.objects.exists()


def test_a_field_that_is_only_read_is_refused(client: ApiClient, rows: dict[str, int]) -> None:
    response = client.patch(f"/api/v1/campaigns/{rows['campaigns']}/", {"id": 7, "name": "Summer"})
    (error,) = response.json()["errors"]
    assert (error["field"], error["code"]) == ("id", "read_only")
    assert Campaign.objects.filter(name="Spring").exists()


def test_an_unknown_field_of_a_row_is_named_with_its_place(client: ApiClient, rows: dict[str, int]) -> None:
    body = {"recipients": [{"msisdn": "+12015550124"}, {"msisdn": "+12015550125", "fist_name": "Ann"}]}
    response = client.post(f"/api/v1/recipient-lists/{rows['list_pk']}/recipients/", body)
    (error,) = response.json()["errors"]
    assert error["field"] == "recipients[1].fist_name"
    assert "did you mean first_name?" in error["detail"]


def test_a_file_with_an_unknown_field_beside_it(client: ApiClient) -> None:
    response = client.post("/api/v1/imports/", {CANARY: "seven"}, format="multipart")
    errors = {error["field"]: error["detail"] for error in response.json()["errors"]}
    assert errors["file"] == "file is missing: send a file, as multipart/form-data."
    assert errors[CANARY] == (
        'zebra ("seven") is not known here: leave it out. Allowed: file, list, purpose, unsubscribe_list.'
    )
    assert not Import.objects.exists()


# --- values in words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "field", "sentence"),
    [
        ("campaigns", {}, "name", "name is missing: send a text of 1 to 100 characters."),
        ("campaigns", {"name": ""}, "name", 'name is "": send a text of 1 to 100 characters instead.'),
        ("campaigns", {"name": None}, "name", "name is null: send a text of 1 to 100 characters instead."),
        (
            "campaigns",
            {"name": "x" * 101},
            "name",
            f'name is 101 characters long ("{"x" * 59}…); at most 100 fit. Shorten it.',
        ),
        (
            "campaigns",
            {"name": "A", "enabled": "perhaps"},
            "enabled",
            'enabled is "perhaps": send true or false instead.',
        ),
        (
            "campaigns",
            {"name": "A", "starts_on": "tomorrow"},
            "starts_on",
            'starts_on is "tomorrow": send a date such as 2026-11-21, or null instead.',
        ),
        ("broadcasts", {"campaign": "x"}, "campaign", 'campaign is "x": send a whole number instead.'),
        (
            "broadcasts",
            {"kind": "smart"},
            "kind",
            'kind is "smart": send one of single, base, smart_manual, smart_ctr instead.',
        ),
        (
            "broadcasts",
            {"send_at": "soon"},
            "send_at",
            'send_at is "soon": send a date and time with its offset, such as 2026-11-21T09:00:00+01:00, or null'
            " instead.",
        ),
        (
            "broadcasts",
            {"lists": [1, "two"]},
            "lists[1]",
            'lists[1] is "two": send a whole number instead.',
        ),
        (
            "broadcasts",
            {"lists": 5},
            "lists",
            "lists is 5: send a list of which each is a whole number instead.",
        ),
        (
            "senders",
            {"value": "Northwind", "accounts": [99]},
            "accounts",
            "accounts is [99], and this workspace has nothing with that id. Send another.",
        ),
        (
            "provider-accounts",
            {"vendor": "acme", "name": "A", "credentials": {}},
            "vendor",
            f'vendor is "acme": send one of {", ".join(REGISTRY)} instead.',
        ),
        ("campaigns", {"name": -1}, "name", "name is -1: send a text of 1 to 100 characters instead."),
        ("campaigns", {"name": 1.1}, "name", "name is 1.1: send a text of 1 to 100 characters instead."),
        ("campaigns", {"name": True}, "name", "name is true: send a text of 1 to 100 characters instead."),
        (
            "broadcasts",
            {"kind": "single", "msisdn": 12015550123},
            "msisdn",
            "msisdn is 12015550123: send a text instead.",
        ),
        (
            "campaigns",
            {"name": "a\x00b"},
            "name",
            'name holds a NUL character ("a\\u0000b"), which is no text. Remove it.',
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_remedy(
    client: ApiClient, path: str, body: dict[str, Any], field: str, sentence: str
) -> None:
    response = client.post(f"/api/v1/{path}/", body)
    assert response.status_code == 400
    assert {error["field"]: error["detail"] for error in response.json()["errors"]} == {field: sentence}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "The body is []"),
        ("text", 'The body is "text"'),
        (None, "The body is empty"),
        (7, "The body is 7"),
    ],
)
def test_a_body_that_is_no_object(client: ApiClient, body: Any, words: str) -> None:
    import json

    response = client.generic("POST", "/api/v1/campaigns/", json.dumps(body), content_type="application/json")
    assert response.status_code == 400
    assert response.json()["detail"].startswith(f"{words}: send a JSON object, such as {{")


def test_a_row_that_is_no_object(client: ApiClient, rows: dict[str, int]) -> None:
    path = f"/api/v1/recipient-lists/{rows['list_pk']}/recipients/"
    (error,) = client.post(path, {"recipients": ["+12015550123"]}).json()["errors"]
    assert error["detail"] == '"+12015550123" stands where an object has to be: send {…}.'


def test_numbers_in_the_place_of_texts_are_named_with_their_place(
    client: ApiClient, rows: dict[str, int]
) -> None:
    path = f"/api/v1/recipient-lists/{rows['list_pk']}/recipients/"
    body = {"recipients": [{"msisdn": "+12015550123", "extra": {"points": 7, "city": "Leeds"}, "email": 5}]}
    errors = {one["field"]: one["detail"] for one in client.post(path, body).json()["errors"]}
    assert errors == {
        "recipients[0].extra.points": "extra[points] is 7: send a text instead.",
        "recipients[0].email": "email is 5: send a text instead.",
    }
    path = f"/api/v1/unsubscribe-lists/{rows['unsubscribe-lists']}/members/"
    errors = {one["field"]: one["detail"] for one in client.post(path, {"msisdns": [5, {}]}).json()["errors"]}
    assert errors == {
        "msisdns[0]": "msisdns[0] is 5: send a text of 1 to 60 characters instead.",
        "msisdns[1]": "msisdns[1] is {}: send a text of 1 to 60 characters instead.",
    }


def test_many_errors_are_summed_up(client: ApiClient, rows: dict[str, int]) -> None:
    path = f"/api/v1/recipient-lists/{rows['list_pk']}/recipients/"
    body = client.post(path, {"recipients": [{} for _ in range(40)]}).json()
    assert len(body["errors"]) == 40
    assert body["detail"].endswith("And 35 more, see “errors”.")


SECRET = "swordfish-7"


@pytest.mark.parametrize(
    "body",
    [
        {"vendor": "bulkvs", "name": "A", "credentials": SECRET},
        {"vendor": "bulkvs", "name": "A", "credentials": [SECRET]},
        {"vendor": "bulkvs", "name": "A", "credentials": {"password": {"inner": SECRET}}},
        {"vendor": "bulkvs", "name": "A", "credentials": {"passwort": SECRET}},
        {"vendor": "bulkvs", "name": "A", "credentials": {}, "password": SECRET},
        {"vendor": "bulkvs", "name": "A", "credentials": {}, "login": SECRET},
        {"vendor": "bulkvs", "name": "A", "credentials": {}, "base_url": f"https://me:{SECRET}@x.example/ y"},
        {"vendor": "bulkvs", "name": "A", "credentials": {}, "pass": {"word": SECRET}},
    ],
)
def test_no_secret_is_repeated(client: ApiClient, body: dict[str, Any]) -> None:
    response = client.post("/api/v1/provider-accounts/", body)
    assert response.status_code == 400
    assert SECRET not in response.content.decode()
    assert response.json()["errors"]


def test_a_key_in_the_address_is_not_repeated(client: ApiClient) -> None:
    response = client.get(f"/api/v1/campaigns/?api_key={SECRET}")
    assert response.status_code == 400
    assert SECRET not in response.content.decode()


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("post", "broadcasts/", {"campaign": 10**30}, "campaign"),
        ("post", "broadcasts/", {"lists": [1, 10**30]}, "lists[1]"),
        ("post", "broadcasts/", {"sender": str(10**30)}, "sender"),
        ("get", f"broadcasts/?campaign={10**30}", None, "campaign"),
    ],
)
def test_a_number_that_no_row_can_have_is_named(
    client: ApiClient, method: str, path: str, body: Any, field: str
) -> None:
    response = getattr(client, method)(f"/api/v1/{path}", body)
    if response.status_code == 200:
        # PostgreSQL and some filters simply find nothing.
        assert response.json()["results"] == []
        return
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert str(10**30) in error["value"]
    if error["field"] == field:
        assert str(10**30) in error["detail"]
    else:
        # PostgreSQL looks such a number up among the others: then the list is named, and the first that is missing.
        assert error["field"] == field.partition("[")[0]


# --- values of parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("campaigns/?enabled=perhaps", 'enabled is "perhaps": send true or false instead.'),
        ("campaigns/?page_size=0", 'page_size is "0": send a whole number from 1 to 1000.'),
        ("campaigns/?page_size=5000", 'page_size is "5000": send a whole number from 1 to 1000.'),
        ("campaigns/?cursor=abcde", "which is none of ours: leave it out to begin"),
        ("campaigns/?format=xml", 'format is "xml": send json, or leave it out.'),
        ("broadcasts/?state=lost", 'state is "lost": send one of draft, '),
        ("broadcasts/?campaign=x", 'campaign is "x": send a whole number instead.'),
        ("broadcasts/?campaign=1_0", 'campaign is "1_0": send a whole number instead.'),
        ("broadcasts/?campaign=1.5", 'campaign is "1.5": send a whole number instead.'),
        ("messages/?state=lost", 'state is "lost": send one of queued, '),
        ("opt-outs/?how=x", 'how is "x": send one of '),
    ],
)
def test_a_parameter_that_cannot_be_read(client: ApiClient, query: str, sentence: str) -> None:
    response = client.get(f"/api/v1/{query}")
    assert response.status_code == 400
    assert sentence in response.json()["detail"]


def test_true_and_false_filter(client: ApiClient, acme: Workspace) -> None:
    for name, enabled in (("On", True), ("Off", False)):
        Campaign.objects.create(workspace=acme, name=name, enabled=enabled)
    for word, names in (("true", ["On"]), ("FALSE", ["Off"]), ("1", ["On"]), ("", ["Off", "On"])):
        rows = client.get(f"/api/v1/campaigns/?enabled={word}").json()["results"]
        assert [row["name"] for row in rows] == names


# --- addresses --------------------------------------------------------------------------------------


def test_a_post_without_its_slash_does_what_it_says(client: ApiClient, acme: Workspace) -> None:
    response = client.post("/api/v1/opt-outs", {"msisdn": "+12015550123"})
    assert response.status_code == 201
    assert OptOut.objects.filter(workspace=acme, msisdn="12015550123").exists()


def test_a_page_without_its_slash_leads_on(client: ApiClient, acme: Workspace) -> None:
    for name in ("A", "B"):
        Campaign.objects.create(workspace=acme, name=name)
    first = client.get("/api/v1/campaigns?page_size=1").json()
    assert [row["name"] for row in client.get(first["next"]).json()["results"]] == ["A"]


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v2/", "/api/v1/campaign/", "/api/v1/campaign", "/api/v1/campaigns/x/"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_address_is_a_problem(client: ApiClient, path: str, method: str) -> None:
    response = getattr(client, method)(path)
    assert (response.status_code, response.headers["Content-Type"]) == (404, PROBLEM)
    assert path in response.json()["detail"]


def test_a_row_that_is_not_there_says_where_to_look(client: ApiClient) -> None:
    detail = client.get(f"/api/v1/campaigns/{MISSING_ID}/").json()["detail"]
    assert detail.startswith(
        f"There is nothing at /api/v1/campaigns/{MISSING_ID}/ in the workspace of this key."
    )


def test_the_page_of_the_api_takes_no_post(db: None, client: ApiClient) -> None:
    response = Client().post("/api/v1/")
    assert (response.status_code, response.headers["Content-Type"]) == (405, PROBLEM)
    assert response.headers["Allow"] == "GET, HEAD"
    assert Client().get("/api/v1").status_code == 200


def test_a_body_of_another_kind_says_which_is_read(client: ApiClient) -> None:
    response = client.generic("POST", "/api/v1/campaigns/", "name=A", content_type="text/csv")
    assert response.status_code == 415
    assert response.json()["detail"].endswith("Send application/json.")


@pytest.mark.parametrize("moment", ["2026-11-22T10:00:00", "2026-11-22"])
def test_a_time_without_its_offset_is_refused(client: ApiClient, moment: str) -> None:
    """It would be read in a zone that nobody named."""
    response = client.post("/api/v1/broadcasts/", {"name": "Sale", "send_at": moment})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert (error["field"], error["value"]) == ("send_at", f'"{moment}"')
    assert "offset" in error["detail"]


def test_a_name_that_stands_twice_is_refused(client: ApiClient) -> None:
    body = b'{"name": "Spring", "name": "Autumn"}'
    response = client.generic("POST", "/api/v1/broadcasts/", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["detail"] == "name stands twice in one object. Send it once."


def test_a_number_for_a_broadcast_to_lists_is_refused(client: ApiClient) -> None:
    response = client.post("/api/v1/broadcasts/", {"kind": "base", "msisdn": "+12015550123"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "msisdn"
    assert not Broadcast.objects.exists()


def test_the_document_shows_no_note_to_ourselves() -> None:
    for name, component in document()["components"]["schemas"].items():
        assert "serializers" not in component.get("description", ""), name


@pytest.mark.django_db
def test_without_a_key_it_says_how_to_send_one(db: None) -> None:
    response = Client().get("/api/v1/broadcasts/")
    assert response.status_code == 401
    assert "Authorization: Bearer KEY" in response.json()["detail"]

"""Templates: the same rules by service, page and API; a broadcast takes the text over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from campaigns.errors import CampaignError
from campaigns.models import Broadcast
from campaigns.services.drafts import TEXT_MOST, create_draft, duplicate
from messaging.errors import MessagingError
from messaging.models import Template, WordSpinner
from messaging.texts.spinners import create_spinner, token_of
from messaging.texts.templates import (
    MOST_CHARACTERS,
    change_template,
    create_template,
    duplicate_template,
    effect_of,
    set_template_enabled,
)
from tests.access import assert_access
from tests.campaigns.makers import make_draft, send
from tests.people import ApiClient

Api = Callable[..., ApiClient]


def made(acme: Workspace, name: str = "Plain", text: str = "Hello") -> Template:
    return create_template(workspace=acme, actor=Actor(), name=name, text=text)


# --- services -------------------------------------------------------------------------------------------


def test_it_works(acme: Workspace, bob: User) -> None:
    create_template(workspace=acme, actor=Actor(user=bob), name=" Sale ", text=" 25% off\r\nReply STOP")
    template = Template.objects.get()
    assert (template.name, template.text, template.enabled) == ("Sale", " 25% off\nReply STOP", True)
    assert AuditEntry.objects.get(user=bob).action == "created"


def test_the_longest_text_is_kept(acme: Workspace) -> None:
    assert MOST_CHARACTERS == TEXT_MOST
    made(acme, text="x" * MOST_CHARACTERS)
    assert len(Template.objects.get().text) == MOST_CHARACTERS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The text is empty"),
        (" \n ", "The text is empty"),
        ("x" * (MOST_CHARACTERS + 1), "has 100,001 characters; at most 100,000 fit"),
        ("a\x00b", "NUL character"),
    ],
)
def test_rejects_a_text(acme: Workspace, text: str, said: str) -> None:
    with pytest.raises(MessagingError, match=said) as caught:
        made(acme, text=text)
    assert caught.value.field == "text"
    assert not Template.objects.exists()


def test_rejects_a_name_that_is_taken(welcome: Template) -> None:
    with pytest.raises(MessagingError, match=r"template “welcome” already") as caught:
        made(welcome.workspace, name="welcome")
    assert caught.value.code == "name_taken"


def test_keeps_wrong_tokens_and_unusual_characters(acme: Workspace) -> None:
    text = "{{nope}} שלום a\u200bb \u202eabc"
    made(acme, text=text)
    assert Template.objects.get().text == text
    effect = effect_of(acme, text)
    assert [(one.line, one.column) for one in effect.errors] == [(1, 1)]
    assert effect.range is None
    assert {one.name.rpartition(" ")[2] for one in effect.odd.kinds} >= {"(U+05E9)", "(U+200B)", "(U+202E)"}
    assert effect_of(acme, "a\u200bb").counted.units == 3


def test_a_change_is_noted_and_no_change_is_not(welcome: Template, bob: User) -> None:
    actor = Actor(user=bob)
    change_template(template=welcome, actor=actor, name=welcome.name, text=welcome.text)
    assert not AuditEntry.objects.filter(user=bob).exists()
    change_template(template=welcome, actor=actor, name="Hail", text="Ave")
    entry = AuditEntry.objects.get(user=bob)
    assert (entry.action, entry.details) == ("changed", {"was": "Welcome"})


def test_copy_and_switch(welcome: Template, bob: User) -> None:
    actor = Actor(user=bob)
    copy = duplicate_template(template=welcome, actor=actor)
    assert (copy.name, copy.text) == ("Copy of Welcome", welcome.text)
    for _ in range(2):
        set_template_enabled(template=copy, actor=actor, enabled=False)
    actions = AuditEntry.objects.filter(user=bob).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["created", "disabled"]


def test_the_parts_range_counts_the_words(acme: Workspace) -> None:
    words = [("a", 1), ("b" * 20, 1)]
    spinner, _merged = create_spinner(workspace=acme, actor=Actor(), name="S", words=words)
    found = effect_of(acme, token_of(spinner) + "x" * 150).range
    assert found is not None
    assert (found.fewest, found.most, found.varies) == (1, 2, True)


def test_many_wrong_tokens_are_counted(acme: Workspace) -> None:
    effect = effect_of(acme, "{{x}}" * 30)
    assert (len(effect.errors), effect.more_errors) == (20, 10)


# --- a broadcast begins with it -------------------------------------------------------------------------


def test_a_draft_begins_with_it(welcome: Template, bob_client: Client) -> None:
    response = bob_client.post("/broadcasts/new/", {"template": welcome.pk})
    draft = Broadcast.objects.get()
    assert response.headers["Location"] == f"/broadcasts/{draft.pk}/edit/"
    assert (draft.text, draft.template, draft.name) == (welcome.text, welcome, "Welcome")
    assert welcome.text in bob_client.get(response.headers["Location"]).content.decode()
    page = bob_client.get(f"/templates/{welcome.pk}/").content.decode()
    assert f'href="/broadcasts/{draft.pk}/edit/"' in page


def test_by_api_a_draft_takes_the_text_unless_one_is_given(
    acme: Workspace, welcome: Template, api: Api
) -> None:
    client = api()
    made_draft = client.post("/api/v1/broadcasts/", {"template": welcome.pk}).json()
    assert (made_draft["template"], made_draft["text"]) == (welcome.pk, welcome.text)
    url = f"/api/v1/broadcasts/{made_draft['id']}/"
    other = made(acme, "Other", "Other text")
    assert client.patch(url, {"template": other.pk}).json()["text"] == "Other text"
    both = client.patch(url, {"template": welcome.pk, "text": "Mine"}).json()
    assert (both["template"], both["text"]) == (welcome.pk, "Mine")
    assert client.patch(url, {"template": None}).json()["text"] == "Mine"
    set_template_enabled(template=other, actor=Actor(), enabled=False)
    for wrong, said in ((other.pk, "is disabled"), (10**9, "There is no template")):
        answer = client.patch(url, {"template": wrong})
        assert (answer.status_code, said in str(answer.json())) == (400, True)
        assert answer.json()["errors"][0]["field"] == "template"
    assert Broadcast.objects.get().text == "Mine"


def test_a_draft_keeps_its_text(welcome: Template) -> None:
    draft = create_draft(workspace=welcome.workspace, actor=Actor(), template=welcome)
    change_template(template=welcome, actor=Actor(), name="Other", text="Changed")
    draft.refresh_from_db()
    assert draft.text != "Changed"
    assert duplicate(broadcast=draft, actor=Actor()).template == welcome


def test_a_disabled_template_is_neither_offered_nor_taken(welcome: Template, bob_client: Client) -> None:
    assert "Welcome" in bob_client.get("/broadcasts/new/").content.decode()
    set_template_enabled(template=welcome, actor=Actor(), enabled=False)
    assert "Welcome" not in bob_client.get("/broadcasts/new/").content.decode()
    response = bob_client.post("/broadcasts/new/", {"template": welcome.pk})
    assert response.status_code == 422
    assert "disabled or does not exist" in response.content.decode()
    with pytest.raises(CampaignError, match="is disabled"):
        create_draft(workspace=welcome.workspace, actor=Actor(), template=welcome)
    assert not Broadcast.objects.exists()


def test_a_template_of_others_is_not_taken(
    welcome: Template, other: Workspace, charlie_client: Client
) -> None:
    assert charlie_client.post("/broadcasts/new/", {"template": welcome.pk}).status_code == 422
    with pytest.raises(CampaignError, match="no template"):
        create_draft(workspace=other, actor=Actor(), template=welcome)


def test_a_draft_takes_a_template_and_asks_first(
    acme: Workspace, welcome: Template, bob_client: Client
) -> None:
    draft = create_draft(workspace=acme, actor=Actor())
    url = f"/broadcasts/{draft.pk}/template/"
    assert "replaces" not in bob_client.get(url).content.decode()
    assert bob_client.post(url, {"template": welcome.pk, "version": 1}).status_code == 302
    draft.refresh_from_db()
    assert (draft.text, draft.template, draft.version) == (welcome.text, welcome, 2)
    other = made(acme)
    asked = bob_client.post(url, {"template": other.pk, "version": 2})
    assert asked.status_code == 422
    assert "This draft has a text already" in asked.content.decode()
    stale = bob_client.post(url, {"template": other.pk, "version": 1, "replaces": "on"})
    assert stale.status_code == 422
    draft.refresh_from_db()
    assert draft.text == welcome.text
    assert bob_client.post(url, {"template": other.pk, "version": 2, "replaces": "on"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.text, draft.template) == ("Hello", other)


def test_what_was_launched_takes_no_template(acme: Workspace, alice: User, bob_client: Client) -> None:
    actor = Actor(user=alice)
    broadcast = send(make_draft(acme, actor), actor)
    response = bob_client.get(f"/broadcasts/{broadcast.pk}/template/")
    assert response.headers["Location"] == f"/broadcasts/{broadcast.pk}/"


def test_access_to_a_drafts_template(acme: Workspace, welcome: Template) -> None:
    url = f"/broadcasts/{create_draft(workspace=acme, actor=Actor()).pk}/template/"
    assert_access(url, viewer=403, marketer=200)
    assert_access(url, "post", viewer=403, marketer=422, data={"template": "0"})


# --- pages ----------------------------------------------------------------------------------------------


def test_access(welcome: Template) -> None:
    one = f"/templates/{welcome.pk}/"
    assert_access("/templates/")
    assert_access("/templates/new/", viewer=403, marketer=200)
    assert_access("/templates/new/", "post", viewer=403, marketer=422, data={"name": ""})
    assert_access(
        "/templates/effect/", "post", viewer=403, marketer=200, wrong_method="get", data={"text": "x"}
    )
    assert_access(one)
    assert_access(one, "post", viewer=403, marketer=422, data={"name": ""})
    assert_access(f"{one}duplicate/", "post", viewer=403, marketer=302, wrong_method="get")
    assert_access(f"{one}enabled/0/", "post", viewer=403, marketer=302, wrong_method="get", missing=False)


def test_a_template_is_written_and_changed(acme: Workspace, bob_client: Client) -> None:
    response = bob_client.post("/templates/new/", {"name": "Sale", "text": "25% off\r\n{{nope}}"})
    template = Template.objects.get()
    assert response.headers["Location"] == f"/templates/{template.pk}/"
    page = bob_client.get(f"/templates/{template.pk}/").content.decode()
    assert "Line 2, column 1: {{nope}}" in page
    bob_client.post(f"/templates/{template.pk}/", {"name": "Sale", "text": "30% off"})
    assert Template.objects.get().text == "30% off"


def test_what_another_one_saved_is_not_replaced_unasked(
    acme: Workspace, greeting: WordSpinner, bob_client: Client
) -> None:
    template = made(acme)
    for url, field, row in (
        (f"/templates/{template.pk}/", "text", template),
        (f"/spinners/{greeting.pk}/", "words", greeting),
    ):
        shown = bob_client.get(url).context["form"]["seen"].value()
        mine = {"name": "Mine", field: "Mine", "seen": shown}
        assert bob_client.post(url, {"name": "Theirs", field: "Theirs", "seen": shown}).status_code == 302
        told = bob_client.post(url, mine)
        assert told.status_code == 422
        assert "It was changed elsewhere since you opened it" in told.content.decode()
        row.refresh_from_db()
        assert row.name == "Theirs"
        again = mine | {"seen": told.context["form"]["seen"].value()}
        assert again["seen"] in told.content.decode()
        assert bob_client.post(url, again).status_code == 302
        row.refresh_from_db()
        assert row.name == "Mine"


def test_a_text_that_is_too_long_is_refused_with_the_limit(acme: Workspace, bob_client: Client) -> None:
    response = bob_client.post("/templates/new/", {"name": "Long", "text": "x" * 100_001})
    assert response.status_code == 422
    assert "100,001 characters; at most 100,000 fit" in response.content.decode()
    assert not Template.objects.exists()


def test_the_editor_is_told_what_a_text_becomes(greeting: WordSpinner, bob_client: Client) -> None:
    text = token_of(greeting) + "x" * 157 + "\n{{nope}}"
    page = bob_client.post("/templates/effect/", {"text": text}).content.decode()
    assert "Line 2, column 1" in page
    assert "<html" not in page
    page = bob_client.post("/templates/effect/", {"text": text.removesuffix("\n{{nope}}")}).content.decode()
    assert "1 to 2 parts" in page
    page = bob_client.post("/templates/effect/", {"text": "“ça\u200b”"}).content.decode()
    assert "zero width space (U+200B)" in page
    assert "line 1, column 4" in page
    assert "Replace what can be replaced" in page


def test_replacing_characters_saves_nothing_yet(welcome: Template, bob_client: Client) -> None:
    for url in ("/templates/new/", f"/templates/{welcome.pk}/"):
        response = bob_client.post(url, {"name": "Welcome", "text": "“Façade”", "swap": "1"})
        assert response.status_code == 200
        assert "&quot;Facade&quot;" in response.content.decode()
    assert [row.text for row in Template.objects.all()] == [welcome.text]


def test_disabling_can_be_undone(welcome: Template, bob_client: Client) -> None:
    page = bob_client.post(f"/templates/{welcome.pk}/enabled/0/", follow=True).content.decode()
    assert f'action="/templates/{welcome.pk}/enabled/1/"' in page
    assert "Use in a new broadcast" not in page
    assert not Template.objects.get().enabled


def test_the_list_searches_sorts_and_filters(acme: Workspace, welcome: Template, bob_client: Client) -> None:
    made(acme, "Aged", "Reply STOP")
    set_template_enabled(template=made(acme, "Old"), actor=Actor(), enabled=False)

    def names(query: str) -> list[str]:
        return [row["template"].name for row in bob_client.get(f"/templates/{query}").context["rows"]]

    assert names("") == ["Aged", "Welcome"]
    assert names("?sort=-changed") == ["Aged", "Welcome"]
    assert names("?sort=changed") == ["Welcome", "Aged"]
    assert names("?q=stop") == ["Aged"]
    assert names("?state=disabled") == ["Old"]
    part = bob_client.get("/templates/?q=welc", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "Welcome" in part


def test_viewers_get_no_forms_that_change(welcome: Template, victor_client: Client) -> None:
    for url in ("/templates/", f"/templates/{welcome.pk}/"):
        main = victor_client.get(url).content.decode().split("<main")[1].split("</main>")[0]
        assert 'method="post"' not in main


def test_the_list_costs_the_same_however_long(
    acme: Workspace, greeting: WordSpinner, victor_client: Client
) -> None:
    victor_client.get("/templates/")
    counts = []
    for number in range(30):
        template = made(acme, f"T{number}", f"{token_of(greeting)} {number}")
        create_draft(workspace=acme, actor=Actor(), template=template)
        if number in (0, 29):
            with CaptureQueriesContext(connection) as queries:
                victor_client.get("/templates/")
            counts.append(len(queries))
    assert counts[0] == counts[1] < 14


# --- API ------------------------------------------------------------------------------------------------


def test_api_access(welcome: Template) -> None:
    one = f"/api/v1/templates/{welcome.pk}/"
    assert_access("/api/v1/templates/", wrong_method="put")
    assert_access("/api/v1/templates/", "post", viewer=403, marketer=400, wrong_method=None, data={})
    assert_access(one)
    assert_access(one, "patch", viewer=403, marketer=200, wrong_method="put", data={"enabled": True})
    assert_access(f"{one}duplicate/", "post", viewer=403, marketer=201, wrong_method="get")


def test_api_makes_changes_and_copies(api: Api, acme: Workspace) -> None:
    client = api("marketer")
    response = client.post(
        "/api/v1/templates/", {"name": "Sale", "text": "Hi {{frist_name}}", "enabled": False}
    )
    assert response.status_code == 201, response.content
    body = response.json()
    url = f"/api/v1/templates/{body['id']}/"
    assert (body["enabled"], body["parts"], body["token_errors"][0]["column"]) == (False, None, 4)
    changed = client.patch(url, {"text": " Hi {{first_name}} ", "enabled": True}).json()
    assert (changed["text"], changed["parts"], changed["token_errors"]) == (
        " Hi {{first_name}} ",
        {"fewest": 1, "most": 1},
        [],
    )
    copy = client.post(f"{url}duplicate/").json()
    assert (copy["name"], copy["text"]) == ("Copy of Sale", changed["text"])
    draft = create_draft(workspace=acme, actor=Actor(), template=Template.objects.get(pk=body["id"]))
    assert client.get(url).json()["used_by"] == [
        {"kind": "broadcast", "id": draft.pk, "name": "Sale", "state": "draft"}
    ]


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"name": "x", "text": " "}, 400, "empty"),
        ({"name": "x", "text": "x" * 100_001}, 400, "100"),
        ({"name": "WELCOME", "text": "x"}, 409, "already"),
        ({"name": "x", "txet": "x"}, 400, "txet"),
    ],
)
def test_api_refuses_in_words(
    api: Api, welcome: Template, given: dict[str, object], status: int, said: str
) -> None:
    response = api("marketer").post("/api/v1/templates/", given)
    assert response.status_code == status, response.content
    assert said in response.content.decode()
    assert Template.objects.count() == 1


def test_api_walls(api: Api, welcome: Template, other: Workspace) -> None:
    assert api("marketer", other).get("/api/v1/templates/").json()["results"] == []

"""Word spinners: the same rules by service, page and API; who uses them; draws."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import create_draft, save_draft
from messaging.errors import MessagingError
from messaging.models import Template, WordSpinner
from messaging.texts.spinners import (
    change_spinner,
    create_spinner,
    draws_of,
    duplicate_spinner,
    open_uses,
    sent_uses,
    set_spinner_enabled,
    token_of,
)
from messaging.texts.users import open_counts
from tests.access import assert_access
from tests.campaigns.makers import make_draft, send
from tests.people import ApiClient

Api = Callable[..., ApiClient]
WORDS = [("Hello", 3), ("Hi", 1)]


def draft_with(acme: Workspace, text: str, name: str = "Sale") -> Broadcast:
    draft = create_draft(workspace=acme, actor=Actor(), name=name)
    return save_draft(broadcast=draft, actor=Actor(), version=1, changes={"text": text})


# --- services -------------------------------------------------------------------------------------------


def test_it_works(acme: Workspace, bob: User) -> None:
    made, merged = create_spinner(workspace=acme, actor=Actor(user=bob), name=" Greeting ", words=WORDS)
    assert WordSpinner.objects.get().words == [["Hello", 3], ["Hi", 1]]
    assert (made.name, made.enabled, merged) == ("Greeting", True, [])
    assert AuditEntry.objects.get(user=bob).action == "created"


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "The name is empty"), ("x" * 101, "101 characters; at most 100"), ("a\nb", "line end")],
)
def test_rejects_a_name(acme: Workspace, name: str, said: str) -> None:
    with pytest.raises(MessagingError, match=said) as caught:
        create_spinner(workspace=acme, actor=Actor(), name=name, words=WORDS)
    assert caught.value.field == "name"
    assert not AuditEntry.objects.exists()


def test_rejects_a_name_that_is_taken(greeting: WordSpinner, other: Workspace) -> None:
    with pytest.raises(MessagingError, match=r"word spinner “GREETING” already") as caught:
        create_spinner(workspace=greeting.workspace, actor=Actor(), name="GREETING", words=WORDS)
    assert caught.value.code == "name_taken"
    create_spinner(workspace=other, actor=Actor(), name="Greeting", words=WORDS)


def test_a_change_is_noted_and_no_change_is_not(greeting: WordSpinner, bob: User) -> None:
    actor = Actor(user=bob)
    change_spinner(spinner=greeting, actor=actor, name="Greeting", words=WORDS)
    assert not AuditEntry.objects.filter(user=bob).exists()
    merged = change_spinner(spinner=greeting, actor=actor, name="Hail", words=[("Ave", 1), ("Ave", 2)])
    assert merged == ["Ave"]
    assert WordSpinner.objects.get().words == [["Ave", 3]]
    entry = AuditEntry.objects.get(user=bob)
    assert (entry.action, entry.details) == ("changed", {"words": 1, "was": "Greeting"})


def test_copies_have_free_names(greeting: WordSpinner) -> None:
    WordSpinner.objects.filter(pk=greeting.pk).update(enabled=False)
    names = [duplicate_spinner(spinner=greeting, actor=Actor()).name for _ in range(3)]
    assert names == ["Copy of Greeting", "Copy of Greeting 2", "Copy of Greeting 3"]
    copies = WordSpinner.objects.exclude(pk=greeting.pk)
    assert [(one.words, one.enabled) for one in copies] == [(greeting.words, True)] * 3


def test_copies_of_long_names_are_short_enough(acme: Workspace) -> None:
    made, _merged = create_spinner(workspace=acme, actor=Actor(), name="x" * 100, words=WORDS)
    names = [duplicate_spinner(spinner=made, actor=Actor()).name for _ in range(2)]
    assert [len(name) for name in names] == [100, 100]
    assert names[1].endswith("x 2")


def test_enabling_is_noted_once(greeting: WordSpinner, bob: User) -> None:
    for _ in range(2):
        set_spinner_enabled(spinner=greeting, actor=Actor(user=bob), enabled=False)
    assert not WordSpinner.objects.get().enabled
    assert [entry.action for entry in AuditEntry.objects.filter(user=bob)] == ["disabled"]


def test_draws_are_real_ones(greeting: WordSpinner) -> None:
    draws = draws_of(greeting, f"{token_of(greeting)} {{{{first_name}}}}")
    assert len(draws) == 5
    assert set(draws) <= {"Hello Alice", "Hi Alice"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no token", "does not name this spinner"),
        ("x" * 1001, "1001 characters; at most 1000"),
        ("{{nope}}", "Line 1, column 1:"),
        ("{{word_spinner:987654321}}", "there is no word spinner"),
    ],
)
def test_draws_refuse_in_words(greeting: WordSpinner, text: str, said: str) -> None:
    with pytest.raises(MessagingError, match=said) as caught:
        draws_of(greeting, text)
    assert caught.value.field == "text"


# --- used by --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "counts"),
    [
        ("{{word_spinner:%d}}", True),
        ("{{ word_spinner : %d }}", True),
        ("{{word_spinner:%d|x}}", True),
        ("{{word_spinner:%d0}}", False),
        ("{{word_spinner:1%d}}", False),
        ("{word_spinner:%d}", False),
        ("{{link:%d}}", False),
    ],
)
def test_who_uses_it_is_found_as_the_engine_reads(
    acme: Workspace, greeting: WordSpinner, written: str, counts: bool
) -> None:
    draft = draft_with(acme, "Sale! " + written % greeting.pk)
    assert [use.user.pk for use in open_uses(greeting)] == ([draft.pk] if counts else [])
    assert open_counts(acme.pk, "word_spinner")[greeting.pk] == int(counts)


def test_texts_that_can_go_out_come_with_their_parts(
    acme: Workspace, greeting: WordSpinner, welcome: Template, other: Workspace
) -> None:
    draft = draft_with(acme, token_of(greeting) + "x" * 157)
    draft_with(acme, f"{token_of(greeting)} {{{{nope}}}}", "Broken")
    draft_with(other, token_of(greeting), "Theirs")
    found = [
        (use.user.kind, use.user.name, use.range and (use.range.fewest, use.range.most), bool(use.problem))
        for use in open_uses(greeting)
    ]
    assert found == [
        ("template", "Welcome", (1, 1), False),
        ("broadcast", "Broken", None, True),
        ("broadcast", draft.name, (1, 2), False),
    ]


def test_what_was_launched_stands_apart(acme: Workspace, greeting: WordSpinner, alice: User) -> None:
    actor = Actor(user=alice)
    draft = make_draft(acme, actor)
    draft = save_draft(
        broadcast=draft, actor=actor, version=draft.version, changes={"text": token_of(greeting)}
    )
    assert sent_uses(greeting) == []
    send(draft, actor)
    assert open_uses(greeting) == []
    assert [(user.pk, user.state, user.is_open) for user in sent_uses(greeting)] == [
        (draft.pk, "running", False)
    ]


# --- pages ----------------------------------------------------------------------------------------------


def test_access(greeting: WordSpinner) -> None:
    one = f"/spinners/{greeting.pk}/"
    assert_access("/spinners/")
    assert_access("/spinners/new/", viewer=403, marketer=200)
    assert_access("/spinners/new/", "post", viewer=403, marketer=422, data={"name": ""})
    assert_access(one)
    assert_access(one, "post", viewer=403, marketer=422, data={"name": ""})
    assert_access(f"{one}draws/", wrong_method="post")
    assert_access(f"{one}duplicate/", "post", viewer=403, marketer=302, wrong_method="get")


def test_access_to_the_switch(greeting: WordSpinner) -> None:
    url = f"/spinners/{greeting.pk}/enabled/0/"
    assert_access(url, "post", viewer=403, marketer=302, wrong_method="get", missing=False)


def test_a_spinner_is_made_from_pasted_words(acme: Workspace, bob_client: Client) -> None:
    data = {"name": "Greeting", "words": "Hello * 3\r\nHi\r\nHi\r\n"}
    response = bob_client.post("/spinners/new/", data, follow=True)
    made = WordSpinner.objects.get()
    assert made.words == [["Hello", 3], ["Hi", 2]]
    page = response.content.decode()
    assert token_of(made) in page
    assert "“Hi” stood several times: its weights were added." in page
    assert "60 %" in page


def test_refusals_stand_at_their_field_and_keep_what_was_written(
    greeting: WordSpinner, bob_client: Client
) -> None:
    data = {"name": "Greeting", "words": "Hi * 0\nHi {{x}}"}
    response = bob_client.post(f"/spinners/{greeting.pk}/", data)
    page = response.content.decode()
    assert response.status_code == 422
    assert "“Hi” has the weight 0" in page
    assert "doubled braces" in page
    assert "Hi * 0\nHi {{x}}" in page
    assert WordSpinner.objects.get().words == [["Hello", 3], ["Hi", 1]]


def test_a_taken_name_leaves_the_page_as_it_is(
    acme: Workspace, greeting: WordSpinner, bob_client: Client
) -> None:
    create_spinner(workspace=acme, actor=Actor(), name="Taken", words=WORDS)
    response = bob_client.post(f"/spinners/{greeting.pk}/", {"name": "taken", "words": "Hello"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "“taken” already" in page
    assert "<title>Greeting" in page.replace("\n", "")


def test_odd_words_are_pointed_out_and_mended(greeting: WordSpinner, bob_client: Client) -> None:
    url = f"/spinners/{greeting.pk}/"
    bob_client.post(url, {"name": "Greeting", "words": "Ça va * 2\nBon\u200bjour\nfaçade\nשלום"})
    page = bob_client.get(url).content.decode()
    assert "latin small letter c with cedilla (U+00E7)" in page
    assert "zero width space (U+200B)" in page
    assert "hebrew letter shin (U+05E9)" in page
    bob_client.post(url, {"name": "Greeting", "words": "Ça va * 2\nBon\u200bjour\nfaçade", "swap": "1"})
    # Ç is of the plain alphabet, ç is not.
    assert WordSpinner.objects.get().words == [["Ça va", 2], ["Bonjour", 1], ["facade", 1]]


def test_draws_answer_as_page_and_as_fragment(greeting: WordSpinner, victor_client: Client) -> None:
    url = f"/spinners/{greeting.pk}/draws/"
    page = victor_client.get(url)
    part = victor_client.get(url, {"text": f"{token_of(greeting)}!"}, headers={"HX-Request": "true"})
    assert "<html" in page.content.decode()
    assert "<html" not in part.content.decode()
    assert part.content.decode().count("<li") == 5
    assert page.headers["Vary"].count("HX-Request") == 1
    wrong = victor_client.get(url, {"text": "nothing"}, headers={"HX-Request": "true"})
    assert wrong.status_code == 422
    assert "does not name this spinner" in wrong.content.decode()


def test_disabling_can_be_undone(greeting: WordSpinner, bob_client: Client) -> None:
    page = bob_client.post(f"/spinners/{greeting.pk}/enabled/0/", follow=True).content.decode()
    assert not WordSpinner.objects.get().enabled
    assert f'action="/spinners/{greeting.pk}/enabled/1/"' in page
    assert "is kept, and texts do not offer it" in page


def test_the_list_searches_sorts_and_filters(
    acme: Workspace, greeting: WordSpinner, bob_client: Client
) -> None:
    create_spinner(workspace=acme, actor=Actor(), name="Ende", words=[("Tschüß", 1)])
    hidden, _merged = create_spinner(workspace=acme, actor=Actor(), name="Old", words=WORDS)
    set_spinner_enabled(spinner=hidden, actor=Actor(), enabled=False)

    def names(query: str) -> list[str]:
        listing = bob_client.get(f"/spinners/{query}").context["listing"]
        return [row.name for row in listing.rows]

    assert names("") == ["Ende", "Greeting"]
    assert names("?sort=-name") == ["Greeting", "Ende"]
    assert names("?state=disabled") == ["Old"]
    assert names("?state=all&q=hello") == ["Greeting", "Old"]
    assert names("?q=Tschüß") == ["Ende"]
    assert names("?q=greet&sort=zebra&state=zebra&page=zebra") == ["Greeting"]
    assert names("?q=nothing") == []


def test_viewers_get_no_forms_that_change(greeting: WordSpinner, victor_client: Client) -> None:
    for url in ("/spinners/", f"/spinners/{greeting.pk}/"):
        main = victor_client.get(url).content.decode().split("<main")[1].split("</main>")[0]
        assert 'method="post"' not in main


def test_the_pages_cost_the_same_however_many(
    acme: Workspace, greeting: WordSpinner, victor_client: Client
) -> None:
    urls = ("/spinners/", f"/spinners/{greeting.pk}/")
    for url in urls:
        victor_client.get(url)
    counts = []
    for number in range(30):
        create_spinner(workspace=acme, actor=Actor(), name=f"S{number}", words=WORDS)
        draft_with(acme, f"{token_of(greeting)} {number}", f"Draft {number}")
        if number in (0, 29):
            for url in urls:
                with CaptureQueriesContext(connection) as queries:
                    victor_client.get(url)
                counts.append(len(queries))
    assert counts[0] == counts[2] < 12
    assert counts[1] == counts[3] < 15


# --- API ------------------------------------------------------------------------------------------------


def test_api_access(greeting: WordSpinner) -> None:
    one = f"/api/v1/word-spinners/{greeting.pk}/"
    assert_access("/api/v1/word-spinners/", wrong_method="put")
    assert_access("/api/v1/word-spinners/", "post", viewer=403, marketer=400, wrong_method=None, data={})
    assert_access(one)
    assert_access(one, "patch", viewer=403, marketer=200, wrong_method="put", data={"enabled": True})
    assert_access(f"{one}duplicate/", "post", viewer=403, marketer=201, wrong_method="get")
    assert_access(f"{one}draws/", wrong_method="post")


def test_api_makes_changes_and_draws(api: Api, acme: Workspace, welcome: Template) -> None:
    client = api("marketer")
    given = {"name": "Bye", "words": [{"word": "Bye", "weight": 2}, {"word": "Cheers"}], "enabled": False}
    response = client.post("/api/v1/word-spinners/", given)
    assert response.status_code == 201, response.content
    body = response.json()
    url = f"/api/v1/word-spinners/{body['id']}/"
    assert body["token"] == f"{{{{word_spinner:{body['id']}}}}}"
    assert body["words"] == [{"word": "Bye", "weight": 2}, {"word": "Cheers", "weight": 1}]
    assert (body["enabled"], body["used_by"]) == (False, [])
    changed = client.patch(url, {"words": [{"word": "Ciao"}], "enabled": True}).json()
    assert (changed["name"], changed["words"], changed["enabled"]) == (
        "Bye",
        [{"word": "Ciao", "weight": 1}],
        True,
    )
    assert client.get(f"{url}draws/").json() == {"draws": ["Ciao"] * 5}
    assert client.get(f"{url}draws/?text=none").status_code == 400
    actions = AuditEntry.objects.filter(api_key__isnull=False).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["created", "disabled", "changed", "enabled"]


def test_api_says_who_uses_it(api: Api, greeting: WordSpinner, welcome: Template) -> None:
    body = api("viewer").get(f"/api/v1/word-spinners/{greeting.pk}/").json()
    assert body["used_by"] == [
        {
            "kind": "template",
            "id": welcome.pk,
            "name": "Welcome",
            "state": "enabled",
            "parts": {"fewest": 1, "most": 1},
            "problem": "",
        }
    ]


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"name": "x", "words": []}, 400, "needs one word at least"),
        ({"name": "x", "words": [{"word": "Hi", "weight": 1001}]}, 400, "1000"),
        ({"name": "x", "words": [{"word": "{{first_name}}"}]}, 400, "doubled braces"),
        ({"name": "x", "words": [{"word": "a"}] * 201}, 400, "at most 200 fit"),
        ({"name": "GREETING", "words": [{"word": "Hi"}]}, 409, "already"),
        ({"name": "x", "words": [{"word": "Hi", "wieght": 2}]}, 400, "wieght"),
        ({"name": "x"}, 400, "words"),
    ],
)
def test_api_refuses_in_words(
    api: Api, greeting: WordSpinner, given: dict[str, object], status: int, said: str
) -> None:
    response = api("marketer").post("/api/v1/word-spinners/", given)
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    assert said in response.content.decode()
    assert WordSpinner.objects.count() == 1


def test_api_walls(api: Api, greeting: WordSpinner, other: Workspace) -> None:
    assert api("marketer", other).get("/api/v1/word-spinners/").json()["results"] == []

"""Every text that comes in is bounded by what its row can hold; PostgreSQL refuses more, SQLite keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django import forms
from django.db import models
from django.test import Client

from accounts.errors import AccountsError
from accounts.forms import InviteForm, JoinForm, KeyForm, SetupForm, WorkspaceForm
from accounts.models import ApiKey, Invitation, Role, User, Workspace
from accounts.services import set_up
from campaigns.forms import CampaignForm, DraftForm
from campaigns.models import Broadcast, Campaign
from contacts.forms import ColumnsForm, NameForm, OptOutForm, PersonForm
from contacts.models import Import, OptOut, Recipient, RecipientList, UnsubscribeList
from providers.forms import AccountForm
from providers.models import ProviderAccount
from tests.people import PASSWORD, ApiClient, api_client

MODULES = (
    "accounts.forms",
    "accounts.sign_in_forms",
    "campaigns.forms",
    "contacts.forms",
    "messaging.sender_views",
    "providers.forms",
)
# Bounded by what reads them: passwords are hashed, the other texts have sentences of their own.
UNBOUNDED = {
    ("SetupForm", "password"),
    ("JoinForm", "password"),
    ("SignInForm", "password"),
    ("SignInForm", "login"),
    *(("ToldChangePasswordForm", name) for name in ("oldpassword", "password1", "password2")),
    *(("ToldSetPasswordForm", name) for name in ("password1", "password2")),
    *(("ToldResetPasswordKeyForm", name) for name in ("password1", "password2")),
    ("ToldReauthenticateForm", "password"),
    ("DraftForm", "text"),
    ("SegmentForm", "text"),
    ("LaunchForm", "typed_count"),
    ("JobForm", "agreed"),
}
KEPT_IN: list[tuple[type[forms.BaseForm], str, type[models.Model], str]] = [
    (SetupForm, "email", User, "email"),
    (InviteForm, "email", Invitation, "email"),
    (WorkspaceForm, "name", Workspace, "name"),
    (JoinForm, "name", User, "name"),
    (KeyForm, "name", ApiKey, "name"),
    (AccountForm, "name", ProviderAccount, "name"),
    (AccountForm, "currency", ProviderAccount, "currency"),
    (NameForm, "name", RecipientList, "name"),
    (NameForm, "name", UnsubscribeList, "name"),
    (ColumnsForm, "new_list_name", Import, "new_list_name"),
    (OptOutForm, "source", OptOut, "source"),
    (CampaignForm, "name", Campaign, "name"),
    (DraftForm, "name", Broadcast, "name"),
]


def form_classes() -> Iterator[type[forms.BaseForm]]:
    for name in MODULES:
        module = import_module(name)
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, forms.BaseForm) and found.__module__ == name:
                yield found


@pytest.mark.parametrize("form", list(form_classes()))
def test_every_text_of_a_form_has_a_limit(form: Any) -> None:
    texts = {name for name, field in form.base_fields.items() if isinstance(field, forms.CharField)}
    unbounded = {name for name in texts if form.base_fields[name].max_length is None}
    assert {(form.__name__, name) for name in unbounded} <= UNBOUNDED


@pytest.mark.parametrize(("form", "name", "model", "column"), KEPT_IN)
def test_a_form_takes_no_more_than_its_row(form: Any, name: str, model: Any, column: str) -> None:
    assert form.base_fields[name].max_length <= model._meta.get_field(column).max_length


def test_what_is_known_of_a_person_has_limits(acme: Workspace) -> None:
    form = PersonForm(RecipientList.objects.create(workspace=acme, name="Members", columns=["city"]))
    for name, field in form.fields.items():
        assert isinstance(field, forms.CharField)
        most = field.max_length
        column: Any = Recipient._meta.get_field(name) if name in Recipient.TOKEN_FIELDS else None
        assert most is not None and (column is None or most <= column.max_length), name


# --- e-mail addresses -------------------------------------------------------------------------------

LONG_EMAIL = "a" * 60 + "@" + ".".join(["b" * 60] * 4) + ".example"


def test_an_owner_with_an_address_too_long_to_keep(db: None, client: Client) -> None:
    assert 254 < len(LONG_EMAIL) < 320
    answers = {
        "name": "Acme",
        "time_zone": "UTC",
        "default_country": "US",
        "email": LONG_EMAIL,
        "password": PASSWORD,
    }
    response = client.post("/setup/", answers)
    assert response.status_code == 422
    assert not User.objects.exists()


def test_an_invitation_to_an_address_too_long_to_keep(alice_client: Client) -> None:
    response = alice_client.post("/settings/team/", {"email": LONG_EMAIL, "role": "marketer"})
    assert response.status_code == 422
    assert not Invitation.objects.exists()


def test_the_service_says_it_too(db: None) -> None:
    with pytest.raises(AccountsError) as caught:
        set_up(workspace_name="Acme", email=LONG_EMAIL, password=PASSWORD)
    assert (caught.value.field, str(caught.value.sentence)) == (
        "email",
        f"The e-mail address has {len(LONG_EMAIL)} characters; at most 254 fit. Give a shorter one.",
    )


def test_an_address_that_just_fits(db: None, client: Client) -> None:
    email = "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".exampl"
    assert len(email) == 254
    set_up(workspace_name="Acme", email=email, password=PASSWORD)
    assert client.post("/login/", {"login": email, "password": PASSWORD}).status_code == 302


# --- the API ----------------------------------------------------------------------------------------

BODIES: list[tuple[str, dict[str, Any]]] = [
    ("campaigns", {"name": "Spring"}),
    ("recipient-lists", {"name": "Members"}),
    ("unsubscribe-lists", {"name": "No news"}),
    ("senders", {"value": "Northwind"}),
    ("opt-outs", {"msisdn": "+12015550123", "source": "letter"}),
    ("recipient-lists/{list}/recipients", {"recipients": [{"msisdn": "+12015550123", "first_name": "Ann"}]}),
    (
        "recipient-lists/{list}/recipients",
        {"recipients": [{"msisdn": "+12015550124", "extra": {"city": "Leeds"}}]},
    ),
    ("recipient-lists/{list}/recipients", {"recipients": [], "default_country": "US"}),
    ("unsubscribe-lists/{opt_outs}/members", {"msisdns": ["+12015550123"]}),
    ("broadcasts", {"name": "Sale", "text": "Hello", "kind": "single", "msisdn": "+12015550123"}),
    (
        "provider-accounts",
        {
            "vendor": "bulkvs",
            "name": "Ours",
            "base_url": "https://vendor.example/api",
            "credentials": {"username": "canary", "password": "canary"},
            "currency": "USD",
            "rates": [{"prefix": "1", "price": "0.01"}],
        },
    ),
]


def longer(value: Any, length: int) -> Iterator[Any]:
    """The body again for each of its texts, with that one too long."""
    if isinstance(value, str):
        yield value + "x" * length
        yield value + "1" * length
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for one in longer(inner, length):
                yield [*value[:index], one, *value[index + 1 :]]
    elif isinstance(value, dict):
        for name, inner in value.items():
            for one in longer(inner, length):
                yield value | {name: one}
            yield {key: kept for key, kept in value.items() if key != name} | {name + "x" * length: inner}


@pytest.mark.parametrize("length", [6_000, 150_000])
@pytest.mark.parametrize(("path", "body"), BODIES)
def test_a_text_too_long_is_refused_by_the_api(acme: Workspace, path: str, body: Any, length: int) -> None:
    client: ApiClient = api_client(Role.OWNER)
    rows = {
        "list": RecipientList.objects.create(workspace=acme, name="People").pk,
        "opt_outs": UnsubscribeList.objects.create(workspace=acme, name="Not these").pk,
    }
    for sent in longer(body, length):
        response = client.post(f"/api/v1/{path.format_map(rows)}/", sent)
        # A recipient that is refused is told in the answer, and a broadcast's text may be long.
        assert response.status_code < 500, response.content[:500]
        if response.status_code < 400 and "recipients" not in path and "members" not in path:
            assert path == "broadcasts" and len(sent["text"]) > length

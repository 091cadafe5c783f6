"""The frame of pages: menu, context, error pages, news."""

from __future__ import annotations

import json

import pytest
from django.contrib.messages import get_messages
from django.http import Http404, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from accounts.models import User
from tests.web import frame_urls
from web.context import page
from web.navigation import NAVIGATION, navigation
from web.templatetags.crier import undo_url
from web.toasts import htmx_toast, toast


def broken(request):
    raise RuntimeError("canary of a stack trace")


def missing(request):
    raise Http404


urlpatterns = [
    path("broken/", broken),
    path("api/v1/broken/", broken),
    path("api/v1/none/", missing),
    *frame_urls.urlpatterns,
]
handler400, handler403, handler404, handler500 = (
    frame_urls.handler400,
    frame_urls.handler403,
    frame_urls.handler404,
    frame_urls.handler500,
)

pytestmark = pytest.mark.urls(__name__)


def links(path: str) -> dict[str, bool]:
    return {str(link.label): link.current for group in navigation(path) for link in group.links}


def test_it_works() -> None:
    assert list(links("/")) == [str(item.label) for item in NAVIGATION if not item.count]
    assert [str(group.label) for group in navigation("/")] == ["Start", "Audience", "Content", "Delivery"]


@pytest.mark.parametrize(
    ("path", "label"), [("/", "Dashboard"), ("/lists/7/", "Lists"), ("/settings/team/", "Settings")]
)
def test_the_menu_marks_where_one_is(path: str, label: str) -> None:
    assert [word for word, current in links(path).items() if current] == [label]


def test_each_key_leads_to_one_page() -> None:
    keys = [item.key for item in NAVIGATION]
    assert len(set(keys)) == len(keys)


@pytest.mark.urls("web.urls")
def test_pages_that_do_not_exist_are_left_out() -> None:
    assert navigation("/") == []


def test_the_context_holds_without_workspace_or_middleware() -> None:
    context = page(RequestFactory().get("/lists/"))
    assert (context["workspace"], context["memberships"], context["credit"]) == (None, [], None)
    assert context["login_url"] == "/login/"
    assert str(context["palette_url"]) == "/palette/"


@pytest.mark.django_db
def test_a_page_names_workspace_and_person(alice_client: Client) -> None:
    html = alice_client.get("/").content.decode()
    assert "acme" in html and "alice@example.com" in html
    assert html.count("<h1") == 1
    assert 'aria-current="page" data-go="d"' in html


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "status"), [("/nowhere/", 404), ("/broken/", 500)])
def test_error_pages_say_what_to_do(alice: User, client: Client, address: str, status: int) -> None:
    client.raise_request_exception = False
    response = client.get(address)
    html = response.content.decode()
    assert response.status_code == status
    assert 'href="/"' in html and html.count("<h1") == 1 and "canary" not in html


@pytest.mark.django_db
def test_the_500_page_gives_the_id_of_its_log_lines(alice: User, client: Client) -> None:
    client.raise_request_exception = False
    response = client.get("/broken/")
    assert response.headers["X-Request-Id"] in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "status"), [("/api/v1/none/", 404), ("/api/v1/broken/", 500)])
def test_the_api_gets_problems_instead_of_pages(
    alice: User, client: Client, address: str, status: int
) -> None:
    client.raise_request_exception = False
    response = client.get(address)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status


@pytest.mark.django_db
def test_an_expired_form_is_explained(alice: User) -> None:
    response = Client(enforce_csrf_checks=True).post("/logout/")
    assert response.status_code == 403
    assert "The form has expired" in response.content.decode()


@pytest.mark.django_db
def test_the_styleguide_is_for_developers(alice: User, client: Client, settings) -> None:
    assert client.get("/styleguide/").status_code == 404
    settings.DEBUG = True
    assert client.get("/styleguide/").status_code == 200
    assert client.post("/styleguide/").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["/login/", "/password/reset/", "/password/reset/done/", "/password/reset/key/a-b/"]
)
def test_sign_in_pages_wear_our_look(alice: User, client: Client, address: str) -> None:
    html = client.get(address).content.decode()
    assert 'class="plain"' in html and html.count("<h1") == 1 and "style=" not in html


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/two-step/", "/password/change/", "/email/", "/logout/"])
def test_account_pages_wear_our_look(alice_client: Client, address: str) -> None:
    html = alice_client.get(address).content.decode()
    assert "app.css" in html and html.count("<h1") == 1 and "style=" not in html


@pytest.mark.django_db
def test_news_survives_to_the_next_page_with_its_undo(alice: User, client: Client) -> None:
    request = client.get("/login/").wsgi_request
    toast(request, "Removed 3 people", undo_url="/undo/")
    toast(request, "Nothing to undo", level="error")
    first, second = get_messages(request)
    assert (first.message, first.level_tag, undo_url(first)) == ("Removed 3 people", "success", "/undo/")
    assert (second.level_tag, undo_url(second)) == ("error", "")


def test_news_for_htmx_is_an_event() -> None:
    response = htmx_toast(HttpResponse(), "Saved", level="info")
    assert json.loads(response.headers["HX-Trigger"]) == {
        "toast": {"text": "Saved", "level": "info", "undo_url": ""}
    }


def test_news_of_an_unknown_level_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="loud"):
        htmx_toast(HttpResponse(), "Saved", level="loud")

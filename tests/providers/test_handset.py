"""The handset page with the real sandbox; and with none, a dead one, and something else in its place."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from django.template.loader import render_to_string
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from providers import handset_taps
from providers.models import ProviderAccount
from providers.sandbox_client import HandsetText, SandboxClient, SandboxTrouble
from providers.services import create_sandbox_accounts, receipt_url, register_sandbox_webhooks
from tests.access import assert_access
from tests.people import workspace_named
from tests.providers.makers import NOBODY, make_account, tiny_vendor
from tests.sandbox_process import SandboxProcess

ANN, BEN = "12015550123", "12015550124"
SENDER = "12025550100"
HTMX = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(process: SandboxProcess, settings: Settings, acme: Workspace) -> SandboxProcess:
    """Empty; acme has its accounts there."""
    settings.SANDBOX_URL = process.url
    process.control("POST", "reset", {"accounts": True})
    create_sandbox_accounts(acme)
    return process


def text_ann(
    sandbox: SandboxProcess,
    vendor: str = "bulkvs",
    text: str = "Hello <Ann>",
    to: str = ANN,
    workspace: str = "acme",
) -> None:
    account = workspace_named(workspace).provider_accounts.get(vendor=vendor)
    if vendor == "bulkvs":
        body = {"From": SENDER, "To": [to], "Message": text}
        response = sandbox.request("POST", "/bulkvs/api/v1.0/messageSend", body, auth=basic(account))
    else:
        body = {"api_key": account.credentials["api_key"], "from": "Northwind", "to": to, "text": text}
        response = sandbox.request("POST", "/messagewhiz/sms", body)
    assert response.is_success, response.text


def basic(account: ProviderAccount) -> httpx.BasicAuth:
    return httpx.BasicAuth(account.credentials["username"], account.credentials["password"])


def hook(sandbox: SandboxProcess, url: str, workspace: str = "acme") -> None:
    body = {"Webhook": "Crier", "Description": "", "Url": url, "Dlr": False, "Method": "POST"}
    account = workspace_named(workspace).provider_accounts.get(vendor="bulkvs")
    assert sandbox.request("PUT", "/bulkvs/api/v1.0/webHooks", body, auth=basic(account)).is_success


def shown(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status, response.content
    return response.content.decode()


# --- the page ---------------------------------------------------------------------------------------


def test_it_works(sandbox: SandboxProcess, victor_client: Client) -> None:
    text_ann(sandbox)
    text_ann(sandbox, "messagewhiz", "Hello Ben", BEN)
    page = shown(victor_client, f"/handset/{ANN}/")
    assert "Hello &lt;Ann&gt;" in page
    assert "+1 201-555-0124" in page
    assert 'aria-current="true"' in page
    assert "other workspaces see their own" in page


def test_the_latest_thread_opens_by_itself(sandbox: SandboxProcess, victor_client: Client) -> None:
    text_ann(sandbox)
    text_ann(sandbox, "messagewhiz", "Hello Ben", BEN)
    assert f"/handset/{BEN}/thread/" in shown(victor_client, "/handset/")


def test_an_empty_sandbox_teaches(sandbox: SandboxProcess, victor_client: Client) -> None:
    assert "No text has arrived yet" in shown(victor_client, "/handset/")


def test_search_narrows_and_says_when_nothing_fits(sandbox: SandboxProcess, victor_client: Client) -> None:
    text_ann(sandbox)
    text_ann(sandbox, "messagewhiz", "Hello Ben", BEN)
    numbers = shown(victor_client, "/handset/numbers/?q=ben")
    assert BEN in numbers
    assert ANN not in numbers
    assert "holds “zebra”" in shown(victor_client, "/handset/numbers/?q=zebra")


def test_a_number_that_got_nothing_is_404_in_words(sandbox: SandboxProcess, victor_client: Client) -> None:
    assert "No text has arrived at 12015550199" in shown(victor_client, "/handset/12015550199/", 404)


def test_access(sandbox: SandboxProcess, db: None) -> None:
    text_ann(sandbox)
    assert_access("/handset/", missing=False)
    assert_access(f"/handset/{ANN}/thread/", stranger=200, missing=False)
    assert_access(
        f"/handset/{ANN}/reply/",
        "post",
        viewer=403,
        marketer=422,
        stranger=422,
        wrong_method="get",
        missing=False,
    )
    assert_access("/handset/dial/", "post", viewer=403, marketer=422, wrong_method="get")


def test_viewers_may_not_write(sandbox: SandboxProcess, victor_client: Client) -> None:
    text_ann(sandbox)
    page = shown(victor_client, f"/handset/{ANN}/")
    assert "/reply/" not in page
    assert "/handset/dial/" not in page


# --- a wall between workspaces --------------------------------------------------------------------------


def test_a_workspace_sees_its_own_texts_alone(
    sandbox: SandboxProcess, other: Workspace, victor_client: Client, charlie_client: Client
) -> None:
    """Both wrote to Ann, through either vendor; acme alone to Ben, and last."""
    create_sandbox_accounts(other)
    text_ann(sandbox, text="From acme")
    text_ann(sandbox, text="From other", workspace="other")
    text_ann(sandbox, "messagewhiz", "From other too", workspace="other")
    text_ann(sandbox, "messagewhiz", "Acme to Ben", BEN)

    ours, theirs = shown(victor_client, f"/handset/{ANN}/"), shown(charlie_client, f"/handset/{ANN}/")
    assert "From acme" in ours and "From other" not in ours
    assert "From other too" in theirs and "From other<" in theirs and "From acme" not in theirs
    assert BEN in ours and BEN not in theirs and "Acme to Ben" not in theirs

    assert "No text has arrived at 12015550124" in shown(charlie_client, f"/handset/{BEN}/", 404)
    assert "Acme to Ben" not in shown(charlie_client, f"/handset/{BEN}/thread/")
    assert ANN not in shown(charlie_client, "/handset/numbers/?q=From+acme")
    assert ANN in shown(charlie_client, "/handset/numbers/?q=From+other")


def test_what_one_reads_stays_new_to_the_other(
    sandbox: SandboxProcess, other: Workspace, victor_client: Client, charlie_client: Client
) -> None:
    create_sandbox_accounts(other)
    text_ann(sandbox)
    text_ann(sandbox, workspace="other")
    shown(victor_client, f"/handset/{ANN}/thread/")
    assert "new</span>" not in shown(victor_client, "/handset/numbers/")
    assert "1 new" in shown(charlie_client, "/handset/numbers/")


def test_a_reply_reaches_the_webhook_of_its_workspace_alone(
    sandbox: SandboxProcess, other: Workspace, bob_client: Client, charlie_client: Client
) -> None:
    """The other one wrote last, from the same number."""
    create_sandbox_accounts(other)
    with tiny_vendor(body=b"OK") as ours, tiny_vendor(body=b"OK") as theirs:
        hook(sandbox, ours.url)
        hook(sandbox, theirs.url, "other")
        text_ann(sandbox)
        text_ann(sandbox, workspace="other")
        assert bob_client.post(f"/handset/{ANN}/reply/", {"text": "STOP"}, headers=HTMX).status_code == 200
        asked = len(ours.asked), len(theirs.asked)
    assert asked == (1, 0)
    assert "STOP</p>" in shown(bob_client, f"/handset/{ANN}/thread/")
    assert "STOP</p>" not in shown(charlie_client, f"/handset/{ANN}/thread/")


def test_nobody_writes_back_from_a_foreign_phone(
    sandbox: SandboxProcess, other: Workspace, charlie_client: Client
) -> None:
    create_sandbox_accounts(other)
    with tiny_vendor(body=b"OK") as ours:
        hook(sandbox, ours.url)
        text_ann(sandbox)
        response = charlie_client.post(f"/handset/{ANN}/reply/", {"text": "STOP"}, headers=HTMX)
        asked = len(ours.asked)
    assert (response.status_code, asked) == (422, 0)


def test_a_workspace_without_accounts_sees_nothing(sandbox: SandboxProcess, charlie_client: Client) -> None:
    text_ann(sandbox)
    assert "No text has arrived yet" in shown(charlie_client, "/handset/")
    assert "Hello" not in shown(charlie_client, f"/handset/{ANN}/", 404)
    assert charlie_client.post(f"/handset/{ANN}/reply/", {"text": "STOP"}).status_code == 422


def test_who_takes_the_name_of_anothers_account_sees_nothing(
    sandbox: SandboxProcess, acme: Workspace, other: Workspace, victor_client: Client, charlie_client: Client
) -> None:
    text_ann(sandbox)
    taken = acme.provider_accounts.get(vendor="bulkvs").credentials
    make_account(
        other, "bulkvs", name="Guessed", base_url=f"{sandbox.url}/bulkvs/api/v1.0", credentials=taken
    )
    assert "Hello" not in shown(charlie_client, "/handset/")
    assert "the same user name or key at the sandbox as Guessed" in shown(charlie_client, "/handset/")
    assert "the same user name or key at the sandbox as BulkVS sandbox" in shown(victor_client, "/handset/")


# --- live parts ---------------------------------------------------------------------------------------


def test_the_live_thread_is_the_one_of_the_page(sandbox: SandboxProcess, victor_client: Client) -> None:
    text_ann(sandbox)
    text_ann(sandbox, text="And again")
    thread = shown(victor_client, f"/handset/{ANN}/thread/")
    assert thread.index("Hello &lt;Ann&gt;") < thread.index("And again")
    for focusable in ("<a ", "<button", "<input", "<textarea"):
        assert focusable not in thread


# --- writing back -------------------------------------------------------------------------------------


def test_a_reply_reaches_the_webhook(sandbox: SandboxProcess, bob_client: Client) -> None:
    with tiny_vendor(body=b"OK") as webhook:
        hook(sandbox, f"{webhook.url}/hook")
        text_ann(sandbox)
        response = bob_client.post(f"/handset/{ANN}/reply/", {"text": "STOP"}, headers=HTMX)
        bodies = [body for method, _path, _headers, body in webhook.asked if method == "POST"]
    assert response.status_code == 200
    part = response.content.decode()
    assert part.lstrip().startswith('<div id="handset-phone"')
    assert "STOP</p>" in part
    assert len(bodies) == 1
    assert b'"Message": "STOP"' in bodies[0] or b'"Message":"STOP"' in bodies[0]


def test_without_script_a_reply_leads_back_to_the_thread(sandbox: SandboxProcess, bob_client: Client) -> None:
    with tiny_vendor(body=b"OK") as webhook:
        hook(sandbox, webhook.url)
        text_ann(sandbox)
        response = bob_client.post(f"/handset/{ANN}/reply/", {"text": "Thanks"})
    assert (response.status_code, response.headers["Location"]) == (302, f"/handset/{ANN}/")


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_a_reply_with_nowhere_to_go_is_said_at_the_field(
    sandbox: SandboxProcess, bob_client: Client, headers: dict[str, str]
) -> None:
    text_ann(sandbox, "messagewhiz")
    response = bob_client.post(f"/handset/{ANN}/reply/", {"text": "Thanks"}, headers=headers)
    assert response.status_code == 422
    assert "documents no inbound text" in response.content.decode()
    assert ">Thanks</textarea>" in response.content.decode().replace("\n", "")


# --- the dial -------------------------------------------------------------------------------------------


def test_the_dial_turns_both_vendors(sandbox: SandboxProcess, bob_client: Client) -> None:
    turned = {"outcome": "undelivered", "delay": "10000-20000", "line": "works"}
    assert bob_client.post("/handset/dial/", turned).status_code == 302
    dials = sandbox.control("GET", "dial")
    for vendor in ("bulkvs", "messagewhiz"):
        assert dials[vendor]["force_outcome"] == "undelivered"
        assert dials[vendor]["receipt_delay_ms"] == [10000, 20000]
    assert '<option value="undelivered" selected>' in shown(bob_client, "/handset/")


def test_a_cut_line_can_be_mended(sandbox: SandboxProcess, bob_client: Client) -> None:
    for line, down, hang in (("down", True, False), ("hang", False, True), ("works", False, False)):
        bob_client.post("/handset/dial/", {"outcome": "by_number", "delay": "0-0", "line": line})
        dial = sandbox.control("GET", "dial")["bulkvs"]
        assert (dial["down"], dial["hang"]) == (down, hang)


# --- trouble ----------------------------------------------------------------------------------------------


def test_without_a_sandbox_the_page_says_why(victor_client: Client, settings: Settings) -> None:
    settings.SANDBOX_URL = ""
    assert "CRIER_SANDBOX_URL" in shown(victor_client, "/handset/")


@pytest.mark.parametrize(
    "url", ["/handset/", "/handset/numbers/", f"/handset/{ANN}/", f"/handset/{ANN}/thread/"]
)
def test_a_sandbox_that_is_down_is_a_sentence(bob_client: Client, settings: Settings, url: str) -> None:
    settings.SANDBOX_URL = NOBODY
    assert "The sandbox does not answer." in shown(bob_client, url)


def test_writing_to_a_sandbox_that_is_down_is_a_sentence(bob_client: Client, settings: Settings) -> None:
    settings.SANDBOX_URL = NOBODY
    response = bob_client.post(f"/handset/{ANN}/reply/", {"text": "STOP"}, headers=HTMX)
    assert response.status_code == 422
    assert "The sandbox does not answer." in response.content.decode()
    response = bob_client.post(
        "/handset/dial/", {"outcome": "by_number", "delay": "0-0", "line": "works"}, follow=True
    )
    assert "The sandbox does not answer." in response.content.decode()


@pytest.mark.parametrize("body", [b"<html></html>", b"[]", b""])
def test_something_else_at_its_address_is_a_sentence(
    bob_client: Client, settings: Settings, body: bytes
) -> None:
    with tiny_vendor(body=body) as vendor:
        settings.SANDBOX_URL = vendor.url
        assert "is not the sandbox" in shown(bob_client, "/handset/")


# --- what the demo counts by, and the accounts --------------------------------------------------------------


def test_accepted_counts_texts_by_number(sandbox: SandboxProcess) -> None:
    text_ann(sandbox)
    text_ann(sandbox)
    text_ann(sandbox, "messagewhiz", "Hello Ben", BEN)
    client = SandboxClient(sandbox.url)
    assert client.accepted() == {ANN: 2, BEN: 1}
    assert client.accepted(text_contains="Ben") == {BEN: 1}
    with pytest.raises(SandboxTrouble, match="colour"):
        client.accepted(colour="red")


def test_the_sandbox_accounts_get_their_webhooks(
    sandbox: SandboxProcess, acme: Workspace, other: Workspace
) -> None:
    mine, theirs = acme.provider_accounts.get(vendor="bulkvs"), create_sandbox_accounts(other)[0]
    assert register_sandbox_webhooks() == 4
    assert register_sandbox_webhooks(workspace=acme) == 2
    for account in (mine, theirs):
        user = account.credentials["username"]
        hooks = sandbox.request(
            "GET", "/bulkvs/api/v1.0/webHooks", auth=httpx.BasicAuth(user, "sandbox")
        ).json()
        assert [(hook["Url"], hook["Dlr"]) for hook in hooks] == [(receipt_url(account), True)]


def test_a_sandbox_that_is_down_sets_no_webhook_and_fails_nobody(acme: Workspace, settings: Settings) -> None:
    settings.SANDBOX_URL = NOBODY
    assert len(create_sandbox_accounts(acme)) == 5
    assert register_sandbox_webhooks() == 0


class Web:
    """What the web process would be asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | None) -> None:
        self.asked: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            if answer is None:
                raise httpx.ConnectError("nobody")
            return answer

        transport = httpx.MockTransport(handle)
        monkeypatch.setattr(handset_taps, "sync_client", lambda: httpx.Client(transport=transport))


LINK = "https://sho.example.com/AbCd1234"


@pytest.fixture
def linked(sandbox: SandboxProcess, acme: Workspace, settings: Settings) -> None:
    settings.LINK_URL, settings.WEBHOOK_URL = "https://links.example.com", "http://127.0.0.1:9"
    Workspace.objects.filter(pk=acme.pk).update(short_domain="https://sho.example.com")
    text_ann(
        sandbox, text=f"Sale {LINK}. Elsewhere https://example.com/x and https://links.example.com/o/Zz9"
    )


@pytest.mark.parametrize(("tapper", "agent"), [("person", "iPhone"), ("machine", "WhatsApp")])
def test_a_link_is_tapped(
    linked: None, bob_client: Client, monkeypatch: pytest.MonkeyPatch, tapper: str, agent: str
) -> None:
    web = Web(monkeypatch, httpx.Response(302, headers={"location": "https://example.com/sale"}))
    page = bob_client.get(f"/handset/{ANN}/").text
    assert page.count('name="url"') == 2, "of other sites none"
    answer = bob_client.post(f"/handset/{ANN}/tap/", {"url": LINK, "as": tapper}, follow=True)
    assert "it led to https://example.com/sale" in answer.text
    (asked,) = web.asked
    assert str(asked.url) == "http://127.0.0.1:9/AbCd1234"
    assert agent in asked.headers["user-agent"]


@pytest.mark.parametrize(
    "posted",
    [
        {"url": "https://example.com/x", "as": "person"},
        {"url": "https://sho.example.com/other123", "as": "person"},
        {"url": "https://sho.example.com.evil.example.com/AbCd1234", "as": "person"},
        {"url": LINK, "as": "nobody"},
        {},
    ],
)
def test_nothing_else_is_asked(
    linked: None, bob_client: Client, monkeypatch: pytest.MonkeyPatch, posted: dict[str, str]
) -> None:
    web = Web(monkeypatch, httpx.Response(302))
    answer = bob_client.post(f"/handset/{ANN}/tap/", posted, follow=True)
    assert "in none of the newest texts" in answer.text
    assert not web.asked


def test_a_web_process_that_does_not_answer(
    linked: None, bob_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    Web(monkeypatch, None)
    answer = bob_client.post(f"/handset/{ANN}/tap/", {"url": LINK, "as": "person"}, headers=HTMX)
    assert answer.status_code == 200
    assert "The link does not answer" in answer.headers["HX-Trigger"]


def test_only_marketers_tap(linked: None, victor_client: Client) -> None:
    assert victor_client.post(f"/handset/{ANN}/tap/", {"url": LINK, "as": "person"}).status_code == 403
    assert 'name="url"' not in victor_client.get(f"/handset/{ANN}/").text


def test_pictures_of_this_installation_are_shown_and_others_only_named(settings: Settings) -> None:
    own, foreign = f"{settings.PUBLIC_URL}/m/token.jpg", "https://example.com/m/token.jpg"
    text = HandsetText(
        True, "BulkVS", "1", "", 1, None, "delivered", (own, foreign, f"{settings.PUBLIC_URL}/logout/")
    )
    assert text.pictures == [(own, "/m/token.jpg"), (foreign, ""), (f"{settings.PUBLIC_URL}/logout/", "")]
    shown_thread = render_to_string("providers/_handset_thread.html", {"texts": [text], "msisdn": 1})
    assert 'src="/m/token.jpg"' in shown_thread
    assert 'src="https' not in shown_thread

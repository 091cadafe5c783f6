"""The main job as a person does it: sign in, import, write, review, send, watch it arrive, and STOP.

All parts are real but the broker: its tasks are run by a thread of this test. The vendor is the sandbox, over HTTP;
its receipts and the STOP come back through the webhook.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from accounts.models import User, Workspace
from config.celery import app as celery_app
from messaging.models import Message
from providers.services import create_sandbox_accounts, register_sandbox_webhooks
from sms.msisdn import format_msisdn
from tests.browser.support import assert_shown_page_is_clean
from tests.conftest import SentTask
from tests.engine.makers import make_sender
from tests.people import PASSWORD
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
PEOPLE = 40
SCHEDULED_TASKS = ("providers.tasks.apply_webhook_calls", "campaigns.tasks.sweep")
ROUND_SECONDS = 0.1
# What the sandbox does with numbers that end so (providers/sandbox/outcomes.py).
UNDELIVERED, EXPIRED, REFUSED = "12015550190", "12015550191", "12015550193"


class Worker(threading.Thread):
    """Stands for Celery's worker and scheduler: runs what was sent to the broker, and the scheduler's rounds."""

    def __init__(self, sent: list[SentTask]) -> None:
        super().__init__(name="worker")
        self.sent = sent
        self.ended = threading.Event()
        self.errors: list[BaseException] = []

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                while self.sent:
                    task = self.sent.pop(0)
                    self._do(task.name, *task.args, **task.kwargs)
                for name in SCHEDULED_TASKS:
                    self._do(name)
                self.ended.wait(ROUND_SECONDS)
        finally:
            connections.close_all()

    def _do(self, name: str, *args: Any, **kwargs: Any) -> None:
        try:
            celery_app.tasks[name].run(*args, **kwargs)
        except Exception as error:
            self.errors.append(error)

    def end(self) -> None:
        self.ended.set()
        self.join(30)
        assert not self.is_alive(), "the worker thread did not end"
        assert self.errors == []


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def site(live_server: Any, settings: Settings, sandbox: SandboxProcess) -> str:
    settings.SANDBOX_URL = sandbox.url
    settings.WEBHOOK_URL = live_server.url
    settings.ENGINE_CONTROL_SECONDS = 0.05
    return str(live_server.url)


@pytest.fixture
def worker(site: str, sent_tasks: list[SentTask]) -> Iterator[Worker]:
    celery_app.loader.import_default_modules()
    thread = Worker(sent_tasks)
    thread.start()
    yield thread
    thread.end()


@pytest.fixture
def ready(site: str, acme: Workspace, alice: User) -> User:
    """Alice, whose workspace has the sandbox's accounts and a sender."""
    create_sandbox_accounts(acme)
    register_sandbox_webhooks(workspace=acme)
    make_sender(acme)
    return alice


@pytest.fixture
def people_csv(tmp_path: Path) -> Path:
    """Forty people, three of them with numbers for which the sandbox has bad ends; one twice, one without number."""
    numbers = [f"120155501{ending:02d}" for ending in range(PEOPLE - 3)]
    lines = [f"+{number},Person {place}" for place, number in enumerate(numbers)]
    lines += [f"+{number},Trouble" for number in (UNDELIVERED, EXPIRED, REFUSED)]
    lines += [f"+{numbers[0]},Again", "no number,Nobody"]
    file = tmp_path / "members.csv"
    file.write_text("\n".join(["Mobile phone,First name", *lines]), encoding="utf-8")
    return file


def sign_in(page: Page, site: str) -> None:
    page.goto(site + "/")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def import_people(page: Page, people_csv: Path) -> None:
    page.get_by_role("link", name="Import a file").click()
    page.locator("input[type=file]").set_input_files(people_csv)
    page.get_by_role("button", name="Upload and look at the columns").click()
    page.get_by_label("New list").fill("Members")
    page.get_by_role("button", name="Check all rows").click()
    page.get_by_role("button", name=f"Import {PEOPLE} people").click()
    expect(page.get_by_text("What the import did")).to_be_visible(timeout=60_000)


def compose(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Broadcasts").click()
    page.get_by_role("link", name="Write the first one").click()
    page.get_by_role("button", name="Write to lists").click()
    page.wait_for_load_state()  # the token's menu below opens by script
    page.get_by_label("Name").fill("Autumn sale")
    page.get_by_label("Add a list").select_option(label=f"Members ({PEOPLE})")
    page.get_by_label("Through").select_option(label="BulkVS sandbox")
    page.get_by_label("Text").fill("Hi , 25% off until Sunday. Reply STOP to opt out")
    page.get_by_label("Text").evaluate("(area) => area.setSelectionRange(3, 3)")
    page.get_by_role("button", name="Insert a token").click()
    page.get_by_role("menuitem", name="First name").click()
    expect(page.locator("#preview")).to_have_text("Hi Person 0, 25% off until Sunday. Reply STOP to opt out")
    expect(page.locator("#reach-sum")).to_contain_text(f"{PEOPLE} people")
    expect(page.locator("#cost")).to_contain_text("$0.32")


def test_the_main_job(
    open_page: OpenPage,
    site: str,
    ready: User,
    worker: Worker,
    sandbox: SandboxProcess,
    people_csv: Path,
) -> None:
    page = open_page(base_url=site)
    sign_in(page, site)
    import_people(page, people_csv)
    compose(page)

    page.get_by_role("button", name="Review and send").click()
    expect(page.locator(".bubble").first).to_have_text(
        "Hi Person 0, 25% off until Sunday. Reply STOP to opt out"
    )
    page.get_by_role("button", name=f"Send to {PEOPLE} people for $0.32").click()

    # The report fills by itself: no reload from here on.
    head = page.locator("#report-head")
    expect(head).to_contain_text(f"Delivered {PEOPLE - 3}", timeout=60_000)
    expect(page.locator("#report-state")).to_have_text("Finished", timeout=60_000)
    expect(head).to_contain_text("Failed 3")
    expect(head).to_contain_text(f"{PEOPLE - 1} of {PEOPLE} sent")
    for reason in ("The network could not deliver it", "The phone was not reached in time"):
        expect(page.locator("#report-reasons")).to_contain_text(reason)
    assert_shown_page_is_clean(page)
    report_url = page.url
    numbers_equal_the_ledger_and_the_sandbox(sandbox)

    write_stop(page, "12015550107")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Opt-outs").click()
    expect(page.get_by_text("+1 201-555-0107")).to_be_visible()
    page.goto(report_url)
    expect(page.locator("#report-head dl > div", has_text="Opted out").locator("dd").first).to_have_text("1")
    a_second_broadcast_leaves_them_out(page)


def numbers_equal_the_ledger_and_the_sandbox(sandbox: SandboxProcess) -> None:
    states = list(Message.objects.values_list("state", flat=True))
    assert len(states) == PEOPLE
    assert states.count("delivered") == PEOPLE - 3
    accepted = sandbox.control("GET", "accepted")
    assert REFUSED not in accepted
    assert set(accepted.values()) == {1}, "somebody got it twice"
    assert len(accepted) == PEOPLE - 1


def write_stop(page: Page, msisdn: str) -> None:
    page.get_by_role("link", name="Handset").click()
    page.locator(f"#handset-{msisdn}").click()
    expect(page.get_by_role("region", name=f"Texts of {format_msisdn(msisdn)}")).to_contain_text(
        "25% off until Sunday."
    )
    page.locator(".handset-reply textarea, .handset-reply input[name=text]").fill("Stop.")
    page.get_by_role("button", name="Write back").click()
    expect(page.get_by_role("region", name=f"Texts of {format_msisdn(msisdn)}")).to_contain_text("Stop.")


def a_second_broadcast_leaves_them_out(page: Page) -> None:
    page.get_by_role("button", name="Duplicate").click()
    expect(page.locator("#reach-sum")).to_have_text(f"{PEOPLE - 1} people after 1 is left out")

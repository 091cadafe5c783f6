"""Fixtures shared by all tests: people, their clients, tasks that are recorded instead of sent, a canary."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from django.test.utils import override_settings
from pytest_django.fixtures import Settings

from accounts import instance
from accounts.models import User, Workspace
from tests.people import ApiClient, api_client, client_of, person, workspace_named

# Put it where a secret belongs (a credential, a key): a test whose log lines show it fails.
CANARY_SECRET = "canary-5c1e77-must-not-be-seen"


@dataclass(frozen=True, slots=True)
class SentTask:
    """What would have gone to the broker; `options` as given to apply_async (countdown, queue...)."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    options: dict[str, Any]


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """PostgreSQL takes most of a second to truncate a hundred tables, and hardly any to empty the few with rows."""

    def delete_rows(
        self: DatabaseOperations, style: Any, tables: Sequence[str], **_options: Any
    ) -> list[str]:
        quoted = [self.quote_name(table) for table in tables]
        with self.connection.cursor() as cursor:
            filled = "SELECT '{0}' WHERE EXISTS (SELECT 1 FROM {0})"
            cursor.execute(" UNION ALL ".join(map(filled.format, quoted)))
            # Constraints are deferred to the end of the transaction, so in any order.
            return [f"DELETE FROM {name};" for (name,) in cursor.fetchall()]  # noqa: S608  # names of tables

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", delete_rows)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Real hashers take a third of a second by design."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def own_ground(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Mails stay in memory, uploads in the test's own folder, and no rate limit outlives its test."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.ENGINE_JOURNAL_DIR = tmp_path / "claims"
    settings.INSTANCES_DIR = tmp_path / "instances"
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def no_banner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages count their queries: what they show of the installation is known already. tests/accounts/test_instance.py
    asks anew."""
    monkeypatch.setattr(instance._shown, "fence", None)
    monkeypatch.setattr(instance._shown, "until", float("inf"))


@pytest.fixture(autouse=True)
def canary(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    formatter = logging.Formatter()
    for phase in ("setup", "call"):
        for record in caplog.get_records(phase):  # type: ignore[arg-type]  # a Literal in a loop
            line = formatter.format(record)
            assert CANARY_SECRET not in line, f"a secret reached the log: {record.name}: {record.msg}"


@pytest.fixture
def sent_tasks(monkeypatch: pytest.MonkeyPatch) -> list[SentTask]:
    """No task reaches a broker; the list holds what would have."""
    sent: list[SentTask] = []

    def record(
        self: Task[Any, Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        sent.append(SentTask(str(self.name), tuple(args or ()), dict(kwargs or {}), options))

    monkeypatch.setattr(Task, "apply_async", record)
    return sent


@pytest.fixture
def no_broker(sent_tasks: list[SentTask]) -> list[SentTask]:
    return sent_tasks


@pytest.fixture(autouse=True)
def broker_only_for_engine_tests(request: pytest.FixtureRequest) -> None:
    """Tests marked `engine` or `service` may use the real broker; all others are given `sent_tasks`."""
    if not any(request.node.get_closest_marker(name) for name in ("engine", "service")):
        request.getfixturevalue("sent_tasks")


@pytest.fixture
def acme(db: None) -> Workspace:
    return workspace_named("acme")


@pytest.fixture
def other(db: None) -> Workspace:
    return workspace_named("other")


@pytest.fixture
def alice(db: None) -> User:
    """Owner of acme."""
    return person("alice")


@pytest.fixture
def adam(db: None) -> User:
    """Admin of acme."""
    return person("adam")


@pytest.fixture
def bob(db: None) -> User:
    """Marketer of acme."""
    return person("bob")


@pytest.fixture
def victor(db: None) -> User:
    """Viewer of acme."""
    return person("victor")


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger: owns the workspace `other`."""
    return person("charlie")


@pytest.fixture
def alice_client(alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def adam_client(adam: User) -> Client:
    return client_of(adam)


@pytest.fixture
def bob_client(bob: User) -> Client:
    return client_of(bob)


@pytest.fixture
def victor_client(victor: User) -> Client:
    return client_of(victor)


@pytest.fixture
def charlie_client(charlie: User) -> Client:
    return client_of(charlie)


@pytest.fixture
def api(db: None) -> Callable[..., ApiClient]:
    """api("viewer") or api("admin", workspace): a client that carries a key of that role."""
    return api_client

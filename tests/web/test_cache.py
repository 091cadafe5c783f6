"""The cache is one for all web processes, so that sign-in limits are; without its Redis nobody is locked out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from allauth.core import ratelimit
from django.core.cache import caches
from django.test import Client, RequestFactory, override_settings

from accounts.models import User
from tests.engine.brokers import broker_url
from tests.providers.makers import NOBODY
from web.cache import cache_settings
from web.env import SettingError

ROOT = Path(__file__).resolve().parents[2]
FAIL_TWICE = """
import django; django.setup()
from allauth.core import ratelimit
from django.test import RequestFactory
request = RequestFactory().post("/login/")
for _attempt in range(2):
    print(bool(ratelimit.consume(request, action="login_failed", key="alice@example.com")))
"""
SHOW = """
import json
from django.conf import settings
print(json.dumps({"options": settings.DATABASES["default"]["OPTIONS"], "cache": settings.CACHES["default"]}))
"""


def run(code: str, data: Path, **variables: str) -> list[str]:
    """The lines that a fresh process prints: no pytest, so the settings are those of an installation."""
    known = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CELERY_BROKER_URL")
    }
    environment = known | {"CRIER_DATA": str(data), "DJANGO_SETTINGS_MODULE": "config.settings"} | variables
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def shown(data: Path, **variables: str) -> dict[str, Any]:
    keys = {"CRIER_SECRET_KEY": "x" * 50, "CRIER_ENCRYPTION_KEYS": "x"}
    return dict(json.loads(run(SHOW, data, **keys, **variables)[0]))


def test_processes_count_together(tmp_path: Path) -> None:
    """Five failures of one person in five minutes, in whichever process."""
    said = [line for _process in range(3) for line in run(FAIL_TWICE, tmp_path)]
    assert said == ["True"] * 5 + ["False"]


def test_an_embedded_installation_keeps_files(tmp_path: Path) -> None:
    cache = shown(tmp_path)["cache"]
    assert cache["BACKEND"].endswith("FileBasedCache")
    assert cache["LOCATION"] == str(tmp_path / "cache")


@pytest.mark.parametrize(
    ("cache_url", "broker_url", "backend", "location"),
    [
        ("", "redis://broker/0", "ForgivingRedisCache", "redis://broker/0"),
        ("", "rediss://broker/0", "ForgivingRedisCache", "rediss://broker/0"),
        ("redis://cache/1", "redis://broker/0", "ForgivingRedisCache", "redis://cache/1"),
        ("redis://cache/1", "amqp://broker", "ForgivingRedisCache", "redis://cache/1"),
        ("", "amqp://broker", "DatabaseCache", "crier_cache"),
    ],
)
def test_a_larger_installation_uses_what_it_has(
    tmp_path: Path, cache_url: str, broker_url: str, backend: str, location: str
) -> None:
    made = cache_settings(cache_url=cache_url, broker_url=broker_url, embedded=False, folder=tmp_path)
    assert made["default"]["BACKEND"].endswith(backend)
    assert made["default"]["LOCATION"] == location


def test_a_wrong_address_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="CACHE_URL must begin with redis://"):
        cache_settings(cache_url="memcached://x", broker_url="", embedded=True, folder=tmp_path)


def cached(tmp_path: Path, cache_url: str = "", *, embedded: bool = True) -> override_settings:
    """Within it the cache is that one; afterwards the test's own again, which the next one clears."""
    made = cache_settings(cache_url=cache_url, broker_url="", embedded=embedded, folder=tmp_path)
    return override_settings(CACHES=made)


def test_the_table_is_there_without_a_command(db: None, tmp_path: Path) -> None:
    request = RequestFactory().post("/login/")
    with cached(tmp_path, embedded=False):
        tries = [bool(ratelimit.consume(request, action="login_failed", key="a")) for _attempt in range(6)]
    assert tries == [True] * 5 + [False]


def test_a_redis_that_is_away_locks_nobody_out(
    alice: User, client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with cached(tmp_path, NOBODY.replace("http://", "redis://")):
        assert client.post("/login/", {"login": alice.email, "password": "wrong"}).status_code == 422
        cache = caches["default"]
        assert (cache.get("a", 7), cache.add("a", 1), cache.delete("a")) == (7, True, False)
    assert "sign-in limits do not count" in caplog.text


@pytest.mark.service
def test_a_redis_that_is_there_counts(tmp_path: Path) -> None:
    with cached(tmp_path, broker_url("redis")):
        cache = caches["default"]
        cache.delete("a")
        found = [cache.add("a", 1), cache.add("a", 1), cache.get("a"), cache.delete("a")]
    assert found == [True, False, 1, True]


# --- the database's address ---------------------------------------------------------------------------


@pytest.mark.parametrize(("query", "seconds"), [("", 5), ("?connect_timeout=2", 2)])
def test_a_database_that_is_away_is_told_soon(tmp_path: Path, query: str, seconds: int) -> None:
    options = shown(tmp_path, DATABASE_URL=f"postgres://someone@db/crier{query}")["options"]
    assert int(options["connect_timeout"]) == seconds

"""What all web processes share: above all, how often somebody tried to sign in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from web import env

log = structlog.get_logger("crier.web")

TABLE = "crier_cache"  # made by web/migrations/0001
# Files are culled at random beyond this: a flood of sign-ins must not wash away what is counted.
MOST_FILES = 20_000
REDIS_SECONDS = 1.0


def cache_settings(*, cache_url: str, broker_url: str, embedded: bool, folder: Path) -> dict[str, Any]:
    """Django's CACHES: Redis where there is one, else files (embedded: one machine), else a table."""
    address = cache_url or (broker_url if broker_url.startswith(("redis://", "rediss://")) else "")
    if address:
        if not address.startswith(("redis://", "rediss://", "unix://")):
            raise env.SettingError("CACHE_URL", "must begin with redis://, rediss:// or unix://.")
        backend: dict[str, Any] = {
            "BACKEND": "web.cache.ForgivingRedisCache",
            "LOCATION": address,
            "KEY_PREFIX": "crier",
            "OPTIONS": {"socket_connect_timeout": REDIS_SECONDS, "socket_timeout": REDIS_SECONDS},
        }
    elif embedded:
        backend = {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(folder),
            "OPTIONS": {"MAX_ENTRIES": MOST_FILES},
        }
    else:
        backend = {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": TABLE,
            "OPTIONS": {"MAX_ENTRIES": MOST_FILES},
        }
    return {"default": backend}


class ForgivingRedisCache(RedisCache):
    """A Redis that is away forgets; it must not keep people from signing in. What is asked of it is logged."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._try(super().add, True, args, kwargs))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._try(super().get, default, (key, default, version), {})

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._try(super().set, None, args, kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._try(super().delete, False, args, kwargs))

    @staticmethod
    def _try(ask: Callable[..., Any], otherwise: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return ask(*args, **kwargs)
        except RedisError as error:
            log.error("the cache does not answer: sign-in limits do not count", error=type(error).__name__)
            return otherwise

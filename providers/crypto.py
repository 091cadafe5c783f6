"""Provider credentials at rest: Fernet, newest key first (MultiFernet), so that keys can be rotated."""

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ImproperlyConfigured(
            "CRIER_ENCRYPTION_KEYS must hold Fernet keys (32 bytes, URL-safe base64), comma-separated."
        ) from None


def encrypt_mapping(values: dict[str, Any]) -> str:
    return _box(tuple(settings.ENCRYPTION_KEYS)).encrypt(json.dumps(values).encode()).decode()


def decrypt_mapping(sealed: str) -> dict[str, Any]:
    """{} for an account without credentials. Raises ImproperlyConfigured when no key fits."""
    if not sealed:
        return {}
    try:
        opened: dict[str, Any] = json.loads(_box(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed.encode()))
    except InvalidToken:
        raise _no_key_fits() from None
    return opened


def sealed_anew(sealed: str) -> str:
    """The same with the newest key; as it is where it has that one already. Raises ImproperlyConfigured when no key fits."""
    keys = tuple(settings.ENCRYPTION_KEYS)
    try:
        _box(keys[:1]).decrypt(sealed.encode())
    except InvalidToken:
        pass
    else:
        return sealed
    try:
        return _box(keys).rotate(sealed.encode()).decode()
    except InvalidToken:
        raise _no_key_fits() from None


def _no_key_fits() -> ImproperlyConfigured:
    return ImproperlyConfigured(
        "None of CRIER_ENCRYPTION_KEYS opens the stored provider credentials: add the key they were sealed with."
    )

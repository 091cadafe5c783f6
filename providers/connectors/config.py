"""The settings of one account at one vendor: typed, checked field by field, secrets marked."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from providers.errors import ConfigError

MAX_LENGTH = 1000  # characters of a value
# Behind a vendor's own fields in a form.
LAST_FIELDS = ("webhook_addresses", "webhook_user", "webhook_password", "base_url")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ConfigField:
    """What a form shows for one setting. `default` is "" where there is none."""

    name: str
    label: str
    secret: bool
    required: bool
    default: str
    help: str


def setting(*, label: str, help: str, default: str | None = None, secret: bool = False) -> Any:
    """A field of a vendor's config; without a default it is required. A secret stays out of the repr."""
    return dataclasses.field(
        default=MISSING if default is None else default,
        repr=not secret,
        metadata={"label": label, "help": help, "secret": secret},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfig:
    """All values are text. A vendor's config gives `base_url` its default and adds its credentials.

    The webhook settings are for calls from the vendor: where they may come from, and what they have to bring along.
    """

    base_url: str = setting(label="Base URL", help="Where the vendor's API lives.")
    webhook_addresses: str = setting(
        label="Webhook sources",
        help="IP addresses or networks that may call the webhook, with commas between. Empty: any.",
        default="",
    )
    webhook_user: str = setting(
        label="Webhook user",
        help="A name of your choice that calls to the webhook have to bring along. Empty: none is asked for.",
        default="",
    )
    webhook_password: str = setting(
        label="Webhook password", help="Goes with the webhook user.", default="", secret=True
    )

    @classmethod
    def fields(cls) -> tuple[ConfigField, ...]:
        """In the order of the form: credentials first, then the webhook's, the base URL last."""
        shown = [
            ConfigField(
                name=field.name,
                label=field.metadata["label"],
                secret=field.metadata["secret"],
                required=field.default is MISSING,
                default="" if field.default is MISSING else field.default,
                help=field.metadata["help"],
            )
            for field in dataclasses.fields(cls)
        ]
        return tuple(sorted(shown, key=lambda field: _place(field.name)))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Raises ConfigError with the first field that is wrong. Empty means left out."""
        fields = {field.name: field for field in cls.fields()}
        for name in values:
            if name not in fields:
                raise ConfigError(name, f"“{name}” is not a setting here. Known are: {', '.join(fields)}.")
        config = cls(**{name: _value(field, values.get(name)) for name, field in fields.items()})
        config._check_webhook()
        config.check()
        return config

    def sources(self) -> tuple[Network, ...]:
        """Where calls of the webhook may come from; () for anywhere. Raises ValueError."""
        written = [part.strip() for part in self.webhook_addresses.split(",")]
        return tuple(ipaddress.ip_network(part, strict=False) for part in written if part)

    def _check_webhook(self) -> None:
        try:
            self.sources()
        except ValueError:
            raise ConfigError(
                "webhook_addresses",
                "Webhook sources must be IP addresses or networks with commas between, such as 192.0.2.1 or "
                "198.51.100.0/24.",
            ) from None
        if ":" in self.webhook_user:
            raise ConfigError(
                "webhook_user", "Webhook user holds a colon, which HTTP has no way to send: leave it out."
            )
        if self.webhook_user and not self.webhook_password:
            raise ConfigError(
                "webhook_password", "Webhook password is missing: the webhook user needs one, or empty both."
            )
        if self.webhook_password and not self.webhook_user:
            raise ConfigError(
                "webhook_user", "Webhook user is missing: the webhook password needs one, or empty both."
            )

    def one_of(self, name: str, choices: Sequence[str]) -> None:
        """For a setting that is one of some words. Raises ConfigError."""
        if getattr(self, name) not in choices:
            label = next(field.label for field in self.fields() if field.name == name)
            raise ConfigError(name, f"{label} must be {' or '.join(f'“{choice}”' for choice in choices)}.")

    def check(self) -> None:
        """For what one field alone cannot tell. Raises ConfigError."""

    def secrets(self) -> tuple[str, ...]:
        """Those that are set, in the order of the form."""
        values = (getattr(self, field.name) for field in self.fields() if field.secret)
        return tuple(value for value in values if value)


def _place(name: str) -> int:
    return LAST_FIELDS.index(name) + 1 if name in LAST_FIELDS else 0


def _value(field: ConfigField, value: Any) -> str:
    """Whitespace around a pasted value is dropped; the value itself is never put into a sentence."""
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise ConfigError(field.name, f"{field.label} must be text: write it in quotes.")
    value = value.strip() or field.default
    if not value and field.required:
        raise ConfigError(field.name, f"{field.label} is missing. {field.help}")
    if len(value) > MAX_LENGTH:
        raise ConfigError(field.name, f"{field.label} is longer than {MAX_LENGTH} characters: copy it again.")
    # Values travel in HTTP headers, where nothing else is safe.
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(
            field.name,
            f"{field.label} holds a character that no such value has: copy it again, without spaces.",
        )
    return _base_url(field, value) if field.name == "base_url" else value


def _base_url(field: ConfigField, value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or " " in value:
        raise ConfigError(field.name, f"{field.label} must be an address such as https://example.com.")
    if "@" in parts.netloc:
        raise ConfigError(
            field.name, f"{field.label} holds a user name or password: put them into their own fields."
        )
    if parts.query or parts.fragment:
        raise ConfigError(field.name, f"{field.label} holds a “?” or “#”: cut it off there.")
    return value.rstrip("/")

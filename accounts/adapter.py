"""allauth's settings that are code: nobody signs up by themselves, and nobody locks another person out."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import ratelimit
from allauth.core.internal.ratelimit import get_ip
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """People have no user name; they sign in with their e-mail address."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError after too many wrong passwords, of this address or of all together."""
        super().pre_authenticate(request, **credentials)
        email = super()._get_login_attempts_cache_key(request, **credentials)
        if not ratelimit.consume(request, action="login_anywhere", key=email):
            raise self.validation_error("too_many_login_attempts")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By network address and e-mail address: by the latter alone, as allauth has it, anybody who knows an
        owner's could keep them out by typing wrong passwords.
        """
        return f"{get_ip(request)}:{super()._get_login_attempts_cache_key(request, **credentials)}"

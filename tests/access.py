"""One helper asks every page and endpoint the same: who may come in, and what the others are told."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from tests.people import TEAM, ApiClient, api_client, client_of, person, workspace_named

MISSING_ID = "987654321"
ID_IN_PATH = re.compile(r"/\d+(?=/|$)")


def assert_access(
    url: str,
    method: str = "get",
    *,
    viewer: int = 200,
    marketer: int | None = None,
    admin: int | None = None,
    owner: int | None = None,
    stranger: int | None = None,
    wrong_method: str | None = "delete",
    missing: bool = True,
    data: dict[str, Any] | None = None,
) -> None:
    """Asks `url`, a page or an endpoint below /api/, of workspace `acme`, in this order:

    - anonymous: to sign-in (API: 401 problem);
    - Charlie of another workspace: `stranger`, by default 404 where the address holds an id, else not asked;
    - the roles whose status is given (None: not asked; a refused role is asked before those let in);
    - `wrong_method` (None: not asked): 405, as owner;
    - the address with its last id replaced by one that does not exist: 404, as owner, unless `missing=False`.
    """
    Asked(url, method, data).anonymous()
    has_id = ID_IN_PATH.search(url) is not None
    expected_of_stranger = stranger if stranger is not None else (404 if has_id else None)
    asked = Asked(url, method, data)
    if expected_of_stranger is not None:
        asked.check("charlie", expected_of_stranger)
    wanted = {Role.VIEWER: viewer, Role.MARKETER: marketer, Role.ADMIN: admin, Role.OWNER: owner}
    given = [(role, status) for role, status in wanted.items() if status is not None]
    for role, status in sorted(given, key=lambda pair: pair[1] < 400):
        asked.check(next(name for name, has in TEAM.items() if has == role), status)
    if wrong_method is not None:
        Asked(url, wrong_method, None).check("alice", 405)
    if missing and has_id:
        Asked(with_missing_id(url), method, data).check("alice", 404)


def with_missing_id(url: str) -> str:
    last = list(ID_IN_PATH.finditer(url))[-1]
    return f"{url[: last.start()]}/{MISSING_ID}{url[last.end() :]}"


class Asked:
    """One request, asked by several people."""

    def __init__(self, url: str, method: str, data: dict[str, Any] | None) -> None:
        self.url, self.method, self.data = url, method, data
        self.is_api = url.startswith("/api/")

    def anonymous(self) -> None:
        person("alice")  # an empty system would send everybody to /setup/
        response = self._send(ApiClient() if self.is_api else Client())
        if self.is_api:
            assert response.status_code == 401, self._what("anonymous", response, 401)
            assert response.headers["Content-Type"] == "application/problem+json"
        else:
            assert response.status_code == 302, self._what("anonymous", response, 302)
            login = f"{reverse('account_login')}?next={quote(self.url)}"
            assert response.headers["Location"] == login, response.headers["Location"]

    def check(self, name: str, status: int) -> None:
        response = self._send(self._client(name))
        assert response.status_code == status, self._what(name, response, status)

    def _client(self, name: str) -> Client:
        user = person(name)
        if not self.is_api:
            return client_of(user)
        if name == "charlie":
            return api_client(Role.OWNER, workspace_named("other"))
        return api_client(TEAM[name])

    def _send(self, client: Client) -> HttpResponse:
        response: HttpResponse = getattr(client, self.method)(self.url, self.data)
        return response

    def _what(self, who: str, response: HttpResponse, expected: int) -> str:
        return (
            f"{self.method.upper()} {self.url} as {who}: {response.status_code}, not {expected}: "
            f"{response.content[:300]!r}"
        )

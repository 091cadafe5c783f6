"""The API as a page for people, drawn from the very OpenAPI document that machines read."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import gettext as _
from drf_spectacular.generators import SchemaGenerator

from web.api import problem_response

METHODS = ("get", "post", "put", "patch", "delete")
JSON, MULTIPART = "application/json", "multipart/form-data"
# Objects in objects are listed down to here; deeper ones are named only.
DEPTH = 3

# What drf-spectacular appends to the description of an enum; the type names the values already.
ENUM_LINE = re.compile(r"^\s*\* `.*$\n?", re.MULTILINE)
BACKTICKS = re.compile(r"`([^`\n]+)`")

Schema = dict[str, Any]


def prose(text: str) -> SafeString:
    """Descriptions are Markdown; of it only code and paragraphs are in use."""
    coded = BACKTICKS.sub(r'<span class="mono">\1</span>', escape(ENUM_LINE.sub("", text).strip()))
    return mark_safe(coded)  # noqa: S308  # escaped one line above


@dataclass(frozen=True, slots=True)
class Field:
    """`name` is a path: `recipients[].msisdn`."""

    name: str
    type: str
    required: bool
    description: SafeString


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    description: SafeString
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    description: SafeString
    parameters: list[Field]
    body_type: str
    body: list[Field]
    answers: list[Answer]
    curl: str


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    anchor: str
    operations: list[Operation] = field(default_factory=list)


def api_page(request: HttpRequest) -> HttpResponse:
    """Public, as the document itself is: it names no data."""
    if request.method not in ("GET", "HEAD"):
        sentence = _("%(method)s is not allowed at %(path)s. Allowed: GET, HEAD.")
        words = {"method": request.method, "path": request.path}
        refused = problem_response(405, sentence % words, "method_not_allowed")
        refused.headers["Allow"] = "GET, HEAD"
        return refused
    return render(request, "web/api_page.html", {"groups": groups(), "base_url": settings.PUBLIC_URL})


@cache
def groups() -> list[Group]:
    """Drawn once a process: the document only changes with the code."""
    generator = SchemaGenerator()
    return Reader(generator.get_schema(request=None, public=True)).groups()


class Reader:
    """Reads one OpenAPI 3.1 document as drf-spectacular writes it."""

    def __init__(self, document: Schema) -> None:
        self.document = document

    def groups(self) -> list[Group]:
        found: dict[str, Group] = {}
        for path, item in self.document.get("paths", {}).items():
            for method in METHODS:
                if method in item:
                    tag = (item[method].get("tags") or ["api"])[0]
                    name = tag.replace("-", " ").capitalize()
                    group = found.setdefault(tag, Group(name, slugify(tag)))
                    group.operations.append(self._operation(path, method, item[method]))
        return sorted(found.values(), key=lambda group: group.name)

    def _operation(self, path: str, method: str, raw: Schema) -> Operation:
        body_type, body_schema = self._body(raw)
        summary, description = self._words(raw)
        return Operation(
            anchor=slugify(raw.get("operationId") or f"{method} {path}"),
            method=method.upper(),
            path=path,
            summary=summary,
            description=prose(description),
            parameters=[self._parameter(one) for one in raw.get("parameters", [])],
            body_type=body_type,
            body=list(self._fields(body_schema)),
            answers=[self._answer(status, one) for status, one in raw.get("responses", {}).items()],
            curl=self._curl(path, method, body_type, body_schema),
        )

    @staticmethod
    def _words(raw: Schema) -> tuple[str, str]:
        """The first line of the description stands in for a missing summary."""
        text = raw.get("description", "").strip()
        if raw.get("summary"):
            return raw["summary"], text
        first, _line, rest = text.partition("\n")
        return first or raw.get("operationId", "").replace("_", " ").capitalize(), rest.strip()

    def _parameter(self, raw: Schema) -> Field:
        raw = self._resolve(raw)
        place = {"path": _("in the address"), "query": _("in the query"), "header": _("in a header")}
        kind = f"{self._type(raw.get('schema', {}))}, {place.get(raw['in'], raw['in'])}"
        return Field(raw["name"], kind, raw.get("required", False), prose(raw.get("description", "")))

    def _body(self, raw: Schema) -> tuple[str, Schema]:
        content = raw.get("requestBody", {}).get("content", {})
        for kind in (JSON, MULTIPART, *content):
            if kind in content:
                return kind, self._resolve(content[kind].get("schema", {}))
        return "", {}

    def _answer(self, status: str, raw: Schema) -> Answer:
        raw = self._resolve(raw)
        content = raw.get("content", {})
        schema: Schema = next((one.get("schema", {}) for one in content.values()), {})
        return Answer(status, prose(raw.get("description", "")), list(self._fields(schema)))

    # --- schemas ----------------------------------------------------------------------------------

    def _resolve(self, schema: Schema) -> Schema:
        """Follows $ref and merges allOf."""
        while "$ref" in schema:
            target: Any = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        if "allOf" in schema:
            merged: Schema = {}
            for part in schema["allOf"]:
                merged |= self._resolve(part)
            schema = merged | {key: value for key, value in schema.items() if key != "allOf"}
        return schema

    def _fields(self, schema: Schema, prefix: str = "", depth: int = 0) -> Iterator[Field]:
        schema = self._resolve(schema)
        if schema.get("type") == "array":
            yield from self._fields(schema.get("items", {}), f"{prefix}[]", depth)
            return
        required = set(schema.get("required", []))
        for name, raw in schema.get("properties", {}).items():
            inner = self._resolve(raw)
            path = f"{prefix}.{name}" if prefix else name
            yield Field(path, self._type(inner), name in required, prose(inner.get("description", "")))
            if depth < DEPTH:
                yield from self._fields(inner, path, depth + 1)

    def _type(self, schema: Schema) -> str:
        """`string`, `date-time`, `list of integer`, `one of a, b`; `or null` at the end."""
        schema = self._resolve(schema)
        choices = schema.get("oneOf") or schema.get("anyOf")
        if choices:
            return _(" or ").join(dict.fromkeys(self._type(choice) for choice in choices))
        kinds = schema.get("type", "object" if "properties" in schema else "any")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        words = [self._one_type(kind, schema) for kind in kinds if kind != "null"]
        return _(" or ").join([*words, "null"] if "null" in kinds else words)

    def _one_type(self, kind: str, schema: Schema) -> str:
        if "enum" in schema:
            values = ", ".join(str(value) for value in schema["enum"] if value not in (None, ""))
            return _("one of %(values)s") % {"values": values}
        if kind == "array":
            return _("list of %(type)s") % {"type": self._type(schema.get("items", {}))}
        return str(schema.get("format", kind))

    # --- samples ----------------------------------------------------------------------------------

    def _curl(self, path: str, method: str, body_type: str, body: Schema) -> str:
        """One command over several lines, to copy; the key comes from the environment."""
        parts = ["curl"] if method == "get" else [f"curl -X {method.upper()}"]
        parts.append('-H "Authorization: Bearer $CRIER_KEY"')
        if body_type == JSON:
            parts.append(f"-H {shlex.quote('Content-Type: ' + JSON)}")
            parts.append(f"-d {shlex.quote(json.dumps(self._sample(body), ensure_ascii=False))}")
        elif body_type:
            parts += [f"-F {shlex.quote(one)}" for one in self._form_parts(body)]
        parts.append(shlex.quote(settings.PUBLIC_URL + path))
        return " \\\n  ".join(parts)

    def _form_parts(self, body: Schema) -> Iterator[str]:
        for name, raw in self._sampled(body):
            inner = self._resolve(raw)
            is_file = inner.get("format") == "binary" or "contentMediaType" in inner
            yield f"{name}=@people.csv" if is_file else f"{name}={self._sample(inner)}"

    def _sampled(self, schema: Schema) -> list[tuple[str, Schema]]:
        """What a sample shows: the required properties, or all where none is."""
        properties = schema.get("properties", {})
        required = [name for name in properties if name in schema.get("required", [])]
        return [(name, properties[name]) for name in required or properties]

    def _sample(self, schema: Schema, depth: int = 0) -> Any:
        schema = self._resolve(schema)
        for key in ("example", "const", "default"):
            if key in schema:
                return schema[key]
        if "examples" in schema:
            return schema["examples"][0]
        if "enum" in schema:
            return next(value for value in schema["enum"] if value not in (None, ""))
        choices = schema.get("oneOf") or schema.get("anyOf")
        if choices:
            return self._sample(choices[0], depth)
        return self._sample_of_type(schema, depth)

    def _sample_of_type(self, schema: Schema, depth: int) -> Any:
        kinds = schema.get("type", "object")
        kind = next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
        if kind == "object":
            shown = self._sampled(schema) if depth <= DEPTH else []
            return {name: self._sample(raw, depth + 1) for name, raw in shown}
        if kind == "array":
            return [self._sample(schema.get("items", {}), depth + 1)]
        if kind in ("integer", "number"):
            return max(1, schema.get("minimum", 1))
        if kind == "boolean":
            return True
        return SAMPLE_TEXTS.get(schema.get("format", ""), "…")


SAMPLE_TEXTS = {
    "date-time": "2030-01-31T09:00:00Z",
    "date": "2030-01-31",
    "uri": "https://example.com/",
    "email": "name@example.com",
    "decimal": "0.01",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

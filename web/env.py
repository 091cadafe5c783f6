"""Settings from the environment: typed, and a bad or missing one stops the boot with a sentence."""

import os
from pathlib import Path

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


class SettingError(SystemExit):
    """Ends the process: a program that starts with a wrong setting does harm later."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(f"Crier cannot start: the setting {name} {sentence}")


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name)
    if value is None or value == "":
        if default is None:
            raise SettingError(name, "is missing. Set it in the environment.")
        return default
    return value


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    raw = text(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        raise SettingError(name, f"must be a whole number, not {raw!r}.") from None
    if value < minimum:
        raise SettingError(name, f"must be at least {minimum}, not {value}.")
    return value


def decimal_number(name: str, default: float, *, minimum: float = 0.0) -> float:
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        raise SettingError(name, f"must be a number, not {raw!r}.") from None
    if value < minimum:
        raise SettingError(name, f"must be at least {minimum}, not {value}.")
    return value


def boolean(name: str, default: bool) -> bool:
    raw = text(name, "yes" if default else "no").strip().lower()
    if raw in TRUE_WORDS:
        return True
    if raw in FALSE_WORDS:
        return False
    raise SettingError(name, f"must be yes or no, not {raw!r}.")


def words(name: str, default: str = "") -> list[str]:
    """Comma-separated values, trimmed, empty ones dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def folder(name: str, default: Path) -> Path:
    """An absolute folder, made when it is missing."""
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(name, f"names a folder that cannot be made: {error.strerror}.") from None
    return path


def secret(name: str, file: Path, *, make: str, may_make: bool) -> str:
    """The secret `name`, else the one kept in `file`; made there once where `may_make` (embedded use).

    Several processes start at once, so the file is linked into place: the first one wins.
    """
    value = os.environ.get(name)
    if value:
        return value
    if file.exists():
        return file.read_text().strip()
    if not may_make:
        raise SettingError(
            name, "is missing. With a database of your own it must be set, the same everywhere."
        )
    draft = file.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(make)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_text().strip()

"""Countries and time zones offered in forms."""

import zoneinfo
from functools import cache

import phonenumbers

_LEGACY_ZONES = ("Etc/", "SystemV/", "US/", "posix", "right", "localtime", "Factory")


# Both are callables in the models' fields: the lists differ by machine and must not get into migrations.
@cache
def time_zone_choices() -> list[tuple[str, str]]:
    """Every zone the machine knows under its proper name, as ("America/New_York", "America/New York")."""
    return [
        (zone, zone.replace("_", " "))
        for zone in sorted(zoneinfo.available_timezones())
        if ("/" in zone or zone == "UTC") and not zone.startswith(_LEGACY_ZONES)
    ]


@cache
def country_choices() -> list[tuple[str, str]]:
    """Every region libphonenumber knows, as (ISO code, "US (+1)")."""
    return [(region, country_label(region)) for region in sorted(phonenumbers.SUPPORTED_REGIONS)]


def country_label(region: str) -> str:
    return f"{region} (+{phonenumbers.country_code_for_region(region)})"

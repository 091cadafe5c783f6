"""Static files with the hash of their content in the name: cached for a year, new at once."""

from __future__ import annotations

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


def _without_source_maps(patterns: Any) -> Any:
    """Django's rewriting rules, less those for source maps: vendor scripts name maps that are not served."""

    def expression(rule: Any) -> str:
        return rule if isinstance(rule, str) else rule[0]

    return tuple(
        (glob, tuple(rule for rule in rules if "sourceMappingURL" not in expression(rule)))
        for glob, rules in patterns
    )


class CrierStaticStorage(CompressedManifestStaticFilesStorage):
    # `import "./toast.js"` becomes the hashed name: the CSP forbids the inline script of an import map.
    support_js_module_import_aggregation = True
    patterns = _without_source_maps(CompressedManifestStaticFilesStorage.patterns)

"""The demo owner of a fresh installation. It exists only where the sandbox stands in for real providers."""

DEMO_EMAIL = "demo@example.com"
DEMO_PASSWORD = "crier-demo-2026"  # noqa: S105  # printed on every start
DEMO_WORKSPACE = "Northwind"

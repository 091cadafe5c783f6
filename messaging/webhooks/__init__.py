"""News that Crier posts to programs of the workspace: endpoints, the ledger of deliveries, and the sender."""

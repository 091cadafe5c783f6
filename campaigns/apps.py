from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        # Models can be imported only now.
        from campaigns import receivers  # noqa: F401  # the import connects them
        from campaigns.unplanned import is_being_planned
        from contacts.related import register_planning_check

        register_planning_check(is_being_planned)

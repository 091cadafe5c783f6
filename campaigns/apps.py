from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        # Models can be imported only now.
        from campaigns import receivers  # noqa: F401  # the import connects them
        from campaigns.pictures import BroadcastPictures
        from campaigns.sync import CampaignEntity
        from campaigns.texts import BroadcastTexts
        from campaigns.unplanned import is_being_planned
        from contacts.related import register_planning_check
        from messaging.media.users import register_picture_source
        from messaging.texts.users import register_text_source
        from providers.sync.registry import register

        register(CampaignEntity())
        register_planning_check(is_being_planned)
        register_text_source(BroadcastTexts())
        register_picture_source(BroadcastPictures())

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        # Models can be imported only now.
        from contacts.related import register_message_words, register_texted_check
        from messaging import receivers  # noqa: F401  # the import connects them
        from messaging.sync import register_entities
        from messaging.texted import was_anybody_texted
        from messaging.threads import words_of_messages

        register_entities()
        register_texted_check(was_anybody_texted)
        register_message_words(words_of_messages)

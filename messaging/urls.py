from django.urls import URLPattern, URLResolver, path, re_path

from messaging import review_views, sender_list_views, sender_views
from messaging.budget_views import budget_page
from messaging.links import endings
from messaging.links import list_views as link_list_views
from messaging.links import views as link_views
from messaging.links.domain_views import short_domain_test
from messaging.links.unsubscribe_views import unsubscribe_page
from messaging.media import views as media_views
from messaging.media.public_views import picture
from messaging.texts import spinner_views, template_views
from messaging.verification.views import verification_list
from messaging.webhooks import views as webhook_views

urlpatterns: list[URLPattern | URLResolver] = [
    # In texts without the last slash: a character more is money. Whatever stands behind the code in a text, its end of a
    # sentence above all, a program may take for a part of the address.
    re_path(endings.UNSUBSCRIBE, unsubscribe_page, name="unsubscribe"),
    re_path(r"^o/test/?$", short_domain_test, name="short-domain-test"),
    path("links/", link_views.link_list, name="link-list"),
    path("links/new/", link_views.link_new, name="link-new"),
    path("links/<int:pk>/", link_views.link_detail, name="link-detail"),
    path("links/<int:pk>/duplicate/", link_views.link_duplicate, name="link-duplicate"),
    path("links/<int:pk>/enabled/<int:on>/", link_views.link_enabled, name="link-enabled"),
    path("links/<int:pk>/again/", link_views.link_again, name="link-again"),
    re_path(r"^links/(?P<pk>[0-9]{1,18})/qr\.(?P<kind>svg|png)$", link_views.link_qr, name="link-qr"),
    path("links/lists/", link_list_views.link_list_list, name="link-list-list"),
    path("links/lists/new/", link_list_views.link_list_new, name="link-list-new"),
    path("links/lists/<int:pk>/", link_list_views.link_list_detail, name="link-list-detail"),
    path("links/lists/<int:pk>/links/", link_list_views.link_list_links, name="link-list-links"),
    path("links/lists/<int:pk>/duplicate/", link_list_views.link_list_duplicate, name="link-list-duplicate"),
    path(
        "links/lists/<int:pk>/enabled/<int:on>/", link_list_views.link_list_enabled, name="link-list-enabled"
    ),
    re_path(r"^m/(?P<token>[0-9A-Za-z_-]{43})\.(?P<ending>jpg|png)$", picture, name="picture"),
    path("media/", media_views.media_list, name="media-list"),
    path("media/new/", media_views.media_new, name="media-new"),
    path("media/<int:pk>/", media_views.media_detail, name="media-detail"),
    path("media/<int:pk>/thumbnail/", media_views.media_thumbnail, name="media-thumbnail"),
    path("media/<int:pk>/enabled/<int:on>/", media_views.media_enabled, name="media-enabled"),
    path("senders/", sender_views.sender_list, name="sender-list"),
    path("senders/<int:pk>/", sender_views.sender_detail, name="sender-detail"),
    path("senders/<int:pk>/enabled/", sender_views.sender_enabled, name="sender-enabled"),
    path("senders/find/<int:account_pk>/", sender_views.sender_find, name="sender-find"),
    path("senders/lists/", sender_list_views.sender_lists, name="sender-lists"),
    path("senders/lists/<int:pk>/", sender_list_views.sender_list_detail, name="sender-list-detail"),
    path("senders/lists/<int:pk>/add/", sender_list_views.sender_list_add, name="sender-list-add"),
    path(
        "senders/lists/<int:pk>/remove/<int:sender_pk>/",
        sender_list_views.sender_list_remove,
        name="sender-list-remove",
    ),
    path(
        "senders/lists/<int:pk>/enabled/", sender_list_views.sender_list_enabled, name="sender-list-enabled"
    ),
    path(
        "senders/lists/<int:pk>/duplicate/",
        sender_list_views.sender_list_duplicate,
        name="sender-list-duplicate",
    ),
    path("settings/budget/", budget_page, name="settings-budget"),
    path("settings/webhooks/", webhook_views.webhook_list, name="settings-webhooks"),
    path("settings/webhooks/new/", webhook_views.webhook_new, name="settings-webhook-new"),
    path("settings/webhooks/<int:pk>/", webhook_views.webhook_detail, name="settings-webhook"),
    path(
        "settings/webhooks/<int:pk>/enabled/<int:on>/",
        webhook_views.webhook_enabled,
        name="settings-webhook-enabled",
    ),
    path("settings/webhooks/<int:pk>/secret/", webhook_views.webhook_secret, name="settings-webhook-secret"),
    path("settings/webhooks/<int:pk>/test/", webhook_views.webhook_test, name="settings-webhook-test"),
    path(
        "settings/webhooks/<int:pk>/failed-again/",
        webhook_views.webhook_failed_again,
        name="settings-webhook-failed-again",
    ),
    path(
        "settings/webhooks/deliveries/<int:pk>/",
        webhook_views.delivery_detail,
        name="settings-webhook-delivery",
    ),
    path(
        "settings/webhooks/deliveries/<int:pk>/again/",
        webhook_views.delivery_again,
        name="settings-webhook-delivery-again",
    ),
    path("spinners/", spinner_views.spinner_list, name="spinner-list"),
    path("spinners/new/", spinner_views.spinner_new, name="spinner-new"),
    path("spinners/<int:pk>/", spinner_views.spinner_detail, name="spinner-detail"),
    path("spinners/<int:pk>/draws/", spinner_views.spinner_draws, name="spinner-draws"),
    path("spinners/<int:pk>/duplicate/", spinner_views.spinner_duplicate, name="spinner-duplicate"),
    path("spinners/<int:pk>/enabled/<int:on>/", spinner_views.spinner_enabled, name="spinner-enabled"),
    path("templates/", template_views.template_list, name="template-list"),
    path("templates/new/", template_views.template_new, name="template-new"),
    path("templates/effect/", template_views.template_effect, name="template-effect"),
    path("templates/<int:pk>/", template_views.template_detail, name="template-detail"),
    path("templates/<int:pk>/duplicate/", template_views.template_duplicate, name="template-duplicate"),
    path("templates/<int:pk>/enabled/<int:on>/", template_views.template_enabled, name="template-enabled"),
    path("verifications/", verification_list, name="verification-list"),
    path("opt-out-reviews/", review_views.review_list, name="opt-out-review-list"),
    path("opt-out-reviews/decide/", review_views.review_decide, name="opt-out-review-decide"),
    path("opt-out-reviews/undo/", review_views.review_undo, name="opt-out-review-undo"),
]

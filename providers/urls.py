from django.urls import URLPattern, URLResolver, include, path, re_path

from providers import (
    at_vendor_views,
    call_views,
    handset_views,
    rate_views,
    route_views,
    sync_run_views,
    sync_views,
    traffic_views,
    views,
    webhooks,
)

HOOK_PATH = "hooks/(?P<token>[A-Za-z0-9_-]{20,64})"

ACCOUNTS: list[URLPattern | URLResolver] = [
    path("providers/", views.account_list, name="provider-account-list"),
    path("providers/new/", views.account_new, name="provider-account-new"),
    path("providers/sandbox/", views.add_sandbox, name="provider-account-sandbox"),
    path("providers/<int:pk>/", views.account_detail, name="provider-account-detail"),
    path("providers/<int:pk>/edit/", views.edit, name="provider-account-edit"),
    path("providers/<int:pk>/connection/", views.reconnect, name="provider-account-connection"),
    path("providers/<int:pk>/enabled/", views.switch, name="provider-account-enabled"),
    path("providers/<int:pk>/health/", views.health, name="provider-account-health"),
    path("providers/<int:pk>/test/", views.test, name="provider-account-test"),
    path("providers/<int:pk>/webhook/", views.register_webhook, name="provider-account-webhook"),
    path("providers/<int:pk>/rate-card/", rate_views.rate_card, name="provider-account-rate-card"),
    path("providers/<int:pk>/rate-card/import/", rate_views.rate_import, name="provider-account-rate-import"),
    path("providers/<int:pk>/rate-card/export/", rate_views.rate_export, name="provider-account-rate-export"),
    path("providers/<int:pk>/rates/", rate_views.set_rate, name="provider-account-rates"),
    path(
        "providers/<int:pk>/rates/<int:rate>/remove/",
        rate_views.remove_rate,
        name="provider-account-rate-remove",
    ),
    path("providers/<int:pk>/settings/", views.account_settings, name="provider-account-settings"),
    path("providers/<int:pk>/calls/", call_views.calls, name="provider-account-calls"),
    path("providers/<int:pk>/calls/again/", call_views.calls_again, name="provider-account-calls-again"),
    path("providers/<int:pk>/calls/<int:call>/", call_views.call, name="provider-account-call"),
    path(
        "providers/<int:pk>/calls/<int:call>/again/",
        call_views.call_again,
        name="provider-account-call-again",
    ),
    path("providers/<int:pk>/traffic/", traffic_views.traffic, name="provider-account-traffic"),
    path(
        "providers/<int:pk>/traffic/<int:entry>/",
        traffic_views.traffic_entry,
        name="provider-account-traffic-entry",
    ),
    path("providers/<int:pk>/at-vendor/", at_vendor_views.at_vendor, name="provider-account-at-vendor"),
    path(
        "providers/<int:pk>/at-vendor/<slug:section>/",
        at_vendor_views.at_vendor,
        name="provider-account-at-vendor-section",
    ),
    path(
        "providers/<int:pk>/at-vendor/<slug:section>/<slug:deed>/",
        at_vendor_views.change,
        name="provider-account-at-vendor-change",
    ),
]

ROUTES: list[URLPattern | URLResolver] = [
    path("", route_views.routes, name="routes"),
    path("new/", route_views.route_new, name="route-new"),
    path("<int:pk>/", route_views.route_detail, name="route-detail"),
    path("<int:pk>/enabled/", route_views.route_enabled, name="route-enabled"),
]

SYNC: list[URLPattern | URLResolver] = [
    path("", sync_views.overview, name="provider-account-sync"),
    path("compare/", sync_run_views.compare, name="provider-account-sync-compare"),
    path("runs/", sync_run_views.runs, name="provider-account-sync-runs"),
    path("runs/<int:run>/", sync_run_views.run, name="provider-account-sync-run"),
    path("runs/<int:run>/confirm/", sync_run_views.confirm, name="provider-account-sync-confirm"),
    path("runs/<int:run>/cancel/", sync_run_views.cancel, name="provider-account-sync-cancel"),
    path("runs/<int:run>/again/", sync_run_views.again, name="provider-account-sync-again"),
    path("<slug:entity>/", sync_views.kind, name="provider-account-sync-kind"),
    path("<slug:entity>/do/", sync_run_views.do, name="provider-account-sync-do"),
    path("<slug:entity>/link-names/", sync_views.link_names, name="provider-account-sync-link-names"),
    path("<slug:entity>/<int:record>/", sync_views.record, name="provider-account-sync-record"),
    path("<slug:entity>/<int:record>/link/", sync_views.link, name="provider-account-sync-link"),
]

HANDSET: list[URLPattern | URLResolver] = [
    path("handset/", handset_views.handset, name="handset"),
    path("handset/numbers/", handset_views.numbers, name="handset-numbers"),
    path("handset/dial/", handset_views.turn_dial, name="handset-dial"),
    path("handset/<int:msisdn>/", handset_views.handset, name="handset-number"),
    path("handset/<int:msisdn>/thread/", handset_views.thread, name="handset-thread"),
    path("handset/<int:msisdn>/links/", handset_views.links, name="handset-links"),
    path("handset/<int:msisdn>/tap/", handset_views.tap_link, name="handset-tap"),
    path("handset/<int:msisdn>/reply/", handset_views.reply, name="handset-reply"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    *ACCOUNTS,
    path("providers/routes/", include(ROUTES)),
    path("providers/<int:pk>/sync/", include(SYNC)),
    *HANDSET,
    re_path(rf"^{HOOK_PATH}/$", webhooks.receive, name="provider-webhook"),
    # Some people cut the slash off when they copy the address; a redirect would lose the body.
    re_path(rf"^{HOOK_PATH}$", webhooks.receive),
]

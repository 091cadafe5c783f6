"""Pages of campaigns and broadcasts."""

from django.urls import path, re_path

from campaigns.views import (
    campaigns,
    clicks,
    composer,
    dashboard,
    listing,
    missed,
    numbers,
    palette,
    report,
    review,
    segments,
    this_copy,
)

MSISDN = "(?P<msisdn>[0-9]{1,15})"

urlpatterns = [
    path("", dashboard.home, name="home"),
    path("this-copy/", this_copy.this_copy, name="this-copy"),
    path("palette/", palette.palette, name="palette"),
    path("running/", dashboard.running, name="home-running"),
    path("broadcasts/", listing.broadcast_list, name="broadcast-list"),
    path("broadcasts/new/", listing.broadcast_new, name="broadcast-new"),
    path("broadcasts/<int:pk>/", report.broadcast_detail, name="broadcast-detail"),
    path("broadcasts/<int:pk>/bar/", listing.broadcast_bar, name="broadcast-bar"),
    path("broadcasts/<int:pk>/duplicate/", listing.broadcast_duplicate, name="broadcast-duplicate"),
    path("broadcasts/<int:pk>/template/", listing.broadcast_template, name="broadcast-template"),
    path("broadcasts/<int:pk>/delete/", listing.broadcast_delete, name="broadcast-delete"),
    path("broadcasts/<int:pk>/edit/", composer.broadcast_edit, name="broadcast-edit"),
    path("broadcasts/<int:pk>/edit/numbers/", composer.broadcast_numbers, name="broadcast-numbers"),
    path("broadcasts/<int:pk>/edit/people/", composer.broadcast_people, name="broadcast-people"),
    path("broadcasts/<int:pk>/test/", composer.broadcast_test, name="broadcast-test"),
    path(
        "broadcasts/<int:pk>/test/<int:message_pk>/",
        composer.broadcast_test_result,
        name="broadcast-test-result",
    ),
    path("broadcasts/<int:pk>/review/", review.broadcast_review, name="broadcast-review"),
    path("broadcasts/<int:pk>/unschedule/", review.broadcast_unschedule, name="broadcast-unschedule"),
    path("broadcasts/<int:pk>/head/", report.broadcast_head, name="broadcast-head"),
    path("broadcasts/<int:pk>/chart.json", report.broadcast_chart, name="broadcast-chart"),
    path("broadcasts/<int:pk>/clicks/", clicks.broadcast_clicks, name="broadcast-clicks"),
    path("broadcasts/<int:pk>/messages.csv", report.broadcast_csv, name="broadcast-csv"),
    path(
        "broadcasts/<int:pk>/messages/<int:message_pk>/", report.broadcast_message, name="broadcast-message"
    ),
    path("broadcasts/<int:pk>/pause/", report.broadcast_pause, name="broadcast-pause"),
    path("broadcasts/<int:pk>/resume/", report.broadcast_resume, name="broadcast-resume"),
    path("broadcasts/<int:pk>/stop/", report.broadcast_stop, name="broadcast-stop"),
    path("broadcasts/<int:pk>/continue/", segments.broadcast_continue, name="broadcast-continue"),
    path("broadcasts/<int:pk>/missed/", missed.broadcast_missed, name="broadcast-missed"),
    path("broadcasts/<int:pk>/missed/draft/", missed.broadcast_missed_draft, name="broadcast-missed-draft"),
    path("broadcasts/<int:pk>/settle/", missed.broadcast_settle, name="broadcast-settle"),
    re_path(rf"^numbers/{MSISDN}/$", numbers.number_detail, name="number-detail"),
    re_path(rf"^numbers/{MSISDN}/opt-out/$", numbers.number_opt_out, name="number-opt-out"),
    re_path(rf"^numbers/{MSISDN}/opt-in/$", numbers.number_opt_in, name="number-opt-in"),
    re_path(rf"^numbers/{MSISDN}/erase/$", numbers.number_erase, name="number-erase"),
    path("campaigns/", campaigns.campaign_list, name="campaign-list"),
    path("campaigns/<int:pk>/", campaigns.campaign_detail, name="campaign-detail"),
    path("campaigns/<int:pk>/default/", campaigns.campaign_make_default, name="campaign-make-default"),
]

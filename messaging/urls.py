from django.urls import URLPattern, URLResolver, path

from messaging import review_views, sender_views

urlpatterns: list[URLPattern | URLResolver] = [
    path("senders/", sender_views.sender_list, name="sender-list"),
    path("senders/<int:pk>/", sender_views.sender_detail, name="sender-detail"),
    path("senders/<int:pk>/accounts/", sender_views.sender_accounts, name="sender-accounts"),
    path("senders/<int:pk>/enabled/", sender_views.sender_enabled, name="sender-enabled"),
    path("opt-out-reviews/", review_views.review_list, name="opt-out-review-list"),
    path("opt-out-reviews/decide/", review_views.review_decide, name="opt-out-review-decide"),
    path("opt-out-reviews/undo/", review_views.review_undo, name="opt-out-review-undo"),
]

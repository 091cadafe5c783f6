from django.urls import URLPattern, URLResolver, path

from messaging import sender_views

urlpatterns: list[URLPattern | URLResolver] = [
    path("senders/", sender_views.sender_list, name="sender-list"),
    path("senders/<int:pk>/", sender_views.sender_detail, name="sender-detail"),
    path("senders/<int:pk>/accounts/", sender_views.sender_accounts, name="sender-accounts"),
    path("senders/<int:pk>/enabled/", sender_views.sender_enabled, name="sender-enabled"),
]

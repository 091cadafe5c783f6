from allauth.account import views as sign_in
from django.urls import URLPattern, URLResolver, include, path, re_path

from accounts import settings_views, views

# allauth's own, only those that Crier offers: nobody signs up or manages addresses by themselves.
SIGN_IN: list[URLPattern | URLResolver] = [
    path("login/", sign_in.login, name="account_login"),
    path("logout/", sign_in.logout, name="account_logout"),
    path("inactive/", sign_in.account_inactive, name="account_inactive"),
    path("reauthenticate/", sign_in.reauthenticate, name="account_reauthenticate"),
    path("password/change/", sign_in.password_change, name="account_change_password"),
    path("password/set/", sign_in.password_set, name="account_set_password"),
    path("password/reset/", sign_in.password_reset, name="account_reset_password"),
    path("password/reset/done/", sign_in.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        sign_in.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("settings/mfa/", include("allauth.mfa.urls")),
]

SETTINGS: list[URLPattern | URLResolver] = [
    path("settings/", settings_views.general, name="settings-general"),
    path("settings/texts/", settings_views.texts, name="settings-texts"),
    path("settings/sending/", settings_views.sending, name="settings-sending"),
    path("settings/team/", settings_views.team, name="settings-team"),
    path("settings/team/<int:pk>/role/", settings_views.change_role, name="member-role"),
    path("settings/team/<int:pk>/remove/", settings_views.remove_member, name="member-remove"),
    path(
        "settings/team/invitations/<int:pk>/withdraw/",
        settings_views.withdraw_invitation,
        name="invitation-withdraw",
    ),
    path("settings/keys/", settings_views.keys, name="settings-keys"),
    path("settings/keys/<int:pk>/revoke/", settings_views.revoke_key, name="key-revoke"),
    path("settings/audit/", settings_views.audit_trail, name="settings-audit"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    *SIGN_IN,
    path("setup/", views.setup, name="setup"),
    path("join/<str:token>/", views.join, name="join"),
    path("workspaces/switch/", views.switch_workspace, name="workspace-switch"),
    path("workspaces/new/", views.new_workspace, name="workspace-new"),
    *SETTINGS,
]

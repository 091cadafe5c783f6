from django.urls import path

from web import views
from web.api_page import api_page

urlpatterns = [
    path("api/v1/", api_page, name="api-page"),
    path("styleguide/", views.styleguide, name="styleguide"),
]

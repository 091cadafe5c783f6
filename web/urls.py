from django.urls import path, re_path

from web import views
from web.api_addresses import rest_of_api
from web.api_page import api_page

urlpatterns = [
    path("api/v1/", api_page, name="api-page"),
    # After all endpoints, see config.urls.
    re_path("^api/", rest_of_api, name="api-rest"),
    path("styleguide/", views.styleguide, name="styleguide"),
]

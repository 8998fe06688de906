"""Where things are: the API below `/api`, the token endpoint at `/oauth/token`."""

from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import TokenView
from shop.api import router

urlpatterns = [
    path("api/", include(router.urls)),
    path("oauth/token", csrf_exempt(TokenView.as_view())),
]

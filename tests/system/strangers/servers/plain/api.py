"""Serializer, view and routes, as the framework's own tutorial writes them."""

from django.urls import include, path
from plain.models import Item
from rest_framework import routers, serializers, viewsets


class ItemSerializer(serializers.ModelSerializer):
    """All fields of an item."""

    class Meta:
        model = Item
        fields = "__all__"


class ItemView(viewsets.ModelViewSet):
    """Items: list, read, update."""

    queryset = Item.objects.all()
    serializer_class = ItemSerializer
    filterset_fields = ("code",)


router = routers.DefaultRouter()
router.register("items", ItemView)
urlpatterns = [path("api/", include(router.urls))]

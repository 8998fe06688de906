"""Serializers, views and routes: what the packages give, for four types."""

import os
from typing import ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.db.models import F
from rest_framework import routers
from rest_framework_json_api import serializers, views
from rest_framework_json_api.pagination import JsonApiPageNumberPagination
from shop import models
from shop.filters import Found


class OrderSerializer(serializers.ModelSerializer):
    """`orders`."""

    class Meta:
        model = models.Order
        fields = ("reference", "reference_origin", "metadata")
        resource_name = "orders"


class StripePaymentSerializer(serializers.ModelSerializer):
    """`stripe_payments`."""

    included_serializers: ClassVar = {"order": OrderSerializer}

    class Meta:
        model = models.StripePayment
        exclude = ("id",)
        resource_name = "stripe_payments"


class SkuSerializer(serializers.ModelSerializer):
    """`skus`."""

    class Meta:
        model = models.Sku
        exclude = ("id",)
        resource_name = "skus"


class CustomerSerializer(serializers.ModelSerializer):
    """`customers`, with Django's own normalisation of an address: the domain in small letters."""

    class Meta:
        model = models.Customer
        exclude = ("id",)
        resource_name = "customers"

    def validate_email(self, value):
        return BaseUserManager.normalize_email(value)


class AuthorizationSerializer(serializers.ModelSerializer):
    """`authorizations`, with a trigger."""

    _capture = serializers.BooleanField(write_only=True, required=False)

    class Meta:
        model = models.Authorization
        exclude = ("id",)
        read_only_fields = ("captured",)
        resource_name = "authorizations"

    def update(self, instance, validated_data):
        fired = validated_data.pop("_capture", False)
        saved = super().update(instance, validated_data)
        if fired:
            models.Authorization.objects.filter(pk=saved.pk).update(captured=F("captured") + 1)
        return saved


class Pages(JsonApiPageNumberPagination):
    """The package's own pages, with a largest size that may be below what a client asks for."""

    max_page_size = int(os.environ.get("SHOP_PAGE_CAP", "100"))


def _view(serializer):
    model = serializer.Meta.model
    filters = type(f"{model.__name__}Found", (Found,), {"Meta": type("Meta", (), {"model": model, "fields": []})})
    body = {
        "queryset": model.objects.all(),
        "serializer_class": serializer,
        "filterset_class": filters,
        "pagination_class": Pages,
        "required_scopes": ["write"],
    }
    return type(f"{model.__name__}View", (views.ModelViewSet,), body)


router = routers.SimpleRouter(trailing_slash=False)
for each in (OrderSerializer, StripePaymentSerializer, SkuSerializer, CustomerSerializer, AuthorizationSerializer):
    router.register(each.Meta.resource_name, _view(each))

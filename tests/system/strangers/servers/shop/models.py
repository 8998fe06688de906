"""Records in the shape of Commerce Layer's, in a real SQLite file."""

# ruff: noqa: DJ001, DJ008
from django.db import models


class Record(models.Model):
    """What all types have in common."""

    id = models.CharField(primary_key=True, max_length=24)
    reference = models.CharField(max_length=40, null=True, blank=True)
    reference_origin = models.CharField(max_length=40, null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        ordering = ("created_at", "id")


class Order(Record):
    """Something to link."""


class StripePayment(Record):
    """`stripe_payments`."""

    options = models.JSONField(default=dict, blank=True)
    return_url = models.URLField(null=True, blank=True)
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.SET_NULL)


class Sku(Record):
    """`skus`."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.TextField(null=True, blank=True)
    image_url = models.URLField(null=True, blank=True)
    pieces_per_pack = models.PositiveIntegerField(null=True, blank=True)
    weight = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    unit_of_weight = models.CharField(
        max_length=2, null=True, blank=True, choices=[("gr", "gr"), ("oz", "oz"), ("lb", "lb")]
    )
    do_not_ship = models.BooleanField(default=False)


class Customer(Record):
    """`customers`."""

    email = models.EmailField(unique=True)
    tax_exemption_code = models.SlugField(null=True, blank=True)


class Authorization(Record):
    """`authorizations`: an update with `_capture` moves money, once for each time it arrives."""

    captured = models.PositiveIntegerField(default=0)

"""Items, in a real SQLite file."""

# ruff: noqa: DJ001, DJ008
from django.db import models


class Item(models.Model):
    """One record of the sheet."""

    title = models.TextField()
    code = models.CharField(max_length=20, unique=True)
    count = models.IntegerField(default=0)
    active = models.BooleanField(default=False)
    note = models.TextField(null=True, blank=True)
    kept = models.TextField(blank=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, null=True, blank=True)
    due = models.DateTimeField(null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("pk",)

"""The one thing that neither package has: Commerce Layer's way to spell a filter, `filter[q][id_in]=a,b`."""

import re

from django_filters import rest_framework as filters
from rest_framework_json_api import django_filters


class RansackFilter(django_filters.DjangoFilterBackend):
    """The package's own backend, with `filter[q][NAME]` in place of `filter[NAME]`."""

    filter_regex = re.compile(r"^filter\[q\](?P<ldelim>\[?)(?P<assoc>[\w\.\-]*)(?P<rdelim>\]?$)")


class In(filters.BaseInFilter, filters.CharFilter):
    """Several values with commas between them."""


class Found(filters.FilterSet):
    """The filters that a client of Commerce Layer may ask for here."""

    id_in = In(field_name="id", lookup_expr="in")
    id_eq = filters.CharFilter(field_name="id")
    reference_in = In(field_name="reference", lookup_expr="in")
    reference_eq = filters.CharFilter(field_name="reference")

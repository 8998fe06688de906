"""Make the database, a user with a token and the items that standard input holds, then serve them on loopback.

python -m plain.serve PORT TOKEN < items.json
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plain.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from plain.models import Item  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from waitress import serve  # noqa: E402


def main() -> None:
    """Prepare, serve."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
    call_command("migrate", run_syncdb=True, verbosity=0)
    user, _ = User.objects.get_or_create(username="eve")
    Token.objects.get_or_create(user=user, key=sys.argv[2])
    Item.objects.bulk_create(Item(**each) for each in json.load(sys.stdin))
    serve(get_wsgi_application(), host="127.0.0.1", port=int(sys.argv[1]), threads=8, ident="waitress")


if __name__ == "__main__":
    main()

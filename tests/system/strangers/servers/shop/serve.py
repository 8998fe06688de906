"""Make the database, the client and the records that standard input names, then serve them on loopback.

    python -m shop.serve PORT < records.json

`records.json` is `{MODEL: [{FIELD: VALUE}]}`. The database of an earlier process is taken up as it is.
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django.setup()

from django.apps import apps  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402
from waitress import serve  # noqa: E402


def main() -> None:
    """Prepare, say so, serve."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
    call_command("migrate", run_syncdb=True, verbosity=0)
    Application.objects.get_or_create(
        client_id="stranger",
        client_secret="made-up",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        hash_client_secret=False,
    )
    for name, records in json.load(sys.stdin).items():
        model = apps.get_model("shop", name)
        model.objects.bulk_create(model(**each) for each in records)
    serve(get_wsgi_application(), host="127.0.0.1", port=int(sys.argv[1]), threads=8, ident="waitress")


if __name__ == "__main__":
    main()

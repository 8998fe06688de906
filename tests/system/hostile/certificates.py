"""Certificates that are good, and those that are not, made by the `openssl` program."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Signing:
    """What a certificate says: good for `host` for so many days (negative: over), `by` the authority or itself."""

    name: str
    host: str = "127.0.0.1"
    days: int = 2
    by: str = "authority"


@dataclass(frozen=True, slots=True)
class Certificates:
    """A made-up authority and what it signs, in a folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority's own certificate."""
        return self.folder / "authority.pem"

    def found(self) -> None:
        """Make the authority."""
        self._key("authority", "-x509", "-days", "2", "-subj", "/CN=made-up authority")

    def signed(self, signing: Signing) -> ssl.SSLContext:
        """A server's side of TLS with such a certificate."""
        place = self.folder / signing.name
        key, certificate, names = (place.with_suffix(suffix) for suffix in (".key", ".crt", ".ext"))
        self._key(signing.name, "-subj", f"/CN={signing.host}")
        names.write_text(f"subjectAltName={'IP' if signing.host[0].isdigit() else 'DNS'}:{signing.host}")
        signer = ("-CA", self.authority, "-CAkey", self.authority.with_suffix(".key"), "-CAcreateserial")
        chain = ("-signkey", key) if signing.by == signing.name else signer
        request = place.with_suffix(".pem")
        _openssl(
            "x509", "-req", "-in", request, *chain, "-days", str(signing.days), "-extfile", names, "-out", certificate
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def _key(self, name: str, *what: str) -> None:
        """A key, and a request for its certificate (or the certificate, where `what` says so)."""
        place = self.folder / name
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        _openssl("req", *kind, "-keyout", place.with_suffix(".key"), "-out", place.with_suffix(".pem"), *what)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)

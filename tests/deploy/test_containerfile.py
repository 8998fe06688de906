"""The image: its parts exist, its wheel can be built and is whole, and it does not run as root."""

import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

from tests.deploy.files import read
from tests.docs.documents import ROOT

STEPS = re.findall(r"^([A-Z]+) (.+)$", read("Containerfile"), re.MULTILINE)


def of(kind: str) -> list[str]:
    return [what for each, what in STEPS if each == kind]


def copied() -> list[str]:
    """What of the repository goes into the image or its making."""
    return [word for what in of("COPY") if not what.startswith("--from") for word in what.split()[:-1]]


def test_what_is_copied_exists() -> None:
    assert [name for name in copied() if not (ROOT / name).exists()] == []


def test_packages_from_outside_are_pinned_by_hash() -> None:
    for step in of("RUN"):
        if "pip install" in step:
            assert "--require-hashes" in step or ("--no-deps" in step and "/tmp/wheels/" in step), step


def test_the_wheel_is_built_and_holds_all_that_the_program_reads(tmp_path: Path) -> None:
    (build,) = (step for step in of("RUN") if "pip wheel" in step)
    source, wheels = tmp_path / "src", tmp_path / "wheels"
    for name in copied():
        path = ROOT / name
        to = source / name
        to.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, to)
    words = [str(wheels) if word == "/wheels" else word for word in shlex.split(build)]
    assert words[0] == "python"
    command = [sys.executable, *words[1:], "--quiet", "--disable-pip-version-check"]
    subprocess.run(command, cwd=source, check=True, timeout=300)
    (wheel,) = wheels.glob("rowpatch-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    data = (path for room in ("jobs", "worker", "rowpatch") for path in (ROOT / room).rglob("*") if path.is_file())
    names = {path.relative_to(ROOT).as_posix() for path in data if "__pycache__" not in path.parts}
    assert names - inside == set()


def test_it_starts_the_program_and_not_as_root() -> None:
    assert of("ENTRYPOINT") == ['["rowpatch"]']
    user, _, group = of("USER")[-1].partition(":")
    assert int(user) > 0 < int(group)
    assert [kind for kind, _ in STEPS].index("USER") > max(n for n, (kind, _) in enumerate(STEPS) if kind == "RUN")


def test_the_image_has_the_version_of_the_program_and_the_manifest_takes_it() -> None:
    tag = f"rowpatch:{version('rowpatch')}"
    assert f"--tag {tag} " in read("Containerfile")
    assert f"image: {tag}\n" in read("kubernetes.yaml")

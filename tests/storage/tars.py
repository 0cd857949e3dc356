"""Tars of all kinds: a backup's own members, and others that somebody made up; and a shop worth backing up."""

from __future__ import annotations

import hashlib
import io
import tarfile

from cardpipe.model.order import Scope
from cardpipe.storage.artifacts import FolderArtifacts
from cardpipe.storage.backup import write_backup

SCOPE = Scope()
PARTS = ["backup.json", "cardpipe.db", "secret"]


def stocked(store, tmp_path, order, batch):
    """A shop with orders of two tenants, a batch that is imposed, and artifacts; its secret; its artifacts."""
    artifacts, secret = FolderArtifacts(tmp_path / "artifacts"), tmp_path / "secret"
    secret.write_text("s" * 64)
    secret.chmod(0o600)
    batch(store, 3)
    store.add_order(order(1, tenant="acme", mode="test"))
    for scope in (SCOPE, Scope("acme", "test")):
        for number in range(5):
            artifacts.put(scope, b"picture %d " % number * 100 * number)
    return store, artifacts, secret


def packed(house, tmp_path):
    store, artifacts, secret = house
    file = tmp_path / "cardpipe.tar"
    with file.open("wb") as out:
        made = write_backup(store.db, artifacts, secret, out)
    return file, made


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def members(file):
    with tarfile.open(file) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar.getmembers()]


def a_tar(place, parts, **other):
    """A tar of these (name, bytes), and links and such where a TarInfo is given."""
    with tarfile.open(place, "w", **other) as tar:
        for name, data in parts:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return place


def listed(parts):
    """These members with a list that is true of them."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n".encode() for name, data in parts]
    return [*parts, ("manifest.sha256", b"".join(lines))]

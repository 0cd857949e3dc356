"""``cardpipe backup``, ``restore``, ``reconcile``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cardpipe.cli import show
from cardpipe.cli.handing import user
from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.settings import settings
from cardpipe.wiring import shop
from cardpipe.worker.lock import FolderLock

if TYPE_CHECKING:
    from cardpipe.lettershop.manifest import Row

_MANIFEST = "_MANIFEST.json"


def backup(file: Path, as_json: bool) -> None:
    """Write a backup beside its name, and give it its name when it is whole."""
    from cardpipe.storage.backup import write_backup

    house = shop()
    _ = house.secret  # made now, if it never was: a backup without it could not be restored whole
    beside = file.with_name(f".{file.name}.part")
    if file.exists():
        found = error("backup.exists", "FILE", f"{file} is there already", "name a new file, or remove it first")
        raise Conflict("Nothing was written.", [found])
    try:
        with beside.open("xb") as out:
            made = write_backup(house.store.db, house.artifacts, house.settings.data / "secret", out)
        beside.rename(file)
    except OSError as problem:
        raise Unavailable(f"the backup could not be written: {problem.strerror}") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    house.store.audit(house.settings.tenant, f"user:{user()}", "backup", "installation", artifacts=made.artifacts)
    size = file.stat().st_size
    told = {"file": str(file), "artifacts": made.artifacts, "bytes": size}
    show.data(told, as_json, f"{file}: the database and {made.artifacts} artifacts, {size / 1e6:.1f} MB")


def restore(file: Path, as_json: bool) -> None:
    """Restore into the data folder of the settings, which must be empty."""
    from cardpipe.storage.restore import read_backup

    data = settings().data
    if settings().database_url or settings().artifacts_url:
        remedy = "unset both; or restore the servers with their own tools, then run 'cardpipe reconcile'"
        found = error("restore.servers", "CARDPIPE_DATABASE_URL", "a backup goes into a data folder", remedy)
        raise Refused("Nothing was restored.", [found])
    made = read_backup(file, data)
    house = shop()
    why = house.store.paused() or ""
    show.words(f"releases are paused: {why}")
    show.words("show it what was delivered since: cardpipe reconcile FOLDER …, then cardpipe reconcile --done REASON")
    with suppress(Refused):  # of a list that cannot be read every other command tells
        if houses := [each.name for each in house.houses]:
            show.words(f"it must be shown the folders of every house: {', '.join(houses)}, and the shop's own")
    show.data({"data": str(data), "artifacts": made.artifacts, "paused": why}, as_json, f"restored into {data}")


def reconcile(folders: list[Path], done: str, restored: str, as_json: bool) -> None:
    """Compare delivered batches with what is stored; with ``done``, let releases go on. ``restored``: pause them first,
    since somebody restored the database behind our back."""
    from cardpipe.pipeline.restored import reconcile as compare

    house = shop()
    actor = f"user:{user()}"
    if restored:
        house.store.restored(f"restored from {restored}: reconcile it with what was delivered", actor)
    paused = house.store.paused()
    if paused is None:
        show.words("nothing is paused; what was delivered is compared all the same")
    lock = FolderLock(house.settings.data)
    lock.take()  # nobody composes or gathers while it is found out what must not be printed again
    try:
        found = compare(house, house.scope, _manifests(folders), actor)
        house.store.audit(house.scope.tenant, actor, "reconcile", "installation", known=len(found.known),
                          taken_out=len(found.taken_out), written_down=len(found.written_down))  # fmt: skip
        if done:
            house.store.pause(None, actor)
    finally:
        lock.release()
    told = {"known": found.known, "taken_out": found.taken_out, "written_down": found.written_down,
            "batches_held": found.batches_held, "paused": house.store.paused()}  # fmt: skip
    plain = (
        f"{len(found.known)} delivered pieces are known as such, {len(found.taken_out)} were taken out of the flow, "
        f"{len(found.written_down)} were not known and are written down, {len(found.batches_held)} batches are held; "
        + ("releases go on" if told["paused"] is None else "releases are still paused: end that with --done REASON")
    )
    show.data(told, as_json, plain)


def _manifests(folders: list[Path]) -> Iterator[tuple[str, list[Row]]]:
    """The manifests of all batch folders below these. Raises Refused for a folder that holds none."""
    from cardpipe.lettershop.manifest import read_json

    for folder in folders:
        found = sorted(folder.glob(f"**/*{_MANIFEST}")) if folder.is_dir() else []
        if not found:
            remedy = "name the folder that batches were released to, or a copy of it"
            wrong = error("reconcile.folder", str(folder), "holds no delivered batch", remedy)
            raise Refused("Nothing to compare with.", [wrong])
        for path in found:
            yield path.name.removesuffix(_MANIFEST), read_json(path.read_bytes())[0]

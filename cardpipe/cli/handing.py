"""``cardpipe batch``, on the way out: eject, presort, release, verify, export."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from cardpipe.cli import show
from cardpipe.cli.pressrun import actor, path_of, progress, wait_imposed
from cardpipe.cli.serving import working
from cardpipe.lettershop.scanlist import numbers
from cardpipe.model.batch import Batch
from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.wiring import Shop, shop


def user() -> str:
    """Who is at the keyboard, for the log."""
    return getpass.getuser()


def eject(key: str, pieces: list[str], reason: str, as_json: bool) -> None:
    """Take pieces out, and write the files of the rest anew."""
    from cardpipe.pipeline import gather

    house = shop()
    batch = gather.eject(house, house.scope, key, numbers(" ".join(pieces)), reason, user())
    _anew(house, batch, f"{key}: ejected", as_json)


def presort_list(key: str, out: Path, as_json: bool) -> None:
    """Write the list for the house."""
    from cardpipe.pipeline import gather

    house = shop()
    data = gather.presort_list(house, house.scope, key)
    try:
        out.write_bytes(data)
    except OSError as problem:
        raise Unavailable(f"{out} cannot be written: {problem.strerror}") from None
    count = data.count(b"\n") - 1
    show.data({"file": str(out), "records": count}, as_json, f"{count} records  {out}")


def presort_take(key: str, file: Path, as_json: bool) -> None:
    """Take the house's return file, and write the batch's files in its order."""
    from cardpipe.pipeline import gather

    house = shop()
    batch = gather.take_presort(house, house.scope, key, read(file), user())
    _anew(house, batch, f"{key}: in the order of the presort", as_json)


def release(key: str, to: str, out: Path | None, as_json: bool) -> None:
    """Hand a batch to the house."""
    from cardpipe.pipeline import release as releasing
    from cardpipe.pipeline import routing

    house = shop()
    if to and out is not None:
        raise Refused("give --to or --out, not both")
    batch = house.store.batch(house.scope, key)
    target = out.resolve().as_uri() if out is not None else routing.target(house, batch, to) or house.settings.delivery
    if not target:
        remedy = "give --to or --out, or name a place in CARDPIPE_DELIVERY"
        raise Refused("where to?", [error("delivery.target", "--to", "no place is named", remedy)])
    place = releasing.release(house, house.scope, key, target, actor())
    batch = house.store.batch(house.scope, key)
    show.data(
        {"name": batch.name, "state": str(batch.state), "place": path_of(place)},
        as_json,
        f"{batch.name} released: {path_of(place)}",
    )


def verify_folder(folder: Path, as_json: bool) -> None:
    """Print what is wrong with a delivered folder; exit 2 when anything is."""
    from cardpipe.pipeline import verify

    name, findings = verify.folder(_opener(folder), [path.name for path in _listed(folder)])
    value = {"name": name, "ok": not findings, "findings": [finding.as_dict() for finding in findings]}
    plain = (
        show.findings_table(((name, finding) for finding in findings), "delivery") if findings else f"{name} verifies"
    )
    show.data(value, as_json, plain)
    if findings:
        raise SystemExit(Refused.exit_code)


def export(key: str, out: Path, as_json: bool) -> None:
    """Write a released batch's files once more. Before its release they may still change, and are not given out."""
    from cardpipe.pipeline import release as releasing

    house = shop()
    batch = house.store.batch(house.scope, key)
    if not releasing.is_released(batch):
        remedy = f"run 'cardpipe batch release {batch.name} --out FOLDER'"
        raise Conflict(
            f"batch {batch.name} is not released; its files may still change",
            [error("batch.not_released", batch.name, f"it is {batch.state}", remedy)],
        )
    # first: what is written was given out, however it ends
    house.store.audit(
        house.scope.tenant, actor(), "download", batch.id, batch=batch.name, mode=house.scope.mode, file="all"
    )
    place = house.delivery(out.resolve().as_uri())
    folder = place.deliver(batch.bundle, releasing.opener(house, house.scope))
    for remake in house.store.remakes(house.scope, batch.id):
        if remake.made:
            place.deliver(remake.bundle(batch), releasing.opener(house, house.scope))
    show.data({"name": batch.name, "folder": path_of(folder)}, as_json, path_of(folder))


def read(file: Path) -> bytes:
    """A file from the command line. Raises Refused where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as problem:
        what = problem.strerror or "cannot be read"
        raise Refused(f"{file}: {what}", [error("file.unreadable", str(file), what, "give a readable file")]) from None


def _anew(house: Shop, batch: Batch, what: str, as_json: bool) -> None:
    """Wait for the files of a batch that has changed."""
    if batch.pieces:
        with working(house.settings) as force, progress("imposing and proving") as tick:
            (batch,) = wait_imposed(force, lambda: [house.store.batch(house.scope, batch.id)], tick)
    value = {"name": batch.name, "state": str(batch.state), "revision": batch.revision, "pieces": batch.pieces}
    show.data(value, as_json, f"{what}; now {batch.name}, {batch.state}")


def _opener(folder: Path) -> Callable[[str], BinaryIO]:
    def opened(name: str) -> BinaryIO:
        if name != Path(name).name or name in ("", ".", ".."):
            raise Refused("the folder names files outside of it", [_outside(name)])
        path = folder / name
        try:
            if path.is_symlink():
                raise Refused("the folder names files outside of it", [_outside(name)])
            return path.open("rb")
        except OSError as problem:
            what = problem.strerror or "cannot be read"
            raise Refused(f"{name}: {what}", [error("file.unreadable", name, what, "deliver it again")]) from None

    return opened


def _outside(name: str) -> Finding:
    return error("verify.path", name[:80], "is no plain file of this folder", "look who changed it")


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as problem:
        what = problem.strerror or "cannot be read"
        raise Refused(f"{folder}: {what}", [error("file.unreadable", str(folder), what, "give a folder")]) from None

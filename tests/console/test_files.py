"""What leaves the shop by download: whole, compared with its digest, and a second time only with a reason."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from cardpipe.model.batch import Batch, BatchFile
from cardpipe.model.errors import Bug
from cardpipe.model.user import Role
from cardpipe.pipeline import giving
from tests.console.conftest import Browse
from tests.console.floor import SCOPE
from tests.console.test_batch import act, release, text
from tests.pipeline.shopfloor import House


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def fetched(house: House, batch: Batch) -> list[tuple[str, str, str]]:
    """Who got what and why, oldest first."""
    entries = house.store.given_out(SCOPE, batch.id)
    return [
        (e.actor, str(e.detail["file"]), str(e.detail.get("reason", ""))) for e in entries if e.action == "download"
    ]


def test_nothing_is_given_out_before_the_release(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    assert operator.send_form(f"/batches/{batch.name}/zip").status_code in (409, 422)
    for file in batch.files:
        answer = operator.send_form(f"/batches/{batch.name}/files/{file.name}", {"reason": "look"})
        assert answer.status_code == 409, file.name
    assert fetched(seeded, batch) == []


def test_the_zip_holds_every_file_and_its_sums(seeded: House, browse: Browse, batch: Batch, tmp_path: Path) -> None:
    operator = browse()
    batch = release(seeded, operator, batch)
    answer = operator.send_form(f"/batches/{batch.name}/zip")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    assert len(answer.content) == int(answer.headers["content-length"])
    assert f"{batch.name}.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        got = {Path(name).name: packed.read(name) for name in packed.namelist()}
        packed.extractall(tmp_path)
    assert {file.name: file.sha256 for file in batch.files} == {
        name: sha256(data) for name, data in got.items() if name != "SHA256SUMS"
    }
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path / batch.name, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.count(": OK") == len(batch.files), done.stderr
    assert fetched(seeded, batch) == [("user:the-operator", "all", "")]


def test_a_second_download_asks_why_and_is_written_down(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    batch = release(seeded, operator, batch)
    card = next(file for file in batch.files if "_CARD" in file.name)
    ticket = next(file for file in batch.files if file.name.endswith("_TICKET.pdf"))
    first = operator.send_form(f"/batches/{batch.name}/files/{card.name}")
    assert sha256(first.content) == card.sha256 and first.headers["content-type"] == "application/pdf"
    asked = operator.send_form(f"/batches/{batch.name}/files/{card.name}")
    assert asked.headers["content-type"].startswith("text/html") and "Say why" in text(asked.text)
    assert "Fetched by the-operator" in text(asked.text)
    made_up = operator.send_form(f"/batches/{batch.name}/files/{card.name}", {"reason": "because"})
    assert made_up.headers["content-type"].startswith("text/html")
    again = operator.send_form(f"/batches/{batch.name}/files/{card.name}", {"reason": "damaged"})
    assert sha256(again.content) == card.sha256
    whole = operator.send_form(f"/batches/{batch.name}/zip")
    assert whole.headers["content-type"].startswith("text/html")  # the card is in it
    for _ in range(2):  # nobody prints a card from a ticket
        assert operator.send_form(f"/batches/{batch.name}/files/{ticket.name}").content[:5] == b"%PDF-"
    assert fetched(seeded, batch) == [
        ("user:the-operator", card.name, ""), ("user:the-operator", card.name, "damaged"),
        ("user:the-operator", ticket.name, ""), ("user:the-operator", ticket.name, ""),
    ]  # fmt: skip
    shown = text(operator.get(f"/batches/{batch.name}").text)
    assert f"Fetched {card.name}: {giving.REASONS['damaged']}" in shown


def test_what_was_handed_to_a_place_is_downloaded_with_a_reason(
    seeded: House, browse: Browse, batch: Batch, tmp_path: Path
) -> None:
    seeded.settings = seeded.settings.model_copy(update={"delivery": (tmp_path / "house").as_uri()})
    operator = browse()
    act(operator, batch, "release", way="house:", count=str(batch.pieces))
    seeded.run_steps()
    asked = operator.send_form(f"/batches/{batch.name}/zip")
    assert "Handed over to file://" in text(asked.text)
    answer = operator.send_form(f"/batches/{batch.name}/zip", {"reason": "lost"})
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None


def test_a_remake_has_its_own_files(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    batch = release(seeded, operator, batch)
    operator.send_form(f"/batches/{batch.name}/zip")
    act(operator, batch, "spoil", pieces="1-2", reason="torn")
    seeded.run_steps()
    (remake,) = seeded.store.remakes(SCOPE, batch.id)
    answer = operator.send_form(f"/batches/{batch.name}/remakes/1/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        digests = {sha256(packed.read(name)) for name in packed.namelist() if not name.endswith("/SHA256SUMS")}
    assert digests == {file.sha256 for file in remake.files}
    assert operator.send_form(f"/batches/{batch.name}/remakes/1/zip").headers["content-type"].startswith("text/html")
    assert operator.send_form(f"/batches/{batch.name}/remakes/2/zip").status_code == 404


def test_a_viewer_gets_no_file(seeded: House, browse: Browse, batch: Batch) -> None:
    batch = release(seeded, browse(Role.OPERATOR), batch)
    assert browse(Role.VIEWER).send_form(f"/batches/{batch.name}/zip").status_code == 403
    assert fetched(seeded, batch) == []


def test_a_damaged_file_breaks_off(seeded: House, browse: Browse, batch: Batch) -> None:
    batch = release(seeded, browse(), batch)
    card = batch.files[0]
    folder = seeded.settings.artifacts
    assert folder is not None
    (path,) = folder.rglob(f"*{card.sha256[4:]}*")
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    stream, _ = giving.zipped(seeded, SCOPE, batch.bundle)
    sent = 0
    with pytest.raises(Bug):
        for part in stream:
            sent += len(part)
    assert sent < card.size
    with pytest.raises(Bug):
        b"".join(giving.proven(io.BytesIO(bytes(data)), card))


def test_a_missing_file_is_told_before_the_first_byte(seeded: House, batch: Batch) -> None:
    from dataclasses import replace

    gone = replace(batch.bundle, files=(*batch.files, BatchFile("X.pdf", "0" * 64, 1)))
    with pytest.raises(Bug) as bug:
        giving.zipped(seeded, SCOPE, gone)
    assert [finding.where for finding in bug.value.findings] == ["X.pdf"]


def test_the_papers_are_shown_as_pictures(browse: Browse, batch: Batch) -> None:
    viewer = browse(Role.VIEWER)
    for paper in ("TICKET.pdf", "PREFLIGHT.pdf"):
        answer = viewer.get(f"/batches/{batch.name}/papers/{batch.name}_{paper}?size=thumb")
        assert answer.headers["content-type"] == "image/png" and answer.content[:4] == b"\x89PNG"
        assert "no-cache" in answer.headers["cache-control"]
        again = viewer.get(answer.request.url, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
    assert viewer.get(f"/batches/{batch.name}/papers/{batch.name}_CARD.pdf").status_code == 404

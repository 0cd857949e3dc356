"""The main job from outside: a file of orders in, folders for the print house out."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pypdfium2 as pdfium
import zxingcpp
from PIL import Image
from running import DAY, SENDER, Cardpipe, order, write


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_good_rows_are_printed_and_bad_ones_are_said(cardpipe: Cardpipe, tmp_path: Path) -> None:
    Image.effect_noise((2000, 2600), 60).convert("RGB").save(tmp_path / "sea.jpg", quality=80)
    (tmp_path / "fake.jpg").write_bytes(b"%PDF-1.4\n%%EOF")
    bravo = {"design": "congratulations-bravo", "occasion": "congratulations"}
    (tmp_path / "orders.csv").write_text(
        "reference,occasion,message,recipient.name,recipient.street,recipient.city,recipient.state,recipient.postcode,"
        "sender.name,sender.street,sender.city,sender.state,sender.postcode,mail_on\n"
        + "".join(
            f'C-{n},thank-you,"Dear {{first_name}}, thank you for row {n}.",Ana {n},{n} Oak St,{city},AZ,85705,'
            f"June,12 Birch St,Portland,OR,97201,{'2026-12-02' if n == 3 else ''}\n"
            for n, city in enumerate(["Tucson", "", "Tucson", "Tucson"], 1)
        )
    )
    file = write(
        tmp_path / "more.ndjson",
        order(1, photo="sea.jpg", **bravo), order(2, photo="fake.jpg", **bravo), order(3, photo="../../etc/passwd", **bravo),
        order(4, design="no-such-design"), order(5, message="too long " * 330),
    )  # fmt: skip
    files = (tmp_path / "orders.csv", file)
    ran = cardpipe("print", *files, "--out", tmp_path / "out", "--mail-on", DAY, "--json", cold=True)
    assert ran.code == 2, ran.words
    refused = {
        row["reference"]: [f["code"] for f in row["findings"]] for row in ran.data["orders"] if not row["accepted"]
    }
    assert refused == {
        "C-2": ["address.city.missing"], "R-0002": ["photo.format"], "R-0003": ["picture.path"],
        "R-0004": ["design.unknown"], "R-0005": ["message.too_long"],
    }  # fmt: skip
    names = [(b["name"], b["pieces"]) for b in ran.data["batches"]]
    assert names == [("20261201_CP_A7_B01_0003pc_v1", 3), ("20261202_CP_A7_B01_0001pc_v1", 1)]
    for name, pieces in names:
        folder = tmp_path / "out" / name
        made = {path.name for path in folder.iterdir()}
        papers = ["MANIFEST.csv", "MANIFEST.json", "PREFLIGHT.json", "PREFLIGHT.pdf", "TICKET.json", "TICKET.pdf"]
        parts = ["CARD.pdf", "ENV.pdf", *papers]
        assert made == {*(f"{name}_{part}" for part in parts), f"{name}_SHA256SUMS", f"{name}.done"}
        subprocess.run(["sha256sum", "--check", "--quiet", f"{name}_SHA256SUMS"], cwd=folder, check=True)
        done = json.loads((folder / f"{name}.done").read_text())
        assert done["pieces"] == pieces and {f["name"] for f in done["files"]} == made - {f"{name}.done"}
        assert len(pdfium.PdfDocument(folder / f"{name}_CARD.pdf")) == 2 * pieces
    assert "fill in the city" in ran.words and "R-0002" in ran.words


def test_the_same_file_again_adds_nothing(cardpipe: Cardpipe, tmp_path: Path) -> None:
    file = write(tmp_path / "o.ndjson", *(order(n) for n in range(1, 4)))
    words = ("print", file, "--out", tmp_path / "out", "--mail-on", DAY)
    first = cardpipe(*words)
    before = tree(tmp_path / "out")
    again = cardpipe(*words)
    assert (first.code, again.code) == (0, 0) and "0 orders accepted, 3 known already" in again.out
    assert len(before) == 10 and tree(tmp_path / "out") == before
    elsewhere = cardpipe("print", file, "--out", tmp_path / "other", "--mail-on", "2026-12-24")
    assert elsewhere.code == 3 and "twice" in elsewhere.words, "what was released is released once"
    assert tree(tmp_path / "other") == {}
    (name,) = {path.split("/")[0] for path in before}
    assert cardpipe("batch", "export", name, "--out", tmp_path / "copy").code == 0 and tree(tmp_path / "copy") == before
    told = cardpipe("audit", "list", "--json").out
    assert '"release"' in told and '"download"' in told, "who gave files out stands in the audit log"


def test_two_empty_data_folders_give_the_same_bytes(cardpipe: Cardpipe, tmp_path: Path) -> None:
    Image.effect_noise((1900, 2500), 50).convert("RGB").save(tmp_path / "sea.jpg", quality=80)
    orders = [order(n, hand=hand) for n, hand in enumerate(("caveat", "mynerve", "zeyada", "reenie-beanie"), 1)]
    orders += [order(9, photo="sea.jpg", design="congratulations-bravo", occasion="congratulations")]
    orders += [order(10, design="sympathy-still", occasion="sympathy")]
    for name, sequence, workers in (("one", orders, "1"), ("two", orders[::-1], "2")):
        file = write(tmp_path / f"{name}.ndjson", *sequence)
        words = ("print", file, "--out", tmp_path / f"out-{name}", "--mail-on", DAY)
        ran = cardpipe(*words, data=name, cold=True, CARDPIPE_WORKERS=workers)  # cold: each hashes in its own way
        assert ran.code == 0, ran.words
    one, two = tree(tmp_path / "out-one"), tree(tmp_path / "out-two")
    assert len(one) == 20 and one == two


def test_a_worker_that_is_there_already_is_used(cardpipe: Cardpipe, tmp_path: Path) -> None:
    environment = {**os.environ, "CARDPIPE_DATA": str(tmp_path / "data")}
    command = [sys.executable, "-m", "cardpipe.cli.main", "worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as worker:
        status = tmp_path / "data" / "supervisor.json"
        until = time.monotonic() + 30
        while not status.exists() and time.monotonic() < until:
            time.sleep(0.1)
        second = cardpipe("worker")
        assert second.code == 3 and str(worker.pid) in second.words
        ran = cardpipe("print", write(tmp_path / "o.ndjson", order(1)), "--out", tmp_path / "out", "--mail-on", DAY)
        assert ran.code == 0 and worker.poll() is None
        assert json.loads(status.read_text())["pid"] == worker.pid
        assert not (tmp_path / "data" / "logs" / "supervisor.log").exists()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def test_the_same_steps_one_by_one(cardpipe: Cardpipe, tmp_path: Path) -> None:
    file = write(tmp_path / "o.ndjson", *(order(n) for n in range(1, 4)))
    assert "3 accepted" in cardpipe("order", "submit", file, "--mail-on", DAY).out
    assert cardpipe("order", "cancel", "R-0002", "--reason", "sold the house", "--json").data["state"] == "cancelled"
    closed = cardpipe("batch", "close", "--mail-on", DAY, "--json").data["batches"]
    assert [b["pieces"] for b in closed] == [2]
    name = closed[0]["name"]
    assert (
        name in cardpipe("batch", "list").out and "nothing was due" in cardpipe("batch", "close", "--mail-on", DAY).out
    )
    shown = cardpipe("order", "show", "R-0003", "--json").data
    assert shown["pieces"][0]["batch"] == name and shown["pieces"][0]["state"] == "batched"
    assert [e["to"] for e in shown["events"] if e["kind"] == "piece"] == ["waiting", "composing", "composed", "batched"]
    waiting = write(tmp_path / "w.ndjson", order(8))
    cardpipe("order", "submit", waiting, "--mail-on", DAY)
    assert cardpipe("order", "proof", "R-0008", "--out", tmp_path / "early.png").code == 2
    assert cardpipe("order", "proof", "R-0003", "--out", tmp_path / "proof.png", "--guides").code == 0
    with Image.open(tmp_path / "proof.png") as proof:
        assert proof.width > 900
    late = cardpipe("order", "cancel", "R-0003", "--reason", "too late")
    assert late.code == 3
    early = cardpipe("batch", "export", name, "--out", tmp_path / "out")
    assert early.code == 3 and "batch release" in early.words, "files that may still change are not given out"
    assert cardpipe("batch", "release", name, "--out", tmp_path / "out").code == 0
    assert cardpipe("batch", "verify", tmp_path / "out" / name).code == 0
    assert cardpipe("order", "show", "R-0003", "--json").data["pieces"][0]["state"] == "released"
    card = tmp_path / "out" / name / f"{name}_CARD.pdf"
    report = cardpipe("preflight", card, "--json")
    assert report.code == 0, report.out
    page = pdfium.PdfDocument(card)[2].render(scale=3).to_pil().convert("RGB")
    assert [r.text[-7:] for r in zxingcpp.read_barcodes(page)] == ["000002O"]
    assert cardpipe("order", "show", "R-9999").code == 2 and cardpipe("batch", "show", "no-such").code == 2
    assert cardpipe("preflight", file).code == 2


def test_another_content_under_an_old_name_is_never_overwritten(cardpipe: Cardpipe, tmp_path: Path) -> None:
    file = write(tmp_path / "o.ndjson", order(1))
    cardpipe("print", file, "--out", tmp_path / "out", "--mail-on", DAY)
    (card,) = (tmp_path / "out").rglob("*_CARD.pdf")
    card.write_bytes(b"somebody's own")
    again = cardpipe("print", file, "--out", tmp_path / "out", "--mail-on", DAY)
    assert again.code == 0 and card.read_bytes() == b"somebody's own", "it is released, and not given out again"
    assert cardpipe("batch", "verify", card.parent).code == 2
    copied = cardpipe("batch", "export", card.parent.name, "--out", tmp_path / "out")
    assert copied.code == 3 and card.read_bytes() == b"somebody's own" and card.name in copied.words


def test_an_output_folder_without_room_leaves_nothing_half_written(cardpipe: Cardpipe, tmp_path: Path) -> None:
    file = write(tmp_path / "o.ndjson", order(1), order(2))
    cardpipe("order", "submit", file, "--mail-on", DAY)
    name = cardpipe("batch", "close", "--mail-on", DAY, "--json").data["batches"][0]["name"]
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000));"
        "sys.argv[1:] = ['batch', 'release', sys.argv[1], '--out', sys.argv[2]];"
        "from cardpipe.cli.main import run; run()"
    )
    environment = {**os.environ, "CARDPIPE_DATA": str(tmp_path / "data")}
    full = subprocess.run(
        [sys.executable, "-c", code, name, str(tmp_path / "out")], env=environment, capture_output=True, text=True
    )
    assert full.returncode == 4 and "no room" in full.stderr, full.stderr
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file() and (p.suffix in (".part", ".done"))]
    assert cardpipe("batch", "show", name, "--json").data["state"] == "imposed"
    assert cardpipe("batch", "release", name, "--out", tmp_path / "out").code == 0
    assert (tmp_path / "out" / name / f"{name}.done").exists()


def test_what_cannot_be_read_is_one_sentence(cardpipe: Cardpipe, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("reference,occasion,mesage\nA,birthday,Hi\n")
    header = cardpipe("print", tmp_path / "bad.csv", "--out", tmp_path / "out", "--json")
    assert header.code == 2 and "did you mean 'message'?" in header.words
    assert {f["code"] for f in header.data["findings"]} == {"csv.column", "csv.column_missing"}
    assert cardpipe("print", tmp_path / "none.csv", "--out", tmp_path / "out").code == 2
    (tmp_path / "file").write_text("")
    file = write(tmp_path / "o.ndjson", order(1))
    assert cardpipe("print", file, "--out", tmp_path / "file" / "out").code == 4
    assert cardpipe("print", file, "--out", tmp_path / "out", "--mail-on", "1.12.2026").code == 2
    nowhere = cardpipe("order", "submit", file, CARDPIPE_DATA="/proc/nowhere")
    assert nowhere.code == 4 and "CARDPIPE_DATA" in nowhere.words
    assert "Traceback" not in header.words + nowhere.words


def test_a_link_out_of_the_order_folder_is_no_picture(cardpipe: Cardpipe, tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"\xff\xd8\xff")
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    out = io.StringIO()
    out.write(json.dumps(order(1, photo="link.jpg", design="congratulations-bravo", sender=SENDER)) + "\n")
    (inside / "o.ndjson").write_text(out.getvalue())
    ran = cardpipe("order", "submit", inside / "o.ndjson", "--json")
    assert ran.code == 2 and "picture.path" in ran.out

"""Pictures over HTTP: as bytes, as a form, to an address planned before; judged, then kept, and never otherwise."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from cardpipe.model.order import Scope
from cardpipe.prepress import placeholder
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.api.served import listening, new_key
from tests.storage import s3server

BROKEN = [b"", b"%PDF-1.7", b"GIF89a", b"<svg onload=x>"]


def codes(answer: httpx.Response) -> set[str]:
    return {finding["code"] for finding in answer.json()["findings"]}


def another(shade: int) -> bytes:
    """A photo of its own."""
    out = io.BytesIO()
    picture = Image.effect_noise((150, 110), 60).convert("RGB").resize((1500, 1100))
    picture.putpixel((shade, 0), (shade, shade, shade))
    picture.save(out, "PNG")
    return out.getvalue()


def blank() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1200, 400), "white").save(out, "PNG")
    return out.getvalue()


def kept(house: Shop, scope: Scope = Scope()) -> set[str]:
    return set(house.artifacts.digests(scope))


def uploads_of(house: Shop) -> dict[str, str]:
    """What the database knows of uploads: digest → use."""
    with house.store.db.reading() as tx:
        return {row["digest"]: row["use"] for row in tx.all("SELECT digest, use FROM uploads")}


def test_as_bytes_and_once_more(client: httpx.Client, house: Shop, jpeg: bytes) -> None:
    data = another(1)
    first, again = client.post("/v1/pictures", content=data), client.post("/v1/pictures", content=data)
    assert (first.status_code, again.status_code) == (201, 200)
    told = first.json()
    assert (told["format"], told["width"], told["height"], told["bytes"]) == ("PNG", 1500, 1100, len(data))
    assert told == again.json()
    digest = hashlib.sha256(data).hexdigest()
    assert told["picture"] == f"sha256:{digest}" and digest in kept(house)
    assert uploads_of(house)[digest] == "photo", "retention knows of it, though no order names it yet"


def test_as_a_form(client: httpx.Client, house: Shop) -> None:
    data = another(2)
    answer = client.post("/v1/pictures", files={"file": ("Anna Berg.png", data, "image/png")})
    assert answer.status_code == 201, answer.text
    assert answer.json()["picture"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert "Anna" not in answer.text
    raw = client.post("/v1/pictures", content=data, headers={"content-type": "image/png"})
    assert raw.status_code == 200 and raw.json() == answer.json()


@pytest.mark.parametrize(
    ("parts", "code"),
    [({"other": b"x"}, "form.field"), ({"file": b"x", "name": (None, "Anna")}, "form.unreadable"),
     ({"file": (None, "text and no file")}, "form.unreadable"), ({}, "form.unreadable")],
)  # fmt: skip
def test_forms_that_are_none(client: httpx.Client, parts: dict[str, Any], code: str) -> None:
    if parts:
        answer = client.post("/v1/pictures", files=parts)
    else:
        answer = client.post("/v1/pictures", content=b"--x", headers={"content-type": "multipart/form-data"})
    assert answer.status_code in (400, 422) and code in codes(answer), answer.text
    assert "Anna" not in answer.text


def test_two_files_in_one_form_are_none(client: httpx.Client, jpeg: bytes) -> None:
    answer = client.post("/v1/pictures", files=[("file", jpeg), ("file", jpeg)])
    assert answer.status_code == 400 and codes(answer) == {"form.unreadable"}


def test_neither_form_nor_picture(client: httpx.Client) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        assert client.post("/v1/pictures", content=b"{}", headers={"content-type": kind}).status_code == 415
    assert client.post("/v1/pictures?use=background", content=b"x").status_code == 422


def test_what_cannot_be_printed_is_not_kept(client: httpx.Client, house: Shop, jpeg: bytes) -> None:
    before = kept(house)
    for bad in (*BROKEN, jpeg[: len(jpeg) // 2]):
        for answer in (
            client.post("/v1/pictures", content=bad, headers={"content-type": "image/jpeg"}),
            client.post("/v1/pictures", files={"file": bad}),
        ):
            assert answer.status_code == 422 and answer.json()["findings"], answer.text
    assert kept(house) == before


def test_too_large_in_every_way(client: httpx.Client, house: Shop) -> None:
    before = sorted(Path(house.settings.data).rglob("artifacts/**/*"))
    large = b"\xff\xd8\xff" + bytes(MAX_BYTES)
    for answer in (
        client.post("/v1/pictures", content=large),
        client.post("/v1/pictures", files={"file": large}),
        client.post("/v1/pictures", files={"file": large[: MAX_BYTES + 1]}),
        client.post("/v1/pictures", content=(bytes(1 << 20) for _ in range(26))),  # no length is told
    ):
        assert answer.status_code == 413 and answer.json()["code"] == "request.large", answer.text
    assert sorted(Path(house.settings.data).rglob("artifacts/**/*")) == before


def test_of_a_signature_the_ink_is_looked_for(client: httpx.Client, house: Shop) -> None:
    ink = placeholder.signature()
    answer = client.post("/v1/pictures?use=signature", content=ink)
    assert answer.status_code == 201, answer.text
    assert uploads_of(house)[hashlib.sha256(ink).hexdigest()] == "signature"
    empty = client.post("/v1/pictures?use=signature", content=blank())
    assert empty.status_code == 422 and codes(empty) == {"signature.no_ink"}
    assert client.post("/v1/pictures?use=photo", content=blank()).status_code == 201, "a photo may be white"
    small = Image.open(io.BytesIO(ink)).convert("L")
    small = small.resize((small.width // 5, small.height // 5))
    out = io.BytesIO()
    small.save(out, "PNG")
    answer = client.post("/v1/pictures?use=signature", content=out.getvalue())
    assert answer.status_code == 201, answer.text
    found = answer.json()["findings"]
    assert [(each["code"], each["level"]) for each in found] == [("signature.resolution.low", "warning")]


def planned(client: httpx.Client, size: int, use: str = "photo") -> dict[str, Any]:
    answer = client.post("/v1/pictures/uploads", json={"use": use, "bytes": size})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_an_upload_without_a_key(client: httpx.Client, caller: Any, house: Shop) -> None:
    data = another(3)
    plan = planned(client, len(data))
    assert plan["method"] == "PUT" and plan["headers"] == {} and plan["url"].startswith("/v1/pictures/uploads/upl_")
    left = dt.datetime.fromisoformat(plan["expires_at"]) - dt.datetime.now(dt.UTC)
    assert 590 < left.total_seconds() <= 600
    done = f"/v1/pictures/uploads/{plan['upload']}/done"
    early = client.post(done)
    assert early.status_code == 404 and codes(early) == {"upload.missing"}
    sent = caller().put(plan["url"], content=data)
    assert sent.status_code == 200, sent.text
    finished = client.post(done)
    assert finished.status_code == 201 and finished.json() == sent.json()
    assert client.post(done).json() == finished.json(), "asked twice, answered twice"
    digest = hashlib.sha256(data).hexdigest()
    assert finished.json()["picture"] == f"sha256:{digest}" and uploads_of(house)[digest] == "photo"
    assert caller().put(plan["url"], content=data).json() == sent.json(), "sent twice, kept once"
    other = caller().put(plan["url"], content=another(4))
    assert other.status_code == 409 and codes(other) == {"upload.taken"}


def test_what_is_uploaded_is_judged_for_its_use(client: httpx.Client, caller: Any, house: Shop) -> None:
    before = kept(house)
    plan = planned(client, 100_000, "signature")
    bad = caller().put(plan["url"], content=blank()[:-12] + b"\0" * 12)
    assert bad.status_code == 422
    assert client.post(f"/v1/pictures/uploads/{plan['upload']}/done").status_code == 404, "nothing of it was kept"
    assert kept(house) == before
    assert caller().put(plan["url"], content=placeholder.signature()).status_code == 200, "a better one may follow"


def test_no_more_than_was_planned(client: httpx.Client, caller: Any) -> None:
    plan = planned(client, 1000)
    answer = caller().put(plan["url"], content=bytes(1001))
    assert answer.status_code == 413 and "0.001 MB" in answer.text
    for size in (0, -1, MAX_BYTES + 1, 1.5, "10", None):
        refused = client.post("/v1/pictures/uploads", json={"use": "photo", "bytes": size})
        assert refused.status_code == 422 and refused.json()["findings"], size


def test_an_upload_is_bound_to_whom_it_was_planned_for(
    client: httpx.Client, tester: httpx.Client, stranger: httpx.Client, caller: Any, key: Any
) -> None:
    data = another(5)
    plan = planned(client, len(data))
    assert caller().put(plan["url"], content=data).status_code == 200
    for other in (tester, stranger):
        answer = other.post(f"/v1/pictures/uploads/{plan['upload']}/done")
        assert answer.status_code == 404 and codes(answer) == {"upload.unknown"}
    assert (
        caller(key("local", "live", "orders:read")).post("/v1/pictures/uploads", json={"bytes": 1}).status_code == 403
    )


def test_invented_and_changed_addresses_are_unknown(client: httpx.Client, caller: Any) -> None:
    text = planned(client, 1000)["upload"]
    name, tenant, mode, use, most, until, mac = text.split(".")
    changed = [
        ".".join(parts)
        for parts in (
            (name[:-1] + ("0" if name[-1] != "0" else "1"), tenant, mode, use, most, until, mac),
            (name, "other", mode, use, most, until, mac), (name, tenant, "test", use, most, until, mac),
            (name, tenant, mode, "signature", most, until, mac), (name, tenant, mode, use, "999999", until, mac),
            (name, tenant, mode, use, most, str(int(until) + 1), mac), (name, tenant, mode, use, most, until, "0" * 32),
            (name, tenant, mode, use, most, until),
        )
    ]  # fmt: skip
    for wrong in (*changed, text + "0", text.upper(), "upl_x", "..%2f..%2fetc", "%00"):
        answer = caller().put(f"/v1/pictures/uploads/{wrong}", content=b"x")
        assert answer.status_code == 404, (wrong, answer.text)


def test_after_its_time_it_is_over(client: httpx.Client, caller: Any, house: Shop, monkeypatch: Any) -> None:
    data = another(6)
    now = house.clock.now()

    def later(seconds: float) -> None:
        monkeypatch.setattr(house.clock, "now", lambda: now + dt.timedelta(seconds=seconds))

    later(0)
    plan, sent = planned(client, len(data)), planned(client, len(data))
    assert caller().put(sent["url"], content=data).status_code == 200
    later(599)
    assert caller().put(plan["url"], content=b"x").status_code == 422, "still open, and no picture"
    later(601)
    assert codes(caller().put(plan["url"], content=data)) == {"upload.unknown"}
    assert client.post(f"/v1/pictures/uploads/{sent['upload']}/done").status_code == 201, "may be finished for a while"
    later(600 + 3601)
    assert codes(client.post(f"/v1/pictures/uploads/{sent['upload']}/done")) == {"upload.unknown"}


def test_what_was_left_unfinished_goes_and_held_no_picture(client: httpx.Client, caller: Any, house: Shop) -> None:
    import os

    folder = Path(house.settings.data) / "artifacts" / "local" / "live" / "uploads"
    data = another(7)
    assert caller().put(planned(client, len(data))["url"], content=data).status_code == 200
    left = sorted(folder.iterdir())
    assert left and all(path.stat().st_size < 2000 and path.suffix == ".json" for path in left)
    for path in left:
        os.utime(path, (1, 1))
    assert caller().put(planned(client, len(data))["url"], content=data).status_code == 200
    assert len(list(folder.iterdir())) == 1 and not set(folder.iterdir()) & set(left)
    assert not any(name in kept(house) for name in (path.stem for path in left))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3server.S3]:
    s3server.require()
    server = s3server.S3(tmp_path_factory.mktemp("s3") / "log")
    yield server
    server.kill()


def test_in_a_bucket_the_address_is_the_buckets_own(
    s3: s3server.S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jpeg: bytes
) -> None:
    for name, value in s3server.KEYS.items():
        monkeypatch.setenv(name, value)
    house = Shop(Settings(data=tmp_path, artifacts_url=s3.url("api")))
    with listening(house, "127.0.0.1") as port:
        base, mine = f"http://127.0.0.1:{port}", {"authorization": f"Bearer {new_key(house)}"}
        client = httpx.Client(base_url=base, trust_env=False, headers=mine, timeout=60)
        plan = planned(client, len(jpeg))
        assert plan["url"].startswith(f"http://127.0.0.1:{s3.port}/")
        done = f"/v1/pictures/uploads/{plan['upload']}/done"
        assert codes(client.post(done)) == {"upload.missing"}
        elsewhere = client.put(f"/v1/pictures/uploads/{plan['upload']}", content=jpeg)
        assert elsewhere.status_code == 422 and codes(elsewhere) == {"upload.elsewhere"}
        assert httpx.put(plan["url"], content=jpeg, headers=plan["headers"], trust_env=False).status_code == 200
        assert len(s3.keys("api")) == 1, "it waits, and is no artifact yet"
        finished = client.post(done)
        assert finished.status_code == 201, finished.text
        digest = hashlib.sha256(jpeg).hexdigest()
        assert finished.json()["picture"] == f"sha256:{digest}"
        assert s3.keys("api") == [f"api/local/live/{digest[:2]}/{digest}"], "the upload itself is gone"
        assert uploads_of(house) == {digest: "photo"}
        for bad, size, status in ((jpeg[:5000], 5000, 422), (bytes(600), 500, 413)):
            plan = planned(client, size)
            assert httpx.put(plan["url"], content=bad, trust_env=False).status_code == 200
            assert client.post(f"/v1/pictures/uploads/{plan['upload']}/done").status_code == status
            assert len(s3.keys("api")) == 1, "what is no good does not stay"
        client.close()
    house.close()

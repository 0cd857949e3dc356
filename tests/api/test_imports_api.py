"""Files of orders over HTTP: taken in at once, judged by workers, refused rows mended."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import httpx
import pytest
from asking import LIVE, codes, person, work

from cardpipe.wiring import Shop

HEADER = ("reference", "occasion", "design", "message", "recipient.name", "recipient.street", "recipient.city", "recipient.state",
          "recipient.postcode", "sender.name", "sender.street", "sender.city", "sender.state", "sender.postcode")  # fmt: skip
SENDER = ("Bo Lind", "1 Main Street", "Salem", "OR", "97301")


def table(*references: str, header: tuple[str, ...] = HEADER, **cells: str) -> bytes:
    """A CSV with a row for each reference."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    for reference in references:
        to = person(reference)
        row = dict(
            zip(
                HEADER,
                (reference, "thank-you", "", "Dear {first_name}, thank you.", *to.values(), *SENDER),
                strict=True,
            )
        )
        writer.writerow({**row, **cells}.values())
    return out.getvalue().encode()


def send(client: httpx.Client, data: bytes, name: str = "orders.csv", **said: Any) -> httpx.Response:
    headers = {"idempotency-key": said.pop("key")} if "key" in said else {}
    fields = {field: value if isinstance(value, str) else json.dumps(value) for field, value in said.items()}
    return client.post("/v1/imports", files={"file": (name, data)}, data=fields, headers=headers)


def finished(house: Shop, client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    work(house, "import", "accept")
    return dict(client.get(answer.headers["location"]).json())


def test_taken_in_and_judged(client: httpx.Client, house: Shop) -> None:
    answer = send(client, table("imp-1", "imp-2", "imp-3"))
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["state"], told["rows"], told["name"]) == ("received", None, None)
    assert answer.headers["location"] == f"/v1/imports/{told['id']}"
    ended = finished(house, client, answer)
    assert (ended["state"], ended["rows"], ended["name"], ended["failed"]) == ("finished", 3, "orders.csv", None)
    assert ended["counts"] == {"received": 0, "accepted": 3, "known": 0, "refused": 0, "dropped": 0}
    rows = client.get(f"/v1/imports/{told['id']}/rows").json()
    assert [row["reference"] for row in rows["rows"]] == ["imp-1", "imp-2", "imp-3"] and rows["next"] is None
    for row in rows["rows"]:
        shown = client.get(f"/v1/orders/{row['order']}").json()
        assert (shown["reference"], shown["import"], shown["state"]) == (row["reference"], told["id"], "accepted")
    listed = client.get("/v1/orders", params={"import": told["id"]}).json()["orders"]
    assert len(listed) == 3
    assert client.get("/v1/imports").json()["imports"][0]["id"] == told["id"]


def test_the_bare_bytes_with_a_name(client: httpx.Client, house: Shop) -> None:
    raw = client.post(
        "/v1/imports", params={"name": "bare.csv", "terms": '{"mail_on": "2026-12-22"}'}, content=table("bare-1")
    )
    assert finished(house, client, raw)["counts"]["accepted"] == 1
    assert client.get("/v1/orders/bare-1").json()["mail_on"] == "2026-12-22"


def test_terms_columns_and_a_dry_run(client: httpx.Client, house: Shop) -> None:
    data = table("dry-1").replace(b"recipient.name", b"Full Name").replace(b"message", b"Words", 1)
    columns = {"columns": {"Full Name": "recipient.name", "Words": "message"}}
    said = {"columns": columns, "terms": {"approval": "required"}}
    dry = send(client, data, dry_run="true", **said)
    ended = finished(house, client, dry)
    assert ended["dry_run"] and ended["counts"]["accepted"] == 1, ended
    row = client.get(f"/v1/imports/{ended['id']}/rows").json()["rows"][0]
    assert (row["state"], row["order"]) == ("accepted", None)
    assert client.get("/v1/orders/dry-1").status_code == 404, "nothing was ordered"
    finished(house, client, send(client, data, **said))
    assert client.get("/v1/orders/dry-1").json()["approval"] == "required"


def test_refused_rows_come_back_and_are_mended(client: httpx.Client, house: Shop) -> None:
    good, bad = (
        table("mend-1"),
        table("mend-2", **{"recipient.postcode": "", "recipient.city": "=1+1"}).split(b"\r\n")[1],
    )
    ended = finished(house, client, send(client, good + bad + b"\r\n"))
    assert (ended["state"], ended["counts"]["accepted"], ended["counts"]["refused"]) == ("finished", 1, 1)
    refused = client.get(f"/v1/imports/{ended['id']}/rows", params={"state": "refused"}).json()["rows"]
    assert [(row["line"], row["reference"]) for row in refused] == [(3, "mend-2")] and refused[0]["findings"]
    failed = client.get(ended["failed"])
    assert (
        failed.headers["content-type"].startswith("text/csv") and "attachment" in failed.headers["content-disposition"]
    )
    rows = list(csv.reader(io.StringIO(failed.content.decode("utf-8-sig"))))
    assert len(rows) == 2 and rows[1][0] == "3" and rows[0][3:] == list(HEADER)
    assert "'=1+1" in rows[1], "formulas are defused"
    assert "download" in {entry.action for entry in house.store.audited("local", 5) if entry.subject == ended["id"]}
    order = {"reference": "mend-2", "occasion": "thank-you", "message": "Dear {first_name}, thank you.",
             "recipient": person("mend-2"), "sender": dict(zip(("name", "street", "city", "state", "postcode"), SENDER, strict=True))}  # fmt: skip
    where = f"/v1/imports/{ended['id']}/rows"
    assert client.put(f"{where}/3", json={**order, "message": ""}).status_code == 422
    assert client.put(f"{where}/7", json=order).status_code == 404
    assert client.put(f"{where}/2", json=order).status_code == 409, "an accepted row is no refused one"
    mended = client.put(f"{where}/3", json=order)
    assert mended.status_code == 202 and mended.json()["state"] == "received", mended.text
    work(house, "accept")
    became = client.get("/v1/orders/mend-2").json()
    assert (became["state"], became["import"]) == ("accepted", ended["id"])


def test_the_same_file_again_orders_nothing(client: httpx.Client, house: Shop) -> None:
    data = table("twice-1", "twice-2")
    first = send(client, data, key="file one")
    again = send(client, data, key="file one")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotent-replayed"] == "true" and again.headers["location"] == first.headers["location"]
    other = send(client, data + table("twice-3"), key="file one")
    assert other.status_code == 409 and codes(other) == {"idempotency_key_reused"}
    assert finished(house, client, first)["counts"]["accepted"] == 2
    known = finished(house, client, send(client, data))
    assert known["counts"]["known"] == 2 and known["counts"]["accepted"] == 0


def test_a_zip_with_its_pictures(client: httpx.Client, house: Shop, jpeg: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(
            "orders.csv", table("zip-1", header=(*HEADER, "photos.home"), design="home-row", photo="p/anna.jpg")
        )
        packed.writestr("p/anna.jpg", jpeg)
    ended = finished(house, client, send(client, out.getvalue(), "orders.zip"))
    assert ended["counts"]["accepted"] == 1, client.get(f"/v1/imports/{ended['id']}/rows").text
    assert house.store.order(LIVE, "zip-1").pieces[0].spec["photos"]


def test_a_file_that_is_none_is_refused_as_a_whole(client: httpx.Client, house: Shop) -> None:
    ended = finished(house, client, send(client, b"\xff\xfe\x00garbage", "orders.csv"))
    assert ended["state"] == "refused" and ended["findings"] and ended["rows"] in (None, 0)
    for path in ("rows", "failed.csv"):
        assert client.get(f"/v1/imports/{ended['id']}/{path}").status_code == 200


def test_preview_stores_nothing(client: httpx.Client, house: Shop) -> None:
    before = len(client.get("/v1/imports").json()["imports"])
    kept = sorted(house.artifacts.digests(LIVE))
    data = table("seen-1").replace(b"recipient.name", b"Full Name", 1)
    told = client.post("/v1/imports/preview", files={"file": ("a.csv", data)})
    assert told.status_code == 200, told.text
    assert told.json()["header"][4] == "Full Name" and told.json()["columns"]["Full Name"] == "recipient.name"
    mapped = client.post(
        "/v1/imports/preview",
        files={"file": ("a.csv", data)},
        data={"columns": '{"columns": {"Full Name": "recipient.name"}}'},
    )
    assert mapped.json()["looked_at"] == 1 and mapped.json()["findings"] == []
    name = person("seen-1")["name"]
    assert name not in told.text + mapped.text
    assert len(client.get("/v1/imports").json()["imports"]) == before and sorted(house.artifacts.digests(LIVE)) == kept


def test_stopped(client: httpx.Client, house: Shop) -> None:
    answer = send(client, table("stop-1"))
    where = answer.headers["location"]
    early = client.get(f"{where}/failed.csv")
    assert early.status_code == 409 and codes(early) == {"import.not_read"}
    assert client.post(f"{where}/cancel").json()["state"] == "cancelled"
    work(house, "import", "accept")
    assert client.get(where).json()["state"] == "cancelled" and client.get("/v1/orders/stop-1").status_code == 404


@pytest.mark.parametrize(
    ("name", "said"),
    [("orders.exe", {}), ("", {}), ("x" * 300 + ".csv", {}), ("a.csv", {"columns": "{"}), ("a.csv", {"columns": {"column": {}}}),
     ("a.csv", {"terms": {"mail_on": "soon"}}), ("a.csv", {"terms": {"message": "x"}}), ("a.csv", {"dry_run": "perhaps"}),
     ("a.csv", {"force": "1"})],
)  # fmt: skip
def test_what_cannot_be_taken_in(client: httpx.Client, house: Shop, name: str, said: dict[str, Any]) -> None:
    kept = sorted(house.artifacts.digests(LIVE))
    answer = send(client, table("never-1"), name, **said)
    assert answer.status_code in (400, 422) and answer.json()["findings"], answer.text
    assert sorted(house.artifacts.digests(LIVE)) == kept, "nothing of it was kept"


def test_other_bodies_are_no_files(client: httpx.Client) -> None:
    assert client.post("/v1/imports", json={"orders": []}).status_code == 415
    assert client.post("/v1/imports", content=b"", params={"name": "a.csv"}).status_code == 422
    assert client.post("/v1/imports", content=b"a,b").status_code == 422


def test_rows_page_by_page(client: httpx.Client, house: Shop) -> None:
    ended = finished(
        house, client, send(client, table(*(f"page-{n}" for n in range(5)), **{"recipient.city": ""}), dry_run="true")
    )
    seen, after = [], 0
    while True:
        told = client.get(f"/v1/imports/{ended['id']}/rows", params={"limit": 2, "after": after}).json()
        seen += [row["line"] for row in told["rows"]]
        if (after := told["next"]) is None:
            break
    assert seen == [2, 3, 4, 5, 6]
    assert client.get(f"/v1/imports/{ended['id']}/rows", params={"state": "gone"}).status_code == 422


def test_what_was_taken_in_is_an_upload_that_is_erased(client: httpx.Client, house: Shop) -> None:
    """Whatever becomes of the import, its bytes are known to the erasure."""
    import hashlib

    data = table("traced-1")
    send(client, data)
    digest = hashlib.sha256(data).hexdigest()
    with house.store.db.reading() as tx:
        rows = tx.all("SELECT use FROM uploads WHERE digest = :digest", digest=digest)
    assert [row["use"] for row in rows] == ["import"]

"""Artifacts in a bucket, against a real S3 server: the contract, uploads by strangers, addresses, the shop around it."""

from __future__ import annotations

import os
import time
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from artifact_contract import SCOPE, ArtifactContract, sha256

from cardpipe.model.errors import Bug, Refused, Unavailable
from cardpipe.model.order import Scope
from cardpipe.settings import Settings
from cardpipe.storage.bucket import BucketArtifacts
from cardpipe.storage.reach import Address, parse
from cardpipe.wiring import Shop
from tests.storage.s3server import BUCKET, KEYS, PAGE

pytestmark = pytest.mark.usefixtures("aws_keys")


@pytest.fixture
def shelf(s3, prefix, tmp_path):
    return BucketArtifacts(s3.url(prefix), tmp_path / "room")


def _key(shelf, digest, scope=SCOPE):
    return f"{shelf.address.prefix}/{scope.tenant}/{scope.mode}/{digest[:2]}/{digest}"


class TestBucket(ArtifactContract):
    @pytest.fixture(autouse=True)
    def _server(self, s3):
        self.s3 = s3

    def damage(self, shelf, scope, digest, data):
        self.s3.client.put_object(Bucket=BUCKET, Key=_key(shelf, digest, scope), Body=data)

    def test_where_it_lies(self, shelf):
        digest = shelf.put(SCOPE, b"a card")
        assert self.s3.keys(shelf.address.prefix) == [_key(shelf, digest)]

    @pytest.mark.parametrize("size", [6, 21_000_000])
    def test_damaged_bytes_of_the_same_length_are_not_even_opened(self, shelf, size):
        digest = shelf.put(SCOPE, b"a" * size)
        self.damage(shelf, SCOPE, digest, b"a" * (size - 1) + b"b")
        for ask in (shelf.open, shelf.get):
            with pytest.raises(Bug, match=f"artifact {digest} was changed"):
                ask(SCOPE, digest)
        assert list(shelf.room.iterdir() if shelf.room.exists() else []) == []

    def test_nothing_lies_in_the_room_while_it_travels(self, shelf):
        digest = shelf.put(SCOPE, os.urandom(21_000_000))
        with shelf.open(SCOPE, digest), shelf.write(SCOPE) as artifact:
            artifact.write(b"x" * 9_000_000)
            assert list(shelf.room.iterdir()) == []
        assert shelf.room.is_dir() and list(shelf.room.iterdir()) == []


def test_an_upload_by_a_stranger(s3, shelf):
    url, headers = shelf.presign_put(SCOPE, "up_01", 600)
    assert headers == {} and KEYS["AWS_SECRET_ACCESS_KEY"] not in url
    request = urllib.request.Request(url, data=b"a photo", method="PUT", headers={"Content-Type": "image/heic"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    assert s3.keys(shelf.address.prefix) == [f"{shelf.address.prefix}/acme/live/uploads/up_01"]
    assert list(shelf.digests(SCOPE)) == []
    assert shelf.take_upload(SCOPE, "up_01", 7) == b"a photo"
    with pytest.raises(Refused) as told:
        shelf.take_upload(SCOPE, "up_01", 6)
    assert [(f.code, f.where) for f in told.value.findings] == [("upload.large", "upload")]
    assert "7 bytes, at most 6" in told.value.findings[0].message and told.value.findings[0].remedy
    for scope in (Scope("other", "live"), Scope("acme", "test")):
        with pytest.raises(Refused) as told:
            shelf.take_upload(scope, "up_01", 7)
        assert [f.code for f in told.value.findings] == ["upload.missing"]
    for _ in range(2):
        shelf.drop_upload(SCOPE, "up_01")
    with pytest.raises(Refused, match="not there"):
        shelf.take_upload(SCOPE, "up_01", 7)
    assert s3.keys(shelf.address.prefix) == []


def test_the_signature_is_the_one_that_amazons_own_library_makes(shelf, s3):
    """moto takes any signature, so another implementation is asked."""
    auth = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url, _ = shelf.presign_put(SCOPE, "up_01", 600)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query["X-Amz-Expires"] == "600" and query["X-Amz-SignedHeaders"] == "host"
    signer = auth.S3SigV4QueryAuth(
        Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]), "s3", "us-east-1", expires=600
    )
    request = AWSRequest("PUT", url.rpartition("&X-Amz-Signature=")[0])
    request.context["timestamp"] = query["X-Amz-Date"]
    request.headers["host"] = f"127.0.0.1:{s3.port}"
    said = signer.string_to_sign(request, signer.canonical_request(request))
    assert signer.signature(said, request) == query["X-Amz-Signature"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", ".x", "a" * 129, "ä", "x\n"])
def test_uploads_have_plain_names(shelf, name):
    for ask in (
        lambda: shelf.presign_put(SCOPE, name, 60), lambda: shelf.take_upload(SCOPE, name, 9),
        lambda: shelf.drop_upload(SCOPE, name),
    ):  # fmt: skip
        with pytest.raises(Bug):
            ask()


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_an_address_is_signed_for_a_week_at_most(shelf, seconds):
    with pytest.raises(Bug, match="604800"):
        shelf.presign_put(SCOPE, "up", seconds)


def test_a_sweep_takes_forgotten_uploads_and_nothing_else(s3, prefix, shelf):
    kept = shelf.put(SCOPE, b"a card")
    for scope, name in ((SCOPE, "a"), (Scope("other", "test"), "b")):
        url, _ = shelf.presign_put(scope, name, 60)
        urllib.request.urlopen(urllib.request.Request(url, data=b"x", method="PUT"), timeout=30).close()
    s3.client.put_object(Bucket=BUCKET, Key=f"{prefix}/acme/foreign/uploads/c", Body=b"not ours")
    assert shelf.sweep() == 0
    time.sleep(1.1)  # S3 tells times in whole seconds
    assert BucketArtifacts(s3.url(prefix), stale=0).sweep() == 2
    assert shelf.get(SCOPE, kept) == b"a card"
    assert sorted(s3.keys(prefix)) == sorted([_key(shelf, kept), f"{prefix}/acme/foreign/uploads/c"])


def test_more_than_one_page_is_told(s3, prefix, shelf):
    client, names = s3.client, [sha256(b"%d" % number) for number in range(2 * PAGE + 1)]
    for name in names:
        client.put_object(Bucket=BUCKET, Key=_key(shelf, name), Body=b"")
    assert sorted(shelf.digests(SCOPE)) == sorted(names)


def test_addresses_that_are_read():
    assert parse("s3://cards") == Address("cards")
    assert parse("s3://cards/a/b/?region=eu-west-1") == Address("cards", "a/b", region="eu-west-1")
    for host in ("127.0.0.1:9000", "localhost:9000", "[::1]:9000"):
        found = parse(f"s3://cards?endpoint=http://{host}")
        assert found.endpoint == f"http://{host}" and found.allow_http
    assert parse("s3://cards?endpoint=http://minio:9000&allow_http=1").allow_http
    assert not parse("s3://cards?endpoint=https://s3.example.com/").allow_http


@pytest.mark.parametrize(
    ("url", "codes"),
    {
        "https://cards/x": ["address"],
        "s3://": ["bucket"],
        "s3://Cards/x": ["bucket"],
        "s3://cards:9000/x": ["bucket"],
        "s3://cards/x#y": ["address"],
        "s3://cards/a//b": ["prefix"],
        "s3://cards/../b": ["prefix"],
        "s3://AKIA:hunter2@cards/x": ["secret"],
        "s3://hunter2@cards/x": ["secret"],
        "s3://cards?endpoint=https://user:hunter2@host": ["endpoint"],
        "s3://cards?endpoint=https://host?key=hunter2": ["endpoint"],
        "s3://cards?endpoint=ftp://host": ["endpoint"],
        "s3://cards?endpoint=https://host:port": ["endpoint"],
        "s3://cards?endpoint=http://minio:9000": ["plain"],
        "s3://cards?endpoint=http://10.0.0.1:9000&allow_http=0": ["plain"],
        "s3://cards?endpoint=http://127.0.0.1.example.com": ["plain"],
        "s3://cards?secret_access_key=hunter2": ["setting"],
        "s3://cards?region=a&region=b": ["setting"],
        "s3://C/a b?region=EU&allow_http=yes&hunter2=1&endpoint=x": ["bucket", "prefix", "setting", "region", "setting", "endpoint"],
    }.items(),
)  # fmt: skip
def test_addresses_that_are_refused_with_all_that_is_wrong(url, codes):
    with pytest.raises(Refused) as told:
        BucketArtifacts(url)
    findings = told.value.findings
    assert [f.code for f in findings] == [f"artifacts.{code}" for code in codes]
    assert all(f.where == "CARDPIPE_ARTIFACTS_URL" and f.remedy for f in findings)
    assert "hunter2" not in f"{told.value} {findings}"


def test_a_shop_whose_artifacts_lie_in_a_bucket(s3, prefix, tmp_path):
    house = Shop(Settings(data=tmp_path / "data", artifacts_url=s3.url(prefix)))
    assert house.settings.artifacts is None and isinstance(house.artifacts, BucketArtifacts)
    assert house.artifacts.get(SCOPE, house.artifacts.put(SCOPE, b"a card")) == b"a card"
    with house.artifacts.write(SCOPE) as artifact:
        artifact.write(b"x")
    assert (tmp_path / "data").is_dir() and list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize(
    "url", ["s3://a:hunter2@cards/x", "s3://hunter2@cards", "file://relative", "gs://cards", "/srv"]
)
def test_settings_that_name_no_place_for_artifacts(url, tmp_path):
    with pytest.raises(ValueError, match="artifacts_url") as told:
        Settings(data=tmp_path, artifacts_url=url)
    assert "hunter2" not in " ".join(item["msg"] for item in told.value.errors())


def test_a_folder_is_a_folder_still(tmp_path):
    assert Settings(data=tmp_path).artifacts == tmp_path / "artifacts"
    assert Settings(data=tmp_path, artifacts_url=f"file://{tmp_path}/kept").artifacts == Path(tmp_path) / "kept"


def test_the_doctor_looks_into_the_bucket(s3, prefix, tmp_path):
    from cardpipe.cli.premises import ERROR, OK, Premises

    at = Premises(Shop(Settings(data=tmp_path, artifacts_url=s3.url(prefix))))
    level, message, _ = at.artifacts()
    assert level == OK and "bucket" in message
    assert s3.keys(prefix) == [] and at.free_room()[0] in (OK, "warning")
    away = Premises(Shop(Settings(data=tmp_path, artifacts_url=s3.url(prefix).replace(f"//{BUCKET}/", "//elsewhere/"))))
    level, message, remedy = away.artifacts()
    assert level == ERROR and "no such bucket" in message and "CARDPIPE_ARTIFACTS_URL" in remedy
    at.house.artifacts.get = lambda scope, digest: b"rot"
    assert at.artifacts()[0] == ERROR and s3.keys(prefix) == []


def test_the_supervisor_works_whether_the_bucket_answers_or_not(s3, prefix, tmp_path):
    from cardpipe.worker.supervise import Supervisor

    away = Supervisor(
        Settings(data=tmp_path / "away", artifacts_url=s3.url(prefix).replace(f"//{BUCKET}/", "//elsewhere/"))
    )
    with pytest.raises(Unavailable):
        away.shop.artifacts.sweep()
    away._sweep_uploads()
    wrong = Supervisor(Settings(data=tmp_path / "wrong", artifacts_url="s3://cards?endpoint=http://elsewhere"))
    with pytest.raises(Refused, match="address"):
        wrong.start()
    assert not wrong.worker.alive and not wrong.lock.held

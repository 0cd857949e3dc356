"""Pictures on their way in: what is good is kept by its digest, and nothing of what is not."""

from __future__ import annotations

import hashlib

import pytest

from cardpipe.model.errors import Refused
from cardpipe.model.order import Scope
from cardpipe.pipeline import pictures
from cardpipe.prepress.picture import MAX_BYTES
from tests.pipeline.shopfloor import SCOPE, House, picture


def test_a_good_one_is_kept_once(house: House) -> None:
    data = picture(900, 700)
    kept = pictures.keep(house, SCOPE, data, "photo", "photo.main")
    digest = hashlib.sha256(data).hexdigest()
    assert kept.ref == f"sha256:{digest}" and kept.fresh and (kept.facts.width, kept.facts.height) == (900, 700)
    assert house.artifacts.get(SCOPE, digest) == data
    assert not pictures.keep(house, SCOPE, data, "photo").fresh
    assert not house.artifacts.has(Scope("other", "live"), digest)


@pytest.mark.parametrize(("data", "code"), [
    (b"no picture", "photo.format"), (picture(900, 700)[:5000], "photo.truncated"),
    (b"\xff\xd8" + bytes(MAX_BYTES), "photo.file_too_large"),
])  # fmt: skip
def test_nothing_of_a_bad_one_is_kept(house: House, data: bytes, code: str) -> None:
    with pytest.raises(Refused) as told:
        pictures.keep(house, SCOPE, data, "photo", "photo.main")
    assert [(found.code, found.where) for found in told.value.findings] == [(code, "photo.main")]
    assert not house.artifacts.has(SCOPE, hashlib.sha256(data).hexdigest())


def test_a_signature_without_ink_is_told_by_its_own_codes(house: House) -> None:
    with pytest.raises(Refused) as told:
        pictures.keep(house, SCOPE, b"no picture", "signature", "signature")
    assert told.value.findings[0].code == "signature.format"

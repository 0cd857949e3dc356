"""The shop's own folder: it adds to what ships, or replaces it; every mistake of every file is told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cardpipe.catalog import press as shipped
from cardpipe.catalog.profiles import MAX_BYTES, Profiles, judge_profile
from cardpipe.catalog.shelf import Catalog
from cardpipe.catalog.shopfolder import FILES, read_shop
from cardpipe.model.errors import Refused
from cardpipe.settings import Settings, settings

CMYK = shipped.profile("cp_TR006_300.icc")
Write = Callable[..., Path]
GOOD = {
    "formats.toml": '[A7H]\nbased_on = "A7"\ntitle = "A7, heavy"\nstock = "350gsm"\nstock_gsm = 350\nstock_mm = 0.4\n',
    "presses.toml": '[mine]\nbased_on = "digital-coated"\nprofile = "mine.icc"\nphoto_ppi = 240\n',
    "houses.toml": '[north]\npress = "mine"\nformats = ["A7H"]\n',
    "carriers.toml": '[usps]\nbased_on = "usps"\n[usps.rates]\nas_of = "2027-01-01"\nstamped = 99\n',
    "mailing.toml": 'postage = "permit"\naddress_style = "mixed"\n[permit]\noffice = "Boston MA"\nnumber = "12"\n',
    "inserts.toml": '[price-list]\ntitle = "Price list"\nweight_g = 4.5\nthickness_mm = 0.1\nsize = ["100mm", "140mm"]\n',
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(**files: str | bytes) -> Path:
        folder = tmp_path / "shop"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            data = text if isinstance(text, bytes) else text.encode()
            (folder / name).write_bytes(data)
        return folder

    return make


def catalog(folder: Path | None) -> Catalog:
    return Catalog(Settings().designs, Settings().fonts, folder)


def codes(folder: Path) -> list[str]:
    with pytest.raises(Refused) as caught:
        read_shop(folder)
    assert all(f.where and f.message and f.remedy for f in caught.value.findings)
    return sorted(f.code for f in caught.value.findings)


def test_without_a_folder_there_is_what_ships() -> None:
    found = catalog(None)
    assert found.formats() == shipped.formats() and found.mailing().postage == "stamp"
    assert found.press("digital-coated") == shipped.presses()["digital-coated"]
    with pytest.raises(Refused) as caught:
        found.insert("price-list")
    assert caught.value.findings[0].code == "insert.unknown" and "inserts.toml" in caught.value.findings[0].remedy


def test_a_folder_adds_and_replaces(write: Write) -> None:
    found = catalog(write(**GOOD, **{"mine.icc": CMYK, "notes.txt": "not ours to read"}))
    assert set(FILES) == set(GOOD)
    heavy = found.formats()["A7H"]
    assert heavy.stock_gsm == 350 and heavy.trim == found.formats()["A7"].trim
    assert found.press("mine").photo_ppi == 240 and found.press("digital-coated").photo_ppi == 300
    assert found.profile("mine.icc") == CMYK
    assert [house.name for house in found.houses()] == ["north"]
    rates = found.carrier("usps").rates
    assert rates is not None and (rates.stamped, rates.as_of) == (99, "2027-01-01")
    assert rates.metered == catalog(None).carrier("usps").rates.metered  # type: ignore[union-attr]
    assert found.mailing().permit is not None and found.mailing().address_style == "mixed"
    assert found.insert("price-list").weight_g == 4.5
    with pytest.raises(Refused) as caught:
        found.insert("price-lists")
    assert "did you mean 'price-list'" in caught.value.findings[0].remedy


def test_a_design_may_have_a_format_of_the_shop(write: Write, tmp_path: Path) -> None:
    design = tmp_path / "designs" / "thank-you-fern"
    design.mkdir(parents=True)
    for file in (Settings().designs / "thank-you-fern").glob("*.*"):
        data = file.read_bytes() if file.is_file() else b""
        (design / file.name).write_bytes(data.replace(b'format = "A7"', b'format = "A7H"'))
    assert b"A7H" in (design / "design.toml").read_bytes()
    with pytest.raises(Refused, match="cannot be used"):
        Catalog(design.parent, Settings().fonts).design("thank-you-fern")
    found = Catalog(design.parent, Settings().fonts, write(**GOOD, **{"mine.icc": CMYK}))
    assert found.design("thank-you-fern").format.stock == "350gsm"


def test_every_mistake_of_every_file_is_told_at_once(write: Write) -> None:
    folder = write(
        **{
            "formats.toml": '[own]\nbased_on = "A9"\n[two]\nbased_on = "A7"\ncolour = "red"\n',
            "presses.toml": '[mine]\nbased_on = "digital-coated"\nprofile = "mine.icc"\nmaxink = 3\n'
                            '[yours]\nbased_on = "digital-coated"\nprofile = "yours.icc"\n',
            "carriers.toml": '[usps]\nbased_on = "usps"\n[usps.rates]\nstamped = -1\n',
            "mailing.toml": 'postage = "permit"\nstyle = "ocr"\n',
            "inserts.toml": 'title = "outside"\n',
            "format.toml": "",
        }
    )  # fmt: skip
    assert codes(folder) == [
        "carrier.data", "data.no_table", "format.based_on", "format.data", "mailing.data", "press.data",
        "profile.missing", "shop.file",
    ]  # fmt: skip
    (folder / "mailing.toml").write_text('postage = "permit"\n')
    assert "mailing.data" in codes(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("data", [b"[a\n", b"\xff\xfe", b"[a]\nb = 1\nb = 2\n", b"#" * 1_000_001])
def test_a_file_that_cannot_be_read_is_named(name: str, data: bytes, write: Write) -> None:
    with pytest.raises(Refused) as caught:
        read_shop(write(**{name: data}))
    assert [f.where for f in caught.value.findings] == [name]


@pytest.mark.parametrize(
    "row",
    ['weight_g = 0', 'weight_g = nan', 'thickness_mm = -1', 'size = ["0mm", "3mm"]', 'size = [3, 4]'],
)  # fmt: skip
def test_an_insert_is_measured(row: str, write: Write) -> None:
    plain = '[a]\ntitle = "A"\nweight_g = 1\nthickness_mm = 0\nsize = ["1mm", "1mm"]\n'
    assert read_shop(write(**{"inserts.toml": plain})).inserts["a"].size[0] == pytest.approx(2.83, abs=0.01)
    key = row.split(" ")[0]
    kept = "".join(line + "\n" for line in plain.splitlines() if not line.startswith(key))
    assert codes(write(**{"inserts.toml": kept + row + "\n"}))


@pytest.mark.parametrize("code", ["ink.totl", "pdf.encrypted"])
def test_a_check_that_is_unknown_or_firm_is_not_loosened(write: Write, code: str) -> None:
    row = f'[mine]\nbased_on = "digital-coated"\n[mine.loosened."{code}"]\nlevel = "note"\nreason = "the house wants it so"\n'
    with pytest.raises(Refused) as caught:
        read_shop(write(**{"presses.toml": row}))
    assert [(f.code, code in f.message) for f in caught.value.findings] == [("press.loosened", True)]
    good = row.replace(code, "ink.total")
    assert read_shop(write(**{"presses.toml": good})).presses["mine"].loosened


def test_the_folder_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(tmp_path / "nowhere") == ["shop.folder"]
    monkeypatch.setenv("CARDPIPE_SHOP", str(tmp_path / "nowhere"))
    settings.cache_clear()
    try:
        with pytest.raises(Refused) as caught:
            settings()
        assert [f.where for f in caught.value.findings] == ["CARDPIPE_SHOP"]
    finally:
        settings.cache_clear()
    monkeypatch.setenv("CARDPIPE_SHOP", "")
    assert Settings().shop is None
    monkeypatch.setenv("CARDPIPE_SHOP", str(tmp_path))
    assert Settings().shop == tmp_path.resolve()


# ICC profiles


def edited(at: int, data: bytes) -> bytes:
    return CMYK[:at] + data + CMYK[at + len(data) :]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "profile.none"),
        (b"not a profile" * 50, "profile.none"),
        (edited(36, b"ascp"), "profile.none"),
        (edited(12, b"mntr"), "profile.class"),
        (edited(16, b"RGB "), "profile.space"),
        (CMYK[:-1], "profile.cut"),
        (CMYK + b"\0", "profile.cut"),
        (edited(128, b"\xff\xff\xff\xff"), "profile.cut"),
        (CMYK.replace(b"B2A0", b"B2A9", 1), "profile.tables"),
        (edited(136, b"\xff\xff\xff\xf0"), "profile.cut"),
        (shipped.profile("sRGB.icc"), "profile.class"),
    ],
)
def test_a_profile_is_a_presss(data: bytes, code: str, write: Write) -> None:
    assert code in [f.code for f in judge_profile(data, "presses.toml mine.profile")]
    assert code in codes(write(**{"presses.toml": GOOD["presses.toml"], "mine.icc": data}))


def test_a_real_profile_passes(write: Write) -> None:
    assert judge_profile(CMYK, "x") == []
    profiles = Profiles(write(**{"mine.icc": CMYK}))
    assert profiles.get("mine.icc") is profiles.get("mine.icc"), "read once"


def test_a_giant_is_not_read(write: Write) -> None:
    assert codes(write(**{"presses.toml": GOOD["presses.toml"], "mine.icc": b"\0" * (MAX_BYTES + 1)})) == [
        "profile.large"
    ]


@pytest.mark.parametrize("name", ["../secret.icc", "/etc/passwd", "sub/mine.icc", "", "press.py", ".."])
def test_a_profile_lies_in_the_folder_and_nowhere_else(name: str, write: Write) -> None:
    folder = write(**{"mine.icc": CMYK})
    (folder.parent / "secret.icc").write_bytes(CMYK)
    (folder / "sub").mkdir()
    (folder / "sub" / "mine.icc").write_bytes(CMYK)
    with pytest.raises(Refused):
        Profiles(folder).get(name)


def test_a_shipped_profile_is_never_replaced_in_silence(write: Write) -> None:
    press = '[mine]\nbased_on = "digital-coated"\n'
    folder = write(**{"presses.toml": press, "cp_TR006_300.icc": CMYK})
    assert read_shop(folder).profiles.get("cp_TR006_300.icc") == CMYK
    (folder / "cp_TR006_300.icc").write_bytes(CMYK + b"\0")
    assert set(codes(folder)) == {"profile.name"}

"""Several print and mail houses: each piece in a batch of the house that takes it, each batch to that house's place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shopfloor import DAY, SCOPE, House, order, picture

from cardpipe.model.batch import Batch, Group
from cardpipe.model.errors import Conflict, Refused
from cardpipe.pipeline import alike, change, erase, explain, release, routing, specimen
from cardpipe.pipeline.gather import gather

FLAT = {"design": "sympathy-still", "occasion": "sympathy"}


@pytest.fixture
def two(house: House, tmp_path: Path) -> House:
    """North prints what goes to Germany, south A2 and IA6 for the others, on the same press; the shop itself the rest."""
    return furnished(
        house,
        tmp_path,
        f"""
        [north]
        title = "North Print & Mail"
        press = "digital-coated"
        countries = ["DE"]
        delivery = "{(tmp_path / "north").as_uri()}"

        [south]
        press = "digital-coated"
        formats = ["A2", "IA6"]
        delivery = "{(tmp_path / "south").as_uri()}"
    """,
    )


def furnished(house: House, tmp_path: Path, text: str) -> House:
    (tmp_path / "shop").mkdir(exist_ok=True)
    (tmp_path / "shop" / "houses.toml").write_text("\n".join(line.strip() for line in text.splitlines()))
    house.settings = house.settings.model_copy(
        update={"shop": tmp_path / "shop", "delivery": (tmp_path / "own").as_uri()}
    )
    vars(house).pop("catalog", None)
    return house


def to_germany(number: int) -> dict[str, object]:
    recipient = {
        "name": f"Jörg Weiß {number}",
        "street": f"Lindenstraße {number}",
        "city": "Köln",
        "postcode": "50674",
        "country": "DE",
    }
    return order(number, recipient=recipient)


def of(batches: list[Batch], house: str) -> Batch:
    (found,) = [batch for batch in batches if batch.house == house]
    return found


def test_every_batch_holds_the_pieces_of_one_house_and_goes_there(two: House, tmp_path: Path) -> None:
    batches = two.printed(order(1), to_germany(2), order(3, **FLAT), order(4), to_germany(5))
    assert {batch.house: batch.pieces for batch in batches} == {"": 2, "north": 2, "south": 1}
    held = {
        batch.house: {piece.spec["recipient"]["name"] for piece in two.store.members(batch.id)} for batch in batches
    }
    assert held["north"] == {"Jörg Weiß 2", "Jörg Weiß 5"} and not held["north"] & (held[""] | held["south"])
    for batch in batches:
        place = release.release(two, SCOPE, batch.name, routing.target(two, batch))
        assert place == f"{(tmp_path / (batch.house or 'own')).as_uri()}/{batch.name}"
        assert [path.name for path in (tmp_path / (batch.house or "own")).rglob("*.done")] == [f"{batch.name}.done"]
    ticket = json.loads(two.files(of(batches, "north"))["TICKET.json"])
    assert ticket["house"] == "North Print & Mail"
    assert "house" not in json.loads(two.files(of(batches, ""))["TICKET.json"])


def test_two_houses_on_one_press_are_two_batches_that_do_not_look_alike(two: House) -> None:
    two.take(order(1))
    two.take(to_germany(2))
    two.run_steps()
    batches = gather(two, SCOPE, DAY)
    groups = [Group.read(batch.group) for batch in batches]
    assert {group.house for group in groups} == {"", "north"} and len({group.digest for group in groups}) == 1
    assert len({group.kind for group in groups}) == 2 and not alike.why(two, SCOPE, batches), "by name they are two"


def test_another_house_takes_over_where_it_prints_on_the_same_press(two: House, tmp_path: Path) -> None:
    (batch,) = two.printed(to_germany(1))
    assert routing.target(two, batch, "south") == (tmp_path / "south").as_uri()
    assert [(way.house, way.own) for way in routing.ways(two, batch, True)] == [("north", True), ("south", False)]
    assert routing.target(two, batch, "sftp://cards@east.test/in") == "sftp://cards@east.test/in"
    with pytest.raises(Refused) as caught:
        routing.target(two, batch, "west")
    assert caught.value.findings[0].code == "house.not_listed" and "north, south" in caught.value.findings[0].remedy


def test_files_for_one_press_do_not_go_to_a_house_with_another(two: House, tmp_path: Path) -> None:
    (batch,) = two.printed(to_germany(1))
    furnished(two, tmp_path, '[south]\npress = "offset-x1a"\ndelivery = "file:///srv/south"\n')
    with pytest.raises(Refused) as caught:
        routing.target(two, batch, "south")
    assert caught.value.findings[0].code == "house.unfit"
    with pytest.raises(Refused, match="north"):  # its own is no more: it never goes to the shop's own place instead
        routing.target(two, batch)
    assert not routing.ways(two, batch, True)
    furnished(two, tmp_path, '[north]\npress = "digital-coated"\n')
    with pytest.raises(Refused) as caught:
        routing.target(two, batch)
    assert caught.value.findings[0].code == "delivery.target", "nor where it has no place for files"


def test_a_card_with_one_houses_permit_is_not_posted_by_another(house: House, tmp_path: Path) -> None:
    permit = '[{0}.mailing]\npostage = "permit"\n[{0}.mailing.permit]\noffice = "{1}"\nnumber = "77"\n'
    place = f'press = "digital-coated"\ndelivery = "{(tmp_path / "in").as_uri()}"\n'
    shop = furnished(
        house, tmp_path,
        f'[north]\n{place}countries = ["US"]\n{permit.format("north", "Duluth MN")}'
        f'[south]\n{place}{permit.format("south", "Reno NV")}',
    )  # fmt: skip
    (batch,) = shop.printed(order(1))
    assert batch.house == "north" and [way.house for way in routing.ways(shop, batch, True)] == ["north"]
    with pytest.raises(Refused, match="posts in another way") as caught:
        routing.target(shop, batch, "south")
    assert caught.value.findings[0].code == "house.unfit"


def test_a_house_with_a_new_press_does_not_get_files_for_the_old_one(two: House, tmp_path: Path) -> None:
    (batch,) = two.printed(to_germany(1))
    furnished(two, tmp_path, '[north]\npress = "offset-x1a"\ndelivery = "file:///srv/north"\n')
    assert not routing.ways(two, batch, True)
    with pytest.raises(Refused, match="prints on offset-x1a"):
        routing.target(two, batch)


@pytest.mark.parametrize("spelling", [{"country": "PR", "state": ""}, {"country": "US", "state": "PR"}])
def test_a_territory_is_at_home_however_it_is_written(house: House, tmp_path: Path, spelling: dict[str, str]) -> None:
    shop = furnished(house, tmp_path, '[home]\npress = "digital-coated"\ncountries = ["US"]\n')
    recipient = {"name": "Ana Ríos", "street": "5 Calle Luna", "city": "San Juan", "postcode": "00901", **spelling}
    verdict = shop.take(order(1, recipient=recipient))
    assert verdict.order is not None, verdict.findings
    assert verdict.order.pieces[0].spec["house"] == "home"


def test_a_house_that_moves_gets_what_was_accepted_before(two: House, tmp_path: Path) -> None:
    (batch,) = two.printed(to_germany(1))
    moved = (tmp_path / "moved").as_uri()
    furnished(two, tmp_path, f'[north]\npress = "digital-coated"\ncountries = ["DE"]\ndelivery = "{moved}"\n')
    assert routing.target(two, batch) == moved


def test_what_is_released_says_where_it_went_whatever_became_of_its_house(two: House, tmp_path: Path) -> None:
    (batch,) = two.printed(to_germany(1))
    place = release.release(two, SCOPE, batch.name, routing.target(two, batch))
    furnished(two, tmp_path, '[south]\npress = "digital-coated"\ndelivery = "file:///srv/south"\n')
    again = two.store.batch(SCOPE, batch.id)
    assert release.release(two, SCOPE, batch.name, routing.target(two, again)) == place
    with pytest.raises(Conflict, match="print it twice"):
        release.release(two, SCOPE, batch.name, routing.target(two, again, "south"))


def test_a_piece_is_composed_for_the_press_and_the_postage_of_its_house(house: House, tmp_path: Path) -> None:
    shop = furnished(
        house,
        tmp_path,
        """
        [north]
        press = "digital-13x19"
        formats = ["A7"]
        [north.mailing]
        postage = "permit"
        [north.mailing.permit]
        office = "Duluth MN"
        number = "77"
    """,
    )
    verdict = shop.take(order(1))
    assert verdict.order is not None, verdict.findings
    spec = verdict.order.pieces[0].spec
    assert (spec["house"], spec["press"]["name"], spec["mailing"]["permit"]["office"]) == (
        "north", "digital-13x19", "Duluth MN",
    )  # fmt: skip
    other = shop.take(order(2, **FLAT)).order
    assert other is not None and "house" not in other.pieces[0].spec
    assert other.pieces[0].spec["mailing"]["postage"] == "stamp"
    stored = shop.store.order(SCOPE, verdict.order.id)
    said = {decision.code: decision.message for decision in explain.explain(shop, SCOPE, stored)}
    assert said["house.routed"] == "is printed by north on digital-13x19"


def test_without_houses_everything_is_as_it_was(house: House) -> None:
    """The group's text, the spec and the papers: what was accepted before lies in one batch with what comes now."""
    (batch,) = house.printed(order(1))
    assert batch.house == "" and batch.group.count("|") == 4 and Group.read(batch.group).text == batch.group
    (piece,) = house.store.members(batch.id)
    assert "house" not in piece.spec
    assert Group.read("A7|delivered|delivered").kind == Group("A7", "delivered", "delivered")


def test_an_address_changed_before_the_cut_off_changes_the_house(two: House) -> None:
    assert two.take(order(1)).order is not None
    stored = two.store.order(SCOPE, "R-1")
    patch = {"recipient": to_germany(1)["recipient"]}
    changed = change.change(two, SCOPE, "R-1", patch, stored.revision, lambda ref, where: b"", "user:opal")
    assert changed.order is not None and changed.order.pieces[0].spec["house"] == "north"
    two.run_steps()
    (batch,) = gather(two, SCOPE, DAY)
    assert (batch.house, batch.pieces) == ("north", 1)


def test_a_remake_goes_where_its_batch_went(two: House, tmp_path: Path) -> None:
    (batch,) = two.printed(to_germany(1))
    release.release(two, SCOPE, batch.name, routing.target(two, batch))
    furnished(two, tmp_path, '[east]\npress = "digital-coated"\ndelivery = "file:///srv/east"\n')
    two.store.add_remake(SCOPE, batch.id, [1], "torn", "opal")
    two.run_steps()
    (remake,) = two.store.remakes(SCOPE, batch.id)
    assert remake.made and list((tmp_path / "north").rglob("*_R01*.done"))


def test_a_photo_and_a_design_are_judged_by_the_press_of_the_house(house: House, tmp_path: Path) -> None:
    shop = furnished(house, tmp_path, '[north]\npress = "strict"\ncountries = ["US"]\n')
    (tmp_path / "shop" / "presses.toml").write_text(
        '[strict]\nbased_on = "digital-coated"\ntitle = "Strict"\nphoto_minimum_ppi = 300\n'
    )
    sharp_enough = {"main": picture(1200, 1600)}  # some 230 ppi
    asked = {"design": "congratulations-bravo", "occasion": "congratulations", "photo": "main"}
    at_north = shop.take(order(1, **asked), sharp_enough)
    assert at_north.order is None and "photo.resolution.low" in {found.code for found in at_north.findings}
    ours = shop.take(to_germany(2) | asked, sharp_enough)
    assert ours.order is not None, ours.findings
    assert specimen.Bench(shop, "A7").press == "strict" and specimen.Bench(shop).press == "digital-coated"


def test_what_is_erased_still_says_which_house_printed_it(two: House) -> None:
    verdict = two.take(to_germany(1))
    assert verdict.order is not None
    two.store.cancel_order(SCOPE, verdict.order.id, "not wanted", "user:opal")
    erase.erase(two, SCOPE, "R-1", "user:opal")
    (piece,) = two.store.order(SCOPE, verdict.order.id).pieces
    assert piece.spec["house"] == "north" and "recipient" not in piece.spec

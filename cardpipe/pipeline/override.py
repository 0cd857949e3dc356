"""Overrides: which errors are a matter of judgement, and what one that was given is good for.

A missing letter, a picture that cannot be decoded or a card that the post does not take can be let pass by nobody.
What can is listed here, each with why. An override hangs on a digest of what was looked at: with another photo, design
or address it is over, and the finding stops the order again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, Level, error
from cardpipe.model.intake import Row, RowState
from cardpipe.model.order import Order, digest
from cardpipe.model.override import Override
from cardpipe.model.stored import StoredOrder
from cardpipe.ports import DesignSource, Shop

COARSE = "photo.resolution.low"
#: Why a person may know better than the rule.
JUDGEMENT = {
    COARSE: "It may be the only photo there is. It is printed as it is, and will look soft.",
    "address.postcode.contradicts": "A ZIP code may be newer than the list that we look it up in.",
    "address.postcode.pattern": "Another country's post may have changed its postcodes since our list was made.",
    "order.occasion_date.far": "The day may be celebrated long before or after the card is mailed.",
}


@dataclass(slots=True)
class Overrides:
    """Those that an order may lean on (``given``), and those that it does (``used``, by what was pinned)."""

    given: Sequence[Override] = ()
    used: list[Override] = field(default_factory=list)

    def allow(self, finding: Finding, order: Order, design: str, pinned: Mapping[str, str]) -> bool:
        """Whether one of them lets this finding pass. ``order`` is as it was asked for, ``pinned`` the digests of its
        photos by their frames."""
        mine = of(finding.code, finding.where, order, design, pinned)
        forms = (mine, of(finding.code, finding.where, order, design, _asked(order), finding.message))
        found = next((each for each in self.given if each.of in forms), None)
        if found is not None and mine not in (each.of for each in self.used):
            self.used.append(replace(found, of=mine))
        return found is not None


def of(code: str, where: str, order: Order, design: str, pictures: Mapping[str, str], message: str = "") -> str:
    """The digest of what somebody looks at who lets a finding pass. ``message`` stands in for pixels where a picture
    is known by its name or its URL alone."""
    looked: object
    if code.startswith("photo."):
        looked = {"pictures": dict(pictures), "design": design}
    elif (party := where.partition(".")[0]) in ("recipient", "sender"):
        looked = getattr(order, party).model_dump(mode="json", exclude_defaults=True)
    else:
        looked = order.model_dump(mode="json", include={"occasion_date", "mail_on", "arrive_by"})
    return digest({"code": code, "where": where, "looked": looked, "message": message})


def let_pass(finding: Finding) -> Finding:
    """The finding as it is told once an override holds."""
    return replace(finding, level=Level.WARNING, message=f"{finding.message}; it was let pass by an operator")


def place(finding: Finding) -> str:
    """The field that a finding is about, without the line of the file that it came from."""
    where = finding.where
    if where.startswith("line "):
        where = where.partition(" ")[2].partition(" ")[2]
    return where.strip()


def design_of(shop: Shop, order: Order) -> str:
    """The design that an order would be printed in now, with its version."""
    return named(shop.catalog.design(order.design or shop.catalog.design_for(order.occasion)))


def named(source: DesignSource) -> str:
    """A design with its version."""
    return f"{source.design.name} {source.design.version}"


def offers(shop: Shop, order: Order, design: str, findings: Iterable[Finding]) -> dict[Finding, str]:
    """Those errors that somebody may let pass, each with the digest of what was looked at."""
    pictures = _asked(order)
    return {
        found: of(found.code, place(found), order, design, pictures, found.message)
        for found in findings
        if _may(shop, order, found)
    }


def offered(shop: Shop, row: Row) -> dict[Finding, str]:
    """The same of a refused row."""
    if row.state is not RowState.REFUSED:
        return {}
    try:
        order = Order.model_validate(dict(row.request))
        found = offers(shop, order, design_of(shop, order), row.findings)
    except (ValidationError, Refused):  # it can be no order as it stands, whoever lets whatever pass
        return {}
    before = {each.of for each in row.overrides}
    return {finding: looked for finding, looked in found.items() if looked not in before}


def give(shop: Shop, found: Mapping[Finding, str], looked: Collection[str], note: str, actor: str) -> list[Override]:
    """Overrides of those that were ticked, by what was looked at. Raises Refused ``override.gone`` where one of them is
    not offered (any more)."""
    if lost := set(looked) - set(found.values()):
        what = f"{len(lost)} of what was to be let pass is not so any more"
        gone = error("override.gone", "pass", what, "look at it as it is now, and decide again")
        raise Refused("Nothing was let pass.", [gone])
    at = shop.clock.now().isoformat(timespec="seconds")
    return [Override(each.code, place(each), of_, actor, at, note) for each, of_ in found.items() if of_ in looked]


def given(stored: StoredOrder) -> tuple[Override, ...]:
    """What was let pass of an accepted order."""
    said = stored.pieces[0].spec.get("overrides", ()) if stored.pieces else ()
    return tuple(Override.from_dict(each) for each in said)


def _may(shop: Shop, order: Order, finding: Finding) -> bool:
    if finding.level is not Level.ERROR or finding.code not in JUDGEMENT:
        return False
    if finding.code != "address.postcode.pattern":
        return True
    party = getattr(order, place(finding).partition(".")[0], None)
    return party is not None and party.country != shop.catalog.carrier(shop.carrier).origin  # ours is in the barcode


def _asked(order: Order) -> dict[str, str]:
    """Where the order names a photo, and what it calls it: a digest, a name in its import's ZIP, a URL."""
    named = {"photo": order.photo, "photo_url": order.photo_url}
    named |= {f"photos.{name}": ref for name, ref in order.photos.items()}
    named |= {f"photo_urls.{name}": url for name, url in order.photo_urls.items()}
    return {where: ref for where, ref in named.items() if ref}

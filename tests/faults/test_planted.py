"""The drill has to be able to fail: with one guard of the product taken out it does, and with all of them in it does not.

Guards are taken out by ``tampering``, around the product's own processes; the product has no switch for it. So that a
race is not a matter of luck, slow hands are laid on where it runs, and the same slow hands with the guard in are fine.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cardpipe.model.order import Scope
from cardpipe.pipeline.gather import gather
from tests.faults.drill import Drill, Tally
from tests.faults.errands import Customers, Desk, Errand
from tests.faults.harm import until
from tests.faults.placing import TENANTS, Wish, wishes
from tests.faults.premises import Embedded


class Quick(Drill):
    """Few orders on one machine, nobody is killed: only what customers and operators do themselves."""

    def __init__(self, place: Path, orders: int, kinds: dict[str, int], plant: str) -> None:
        # a lease so long that no heartbeat tells anybody that he was overtaken: the token alone does
        premises = Embedded(place, plant=plant, hands=4, lease=120.0)
        super().__init__(premises, wishes(orders, 5, kinds), seed=5, harm_seconds=2.0, harm=False)
        self.patience = 40.0

    def day(self, customers: Customers) -> None:
        """Orders come in, and are composed."""
        until(lambda: not customers.open and self.settled(), 60)

    def peace(self, customers: Customers) -> None:
        """Where an order is lost on its way, nobody waits for it; the others are printed."""
        if self.settled():
            return super().peace(customers)
        for tenant in TENANTS:
            gather(self.premises.shop, Scope(tenant), self.mail_on)
            self.resume_batches(tenant)
            self.hand_over(tenant, self.patience)


class Watching(Desk):
    """Customers who change their mind just when their card is being made."""

    leisure = 0.0

    def change(self, wish: Wish) -> Errand[None]:
        for _ in range(200):
            told = yield from self.insist(wish, "get", lambda client: client.get(wish.id))
            if told["pieces"][0]["state"] != "waiting":
                break
            yield 0.1
        yield from super().change(wish)


class Fickle(Quick):
    desk = Watching


class TwoOperators(Fickle):
    """Both close the same day: one looked at it before the other closed it, and takes what he saw afterwards."""

    def day(self, customers: Customers) -> None:
        super().day(customers)
        for tenant in TENANTS:
            gate = self.premises.place / f"gate-{tenant}"
            slow = threading.Thread(target=self.close, args=(tenant, 60), kwargs={"DRILL_GATE": str(gate)})
            slow.start()
            assert until(gate.exists, 60)
            assert self.close(tenant, 60).code == 0
            assert self.hand_over(tenant, 60) == {}
            gate.with_name(f"{gate.name}.go").touch()
            slow.join()


def _drilled(quick: Quick) -> Tally:
    try:
        tally = quick.run()
    finally:
        quick.premises.stop()
    print(tally.lines())
    return tally


CHANGED, PLAIN, TWICE = {"changed": 1}, {"plain": 1}, {"twice": 1, "plain": 1}


def test_the_slow_hands_alone_do_no_harm(tmp_path: Path) -> None:
    tally = _drilled(TwoOperators(tmp_path / "drill", 8, CHANGED, "lingering,slow gather"))
    assert tally.wrong == [] and tally.cards == 8


@pytest.mark.long
def test_without_the_fencing_token_an_order_that_is_changed_is_lost_or_printed_as_it_was(tmp_path: Path) -> None:
    """Whoever was at the old card finishes it in the name of the new one."""
    wrong = _drilled(Fickle(tmp_path / "drill", 8, CHANGED, "lingering,fencing")).wrong
    assert any("its message is not that of" in line or "is lost" in line for line in wrong), wrong


def test_without_the_look_at_its_state_a_piece_is_taken_by_two_gathers(tmp_path: Path) -> None:
    wrong = _drilled(TwoOperators(tmp_path / "drill", 4, PLAIN, "slow gather,take")).wrong
    assert any("is printed 2 times" in line for line in wrong), wrong


def test_without_the_reference_an_order_sent_again_is_printed_again(tmp_path: Path) -> None:
    wrong = _drilled(Quick(tmp_path / "drill", 6, TWICE, "reference")).wrong
    assert any("a card that nobody ordered" in line for line in wrong), wrong
    assert any("answered with" in line for line in wrong), wrong

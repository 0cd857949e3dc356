"""A finding that an operator lets pass: on a refused row, and while an order is edited; noted, and audited."""

from __future__ import annotations

import html
import re

import pytest
from httpx import Response

from cardpipe.model.intake import RowState
from cardpipe.model.user import Role
from cardpipe.pipeline.cancel import cancel
from cardpipe.pipeline.erase import erase
from cardpipe.pipeline.override import given
from tests.console.conftest import Browse, Browser
from tests.console.floor import SCOPE
from tests.console.test_order_edit import PHOTO, at, edited, fields, of
from tests.console.test_stuck import a_row, actions, zipped
from tests.pipeline.shopfloor import House, picture

COARSE = "photo.resolution.low"
NOTE = "the only photo of her grandmother"


@pytest.fixture
def operator(browse: Browse) -> Browser:
    return browse(Role.OPERATOR)


def ticks(answer: Response) -> list[str]:
    """What can be ticked to let it pass."""
    return re.findall(r'type="checkbox" name="pass" value="([0-9a-f]{64})"', answer.text)


def test_a_refused_row_is_let_pass_with_a_note(seeded: House, operator: Browser, browse: Browse) -> None:
    zipped(seeded, picture(700, 520))
    row = a_row(seeded, COARSE)
    path = f"/stuck/rows/{row.id}"
    assert ticks(browse(Role.VIEWER).get(path)) == []
    (looked,) = ticks(operator.get(path))
    bare = operator.send_form(path, {"pass": looked})
    assert bare.status_code == 422 and "say why, in one line" in bare.text
    assert ticks(bare) == [looked] and f'value="{looked}" checked' in bare.text
    stale = operator.send_form(path, {"pass": "0" * 64, "note": NOTE})
    assert stale.status_code == 422 and "override.gone" in stale.text
    assert seeded.store.row(SCOPE, row.id).state is RowState.REFUSED
    assert operator.send_form(path, {"pass": looked, "note": NOTE}).status_code == 303
    seeded.run_steps()
    assert seeded.store.row(SCOPE, row.id).state is RowState.ACCEPTED
    assert ("order.finding_passed", row.id) in actions(seeded)
    assert ("row.mended", row.id) not in actions(seeded), "nothing of it was mended"
    page = html.unescape(operator.get(f"/orders/{row.id}").text)
    assert NOTE in page and "user:the-operator" in page
    assert NOTE not in str(seeded.store.audited("local", 50)), "the audit log takes ids only"


def test_an_edit_is_let_pass_where_it_was_refused(seeded: House, operator: Browser) -> None:
    small = {"photo.main": ("a.jpg", picture(700, 520), "image/jpeg")}
    refused = edited(seeded, operator, PHOTO, small)
    assert refused.status_code == 422 and COARSE in refused.text
    (looked,) = ticks(refused)
    again = {**fields(refused), "pass": looked}
    bare = operator.send_form(at(seeded, PHOTO), {**again, "note": ""})
    assert bare.status_code == 422 and "say why, in one line" in bare.text and COARSE in bare.text
    assert f'value="{looked}" checked' in bare.text
    assert of(seeded, PHOTO).revision == 1
    assert operator.send_form(at(seeded, PHOTO), {**again, "note": NOTE}).status_code == 303
    stored = of(seeded, PHOTO)
    assert stored.revision == 2 and [each.note for each in given(stored)] == [NOTE]
    assert {"order.finding_passed", "order.changed"} <= {action for action, _ in actions(seeded)}
    seeded.run_steps()
    assert NOTE in operator.get(f"/orders/{stored.id}").text
    words = edited(seeded, operator, PHOTO, message="Dear you,\n\nOther words.\n\nJune")
    assert words.status_code == 303, "what was let pass is let pass, whatever else is changed"


def test_what_was_ticked_for_one_photo_is_nothing_for_another(seeded: House, operator: Browser) -> None:
    refused = edited(seeded, operator, PHOTO, {"photo.main": ("a.jpg", picture(700, 520), "image/jpeg")})
    sent = {**fields(refused), "pass": ticks(refused)[0], "note": NOTE}
    other = {"photo.main": ("b.jpg", picture(680, 520), "image/jpeg")}
    answer = operator.send_form(at(seeded, PHOTO), sent, files=other)
    assert answer.status_code == 422 and "override.gone" in answer.text
    assert of(seeded, PHOTO).revision == 1


def test_what_is_no_matter_of_judgement_has_no_tick(seeded: House, operator: Browser) -> None:
    assert ticks(operator.get(f"/stuck/rows/{a_row(seeded, 'address.state.unknown').id}")) == []
    bad = edited(seeded, operator, PHOTO, message="Dear 漢字")
    assert bad.status_code == 422 and ticks(bad) == []


def test_an_override_is_erased_with_its_order(seeded: House, operator: Browser) -> None:
    zipped(seeded, picture(700, 520))
    row = a_row(seeded, COARSE)
    path = f"/stuck/rows/{row.id}"
    operator.send_form(path, {"pass": ticks(operator.get(path))[0], "note": NOTE})
    seeded.run_steps()
    cancel(seeded, SCOPE, row.id, "not wanted", "user:x")
    erase(seeded, SCOPE, row.id, "user:x")
    assert seeded.store.row(SCOPE, row.id).overrides == ()
    assert given(seeded.store.order(SCOPE, row.id)) == ()

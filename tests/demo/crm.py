"""What a CRM does, in Python: order a card with a photo, look at its proof, think again, and be told.

    CARDPIPE_KEY=cp_live_… python tests/demo/crm.py http://127.0.0.1:8017

It listens on 127.0.0.1:8018, which the server must be allowed to call: CARDPIPE_OUTBOUND_ALLOW=127.0.0.1:8018.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from receiver import Receiver

from cardpipe.client import Cardpipe, Failed

HERE, OUT = Path(__file__).parent, Path("var/crm")
PORT = 8018


def main(url: str) -> None:
    """The whole morning of a CRM."""
    order = json.loads((HERE / "crm.json").read_text())
    receiver = Receiver(PORT)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with Cardpipe(url) as cards:
        before = len(list(cards.events()))
        webhook = cards.add_webhook(f"http://127.0.0.1:{PORT}/cards")
        receiver.secret = webhook["secret"]

        photo = cards.upload(HERE / "photos" / "grey-cat.heic")
        first = cards.order({**order, "reference": "CRM-2", "photo": photo})
        again = cards.order({**order, "reference": "CRM-2", "photo": photo})
        print(f"CRM-2 was ordered twice and is one card: {first['id']} = {again['id']}")

        OUT.mkdir(parents=True, exist_ok=True)
        cards.wait_for_proof("CRM-2").save(OUT / "CRM-2.png")
        print(f"its proof lies in {OUT / 'CRM-2.png'}; it will be mailed on {first['mail_on']}")

        try:
            cards.order({**order, "reference": "CRM-3", "photo": photo, "message": "Dear {nickname}, …"})
        except Failed as problem:
            print(f"CRM-3 was refused, and nothing was stored: {problem.findings[0].message}")

        twin = cards.order({**order, "reference": "CRM-4", "photo": photo})
        print(f"CRM-4 goes to the same person for the same occasion: {twin['shown']}")
        print(f"we withdraw it: {cards.cancel('CRM-4', 'the first one is enough')['shown']}")

        patience = time.monotonic() + 60
        while len(receiver.known) < len(list(cards.events())) - before and time.monotonic() < patience:
            time.sleep(0.5)
        cards.drop_webhook(webhook["id"])


main(sys.argv[1])

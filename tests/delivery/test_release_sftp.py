"""The operator's command over a real server: a batch released by SFTP, verified where it lies, remade, answered."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests import starting
from tests.delivery.sshd import Sshd

ADDRESS = {"name": "Zoë Łukasz", "street": "1 Elm St", "city": "Tucson", "state": "AZ", "postcode": "85705"}
DAY = "2026-12-01"


def test_a_batch_goes_to_a_server_and_is_answered(sshd: Sshd, tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    orders = tmp_path / "orders.ndjson"
    orders.write_text(
        "".join(
            json.dumps({
                "reference": f"R-{n}", "occasion": "thank-you", "design": "thank-you-fern",
                "recipient": {**ADDRESS, "name": f"Zoë Łukasz {n}"}, "sender": ADDRESS, "message": f"Dear {{first_name}},\n\nthank you {n} times.",
            }) + "\n"
            for n in (1, 2)
        )
    )  # fmt: skip
    login = sshd.login()
    environment = {
        **os.environ, "CARDPIPE_DATA": str(tmp_path / "data"), "CARDPIPE_SFTP_KEY": str(login.key),
        "CARDPIPE_SFTP_KNOWN_HOSTS": str(login.known_hosts), "CARDPIPE_DELIVERY": sshd.target(incoming).address,
    }  # fmt: skip

    def cardpipe(*words: object) -> subprocess.CompletedProcess[str]:
        return starting.run([*map(str, words)], environment, tmp_path, 120)

    assert cardpipe("order", "submit", orders, "--mail-on", DAY).returncode == 0
    name = json.loads(cardpipe("batch", "close", "--mail-on", DAY, "--json").stdout)["batches"][0]["name"]
    strange = cardpipe(
        "batch", "release", name, "--to", sshd.target(incoming).address.replace("127.0.0.1", "localhost")
    )
    assert strange.returncode != 0 and "host" in strange.stderr, "a host that is not pinned is not called"
    done = cardpipe("batch", "release", name)
    assert done.returncode == 0, done.stderr
    assert (incoming / name / f"{name}.done").is_file()
    assert cardpipe("batch", "verify", incoming / name).returncode == 0
    spoiled = cardpipe("batch", "spoil", name, "2", "--reason", "torn")
    assert spoiled.returncode == 0, spoiled.stderr
    assert cardpipe("batch", "verify", incoming / f"{name}_R01").returncode == 0
    (incoming / f"{name}.nak").write_text("page 2 is black")
    answered = cardpipe("batch", "replies", name)
    assert answered.returncode == 2 and "page 2 is black" in answered.stdout

"""``cardpipe batch VERB``: each a few lines; what it does lies in ``batches``, ``handing`` and ``afterpress``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cardpipe.model.scan import Stage

batch = typer.Typer(no_args_is_help=True, help="Batches: pieces that go to press together, in mail order.")

BatchKey = Annotated[str, typer.Argument(help="Name or id.", metavar="BATCH")]
Pieces = Annotated[list[str], typer.Argument(help="Numbers in the batch: 17 42-45.", metavar="NUMBERS...")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the log.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
_TO = "A house by name, file:///FOLDER or sftp://USER@HOST/FOLDER. Default: its own house, else CARDPIPE_DELIVERY."
Out = Annotated[Path, typer.Option("--out", help="The folder that gets one folder a batch.")]
MailOn = Annotated[
    str | None, typer.Option("--mail-on", metavar="YYYY-MM-DD", help="Mail date of orders without one. Default: today.")
]


@batch.command("list")
def batch_list(mail_on: MailOn = None, as_json: Json = False) -> None:
    """The batches, or those of one mail date."""
    from cardpipe.cli import batches

    batches.list_batches(mail_on, as_json)


@batch.command("close")
def batch_close(
    mail_on: MailOn = None,
    label_start: Annotated[int, typer.Option(min=1, help="First free label on a partly used sheet.")] = 1,
    as_json: Json = False,
) -> None:
    """Gather every composed piece of a mail date and write its print files."""
    from cardpipe.cli import batches

    batches.close(mail_on, label_start, as_json)


@batch.command("show")
def batch_show(key: BatchKey, as_json: Json = False) -> None:
    """A batch: its state, its files with their digests, its pieces, its remakes, what is accounted for."""
    from cardpipe.cli import batches

    batches.show_batch(key, as_json)


@batch.command("hold")
def batch_hold(key: BatchKey, reason: Reason, as_json: Json = False) -> None:
    """Let nothing more happen to a batch until it is resumed."""
    from cardpipe.cli import batches

    batches.hold(key, reason, as_json)


@batch.command("resume")
def batch_resume(key: BatchKey, reason: Reason, as_json: Json = False) -> None:
    """End a batch's hold; its files are tried again, with all their attempts."""
    from cardpipe.cli import batches

    batches.resume(key, reason, as_json)


@batch.command("eject")
def batch_eject(key: BatchKey, pieces: Pieces, reason: Reason, as_json: Json = False) -> None:
    """Take pieces out before the release; all files are written anew, as the next revision."""
    from cardpipe.cli import handing

    handing.eject(key, pieces, reason, as_json)


@batch.command("presort-list")
def batch_presort_list(
    key: BatchKey, out: Annotated[Path, typer.Option(help="The CSV to write.")], as_json: Json = False
) -> None:
    """Write the list for the house's CASS, NCOA and presort software."""
    from cardpipe.cli import handing

    handing.presort_list(key, out, as_json)


@batch.command("presort-take")
def batch_presort_take(
    key: BatchKey, file: Annotated[Path, typer.Argument(help="The house's return file, a CSV.")], as_json: Json = False
) -> None:
    """Take the house's order, barcodes and trays; refused where its records are not just those of the list."""
    from cardpipe.cli import handing

    handing.presort_take(key, file, as_json)


@batch.command("release")
def batch_release(
    key: BatchKey,
    to: Annotated[str, typer.Option(help=_TO)] = "",
    out: Annotated[Path | None, typer.Option(help="A folder; short for --to file:///FOLDER.")] = None,
    as_json: Json = False,
) -> None:
    """Verify a batch once more and hand it to the house. From then on nothing can be ejected."""
    from cardpipe.cli import handing

    handing.release(key, to, out, as_json)


@batch.command("verify")
def batch_verify(folder: Annotated[Path, typer.Argument(help="A delivered folder.")], as_json: Json = False) -> None:
    """Read every match code of a delivered folder and compare all of it with its manifest. Needs no data folder."""
    from cardpipe.cli import handing

    handing.verify_folder(folder, as_json)


@batch.command("export")
def batch_export(key: BatchKey, out: Out, as_json: Json = False) -> None:
    """Write a released batch's files into a folder once more; the same again changes nothing."""
    from cardpipe.cli import handing

    handing.export(key, out, as_json)


@batch.command("spoil")
def batch_spoil(key: BatchKey, pieces: Pieces, reason: Reason, as_json: Json = False) -> None:
    """Make ruined pieces again, card and envelope as a pair, and hand them to where the batch went."""
    from cardpipe.cli import afterpress

    afterpress.spoil(key, pieces, reason, as_json)


@batch.command("withdraw")
def batch_withdraw(key: BatchKey, pieces: Pieces, reason: Reason, as_json: Json = False) -> None:
    """Note that pieces of a released batch were pulled out by hand and will never be mailed."""
    from cardpipe.cli import afterpress

    afterpress.withdraw(key, pieces, reason, as_json)


@batch.command("reconcile")
def batch_reconcile(
    key: BatchKey,
    file: Annotated[Path, typer.Argument(help="Scanned codes, one a line, or a CSV (code | card, envelope; stage).")],
    stage: Annotated[Stage | None, typer.Option(help="What the list saw, where it does not say it itself.")] = None,
    as_json: Json = False,
) -> None:
    """Take a list of scans. A contradiction takes nothing, holds the batch and exits 3."""
    from cardpipe.cli import afterpress

    afterpress.reconcile(key, file, stage, as_json)


@batch.command("mark")
def batch_mark(
    key: BatchKey,
    stage: Annotated[Stage, typer.Argument(help="What happened.")],
    pieces: Annotated[list[str] | None, typer.Argument(help="Numbers: 17 42-45. Default: all.")] = None,
    as_json: Json = False,
) -> None:
    """Say that pieces were printed, mailed or returned: all that are still in the batch, or these."""
    from cardpipe.cli import afterpress

    afterpress.mark(key, stage, pieces or [], as_json)


@batch.command("replies")
def batch_replies(key: BatchKey, as_json: Json = False) -> None:
    """Read what the house answered (.ack, .nak). A .nak holds the batch and exits 2."""
    from cardpipe.cli import afterpress

    afterpress.replies(key, as_json)


@batch.command("settle")
def batch_settle(key: BatchKey, as_json: Json = False) -> None:
    """Close the books: mailed + withdrawn = gathered, or the numbers that are missing and exit 3."""
    from cardpipe.cli import afterpress

    afterpress.settle(key, as_json)

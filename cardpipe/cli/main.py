"""``cardpipe NOUN VERB``. Each command is a few lines here; what it does lies below. Heavy imports wait until a command
runs, so that ``--help`` answers at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cardpipe.cli import keeping, show
from cardpipe.cli.batch import batch

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=(
    "Card orders in, print-ready cards and envelopes out: batched, merged and proven for a print and mail house."
))  # fmt: skip
order = typer.Typer(no_args_is_help=True, help="Orders: what a CRM asked for, one card to one recipient.")
design = typer.Typer(no_args_is_help=True, help="Designs: folders of art and a design.toml.")
hand = typer.Typer(no_args_is_help=True, help="Hands: how cards are written, and your own as a font.")
format_ = typer.Typer(no_args_is_help=True, help="Formats: kinds of cards with their envelopes.")
house_ = typer.Typer(no_args_is_help=True, help="Houses: who prints and mails which pieces.")
app.add_typer(order, name="order")
app.add_typer(batch, name="batch")
app.add_typer(design, name="design")
app.add_typer(hand, name="hand")
app.add_typer(format_, name="format")
app.add_typer(house_, name="house")
app.add_typer(keeping.tenant, name="tenant")
app.add_typer(keeping.key, name="key")
app.add_typer(keeping.user, name="user")
app.add_typer(keeping.audit, name="audit")
app.command("backup")(keeping.backup)
app.command("restore")(keeping.restore)
app.command("reconcile")(keeping.reconcile)

Host = Annotated[str, typer.Option(help="Address to listen on; only this machine by default.")]
Port = Annotated[int, typer.Option(help="Port to listen on.")]
Key = Annotated[str, typer.Argument(help="Reference or id.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the log.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Out = Annotated[Path, typer.Option("--out", help="The folder that gets one folder a batch.")]
Files = Annotated[list[Path], typer.Argument(help="Files of orders: .csv, .ndjson or .json.", show_default=False)]
MailOn = Annotated[
    str | None, typer.Option("--mail-on", metavar="YYYY-MM-DD", help="Mail date of orders without one. Default: today.")
]


@app.command("print")
def print_(orders: Files, out: Out, mail_on: MailOn = None, as_json: Json = False) -> None:
    """The main job: accept orders, compose, gather, merge, prove, and write one folder a batch."""
    from cardpipe.cli import pressrun

    pressrun.print_orders(orders, out, mail_on, as_json)


@app.command()
def preflight(
    file: Annotated[Path, typer.Argument(help="Any PDF.")],
    report: Annotated[Path | None, typer.Option(help="Write the report as a readable page.")] = None,
    as_json: Json = False,
) -> None:
    """Inspect a PDF as the press would: every finding at once; exit 2 when one is an error."""
    from cardpipe.cli import inspect

    inspect.preflight(file, as_json, report)


@app.command()
def worker() -> None:
    """Run the workers and the dispatcher on the data folder until stopped."""
    from cardpipe.cli import serving

    serving.work()


@app.command()
def dispatcher() -> None:
    """One more dispatcher, beside those that workers bring along; any number may run."""
    from cardpipe.cli import serving

    serving.dispatch()


@app.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """The whole thing on one machine: the API, the operators' console, the dispatcher and the workers."""
    from cardpipe.cli import serving

    serving.serve(host, port)


@app.command()
def api(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """The API alone, where workers run elsewhere on the same servers."""
    from cardpipe.cli import serving

    serving.serve_api(host, port)


@app.command()
def console(host: Host = "127.0.0.1", port: Port = 8001) -> None:
    """The operators' console alone, where workers run elsewhere on the same servers."""
    from cardpipe.cli import serving

    serving.serve_console(host, port)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Can I print today? Looks at data folder, database, queue, fonts, designs and the darkroom."""
    from cardpipe.cli import doctor as examination

    examination.examine(as_json)


@order.command("submit")
def order_submit(orders: Files, mail_on: MailOn = None, as_json: Json = False) -> None:
    """Accept the orders of files, or refuse them with every finding. Workers compose them afterwards."""
    from cardpipe.cli import orders as commands

    commands.submit(orders, mail_on, as_json)


@order.command("show")
def order_show(key: Key, as_json: Json = False) -> None:
    """What became of an order: its state, its piece, its batch, and every move with its reason."""
    from cardpipe.cli import orders as commands

    commands.show_order(key, as_json)


@order.command("proof")
def order_proof(
    key: Key, out: Annotated[Path, typer.Option(help="The PNG to write.")], guides: bool = False, as_json: Json = False
) -> None:
    """Draw the proof of a composed order: a watermarked picture of what will be printed."""
    from cardpipe.cli import orders as commands

    commands.proof(key, out, guides, as_json)


@order.command("cancel")
def order_cancel(key: Key, reason: Reason, as_json: Json = False) -> None:
    """Withdraw an order, until its piece lies in a print file."""
    from cardpipe.cli import orders as commands

    commands.cancel_order(key, reason, as_json)


@order.command("hold")
def order_hold(key: Key, reason: Reason, as_json: Json = False) -> None:
    """Keep an order out of every batch until it is resumed."""
    from cardpipe.cli import orders as commands

    commands.hold_order(key, reason, as_json)


@order.command("resume")
def order_resume(
    key: Key,
    reason: Reason,
    allow_duplicate: Annotated[
        bool, typer.Option("--allow-duplicate", help="A second card is meant; recorded.")
    ] = False,
    as_json: Json = False,
) -> None:
    """End an order's hold; a piece that needed attention is composed anew, with all its attempts."""
    from cardpipe.cli import orders as commands

    commands.resume_order(key, reason, allow_duplicate, as_json)


@order.command("erase")
def order_erase(key: Key, as_json: Json = False) -> None:
    """Erase an order's personal data, once its card is mailed or it is cancelled."""
    from cardpipe.cli import tenants

    tenants.erase_order(key, as_json)


@order.command("schema")
def order_schema() -> None:
    """The JSON Schema of an order."""
    from cardpipe.cli import orders as commands

    commands.schema()


@order.command("columns")
def order_columns() -> None:
    """The columns that a CSV of orders may have."""
    from cardpipe.cli import orders as commands

    commands.columns()


@design.command("new")
def design_new(
    name: str,
    format: Annotated[str, typer.Option(help="A format's name.")] = "A7",
    art: Annotated[
        Literal["svg", "pdf"], typer.Option(help="What you draw with: SVG in screen colours, or PDF.")
    ] = "svg",
    as_json: Json = False,
) -> None:
    """Start a design: a folder with a design.toml, template art, and guides of trim, bleed, safe and fold."""
    from cardpipe.cli import designs

    designs.new(name, format, as_json, art)


@design.command("schema")
def design_schema() -> None:
    """The JSON Schema of design.toml, for editors."""
    from cardpipe.cli import designs

    designs.schema()


@design.command("check")
def design_check(
    names: Annotated[list[str] | None, typer.Argument(help="Designs; all by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for pictures: each side, with what is meant.")] = None,
    as_json: Json = False,
) -> None:
    """Judge designs: their data, their art, and whether every specimen fits. Exit 2 when one does not."""
    from cardpipe.cli import designs

    designs.check(names or [], as_json, out)


@design.command("proof")
def design_proof(
    names: Annotated[list[str] | None, typer.Argument(help="Designs; all by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where proofs go; by default into the design's own folder.")] = None,
    as_json: Json = False,
) -> None:
    """Draw every specimen of a design, and its thumbnail."""
    from cardpipe.cli import designs

    designs.proof(names or [], out, as_json)


@hand.command("specimens")
def hand_specimens(
    names: Annotated[list[str] | None, typer.Argument(help="Hands; all by default.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that gets a PDF and a PNG a page.")] = Path("hands"),
    as_json: Json = False,
) -> None:
    """Every letter of each hand on a page: what it writes itself, and what another face writes for it."""
    from cardpipe.cli import specimens

    specimens.specimens(names or [], out, as_json)


@hand.command("compare")
def hand_compare(
    name: Annotated[str, typer.Argument(help="A hand.")],
    out: Annotated[Path | None, typer.Option("--out", help="A folder for sheets that show it.")] = None,
    as_json: Json = False,
) -> None:
    """How alike a hand writes one message twice, in per cent, at each strength of its disorder."""
    from cardpipe.cli import specimens

    specimens.measure(name, out, as_json)


@hand.command("sheet")
def hand_sheet(
    out: Annotated[Path, typer.Option(help="The PDF to write.")] = Path("hand-form.pdf"),
    paper: Annotated[Literal["letter", "a4"], typer.Option(help="What your printer holds.")] = "letter",
    as_json: Json = False,
) -> None:
    """The form on which a person writes their own hand: letters, accents, figures, pairs and three signatures."""
    from cardpipe.cli import hands

    hands.sheet(out, paper, as_json)


@hand.command("learn")
def hand_learn(
    scans: Annotated[list[Path], typer.Argument(help="A photo of each page of the filled form.", show_default=False)],
    name: Annotated[str, typer.Option(help="The hand's name: a-z, 0-9 and hyphens.")],
    title: Annotated[str, typer.Option(help="What people read; made of the name by default.")] = "",
    out: Annotated[Path | None, typer.Option(help="The folder of fonts; the shop's own by default.")] = None,
    signatures: Annotated[Path | None, typer.Option(help="Their folder. Default: NAME-signatures, here.")] = None,
    as_json: Json = False,
) -> None:
    """Make a font of photos of the filled form, or say everything that is wrong with them."""
    from cardpipe.cli import hands

    hands.learn(scans, name, title, out, signatures, as_json)


@design.command("gallery")
def design_gallery(
    out: Annotated[Path, typer.Option(help="The folder that gets index.html, its pictures and contact-sheet.pdf.")],
    names: Annotated[list[str] | None, typer.Argument(help="Designs; all by default.")] = None,
    as_json: Json = False,
) -> None:
    """All designs by occasion on one HTML page, with their limits, and on a PDF contact sheet."""
    from cardpipe.cli import gallery

    gallery.gallery(names or [], out, as_json)


@design.command("watch")
def design_watch(
    name: str, out: Annotated[Path, typer.Option(help="The folder that gets the pictures.")] = Path("proofs")
) -> None:
    """Check and proof a design whenever one of its files is saved, until Ctrl-C."""
    from cardpipe.cli import watching

    watching.watch(name, out)


@format_.command("list")
def format_list(as_json: Json = False) -> None:
    """The formats: trim, fold, envelope, weight, and what the post says of them."""
    from cardpipe.cli import formats

    formats.list_formats(as_json)


@house_.command("list")
def house_list(as_json: Json = False) -> None:
    """The print and mail houses of houses.toml: what each takes, on which press, and where its files go."""
    from cardpipe.cli import houses

    houses.list_houses(as_json)


@format_.command("sheet")
def format_sheet(name: str, out: Annotated[Path, typer.Option(help="The folder that gets the PDF.")]) -> None:
    """A sheet to print on both sides, fold and tumble: all its arrows must point up."""
    from cardpipe.cli import formats

    formats.sheet(name, out)


def run() -> None:
    """The entry point: one sentence and the findings for what went wrong, and the exit code that the error owns."""
    from cardpipe.model.errors import Bug, CardpipeError

    try:
        app()
    except CardpipeError as problem:
        _tell(problem, "--json" in sys.argv)
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as problem:
        import traceback

        show.words("".join(traceback.format_exception(problem)).rstrip())
        show.words(f"cardpipe: a bug of ours ({type(problem).__name__}); please report it with the lines above")
        sys.exit(Bug.exit_code)
    except KeyboardInterrupt:
        show.words("stopped; nothing is lost, run the same command again")
        sys.exit(130)


def _tell(problem: Any, as_json: bool) -> None:
    findings = [finding.as_dict() for finding in problem.findings]
    if as_json:
        kind = type(problem).__name__.lower()
        show.data({"error": kind, "message": str(problem), "findings": findings}, True, "")
    show.words(f"cardpipe: {problem}")
    if problem.findings:
        show.words(show.findings_table((("", finding) for finding in problem.findings), ""))


if __name__ == "__main__":
    run()

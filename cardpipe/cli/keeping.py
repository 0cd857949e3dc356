"""``cardpipe tenant``, ``key``, ``user``, ``audit``, ``backup``, ``restore``, ``reconcile``: keeping the shop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

tenant = typer.Typer(no_args_is_help=True, help="Tenants: whose orders these are, and their terms.")
key = typer.Typer(no_args_is_help=True, help="API keys: who may send orders.")
user = typer.Typer(no_args_is_help=True, help="Users: who may log in to the console, and as what.")
audit = typer.Typer(no_args_is_help=True, help="The audit log: who did what.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
TenantName = Annotated[str, typer.Option("--tenant", help="The tenant's name.")]


@tenant.command("set")
def tenant_set(
    name: str,
    zone: Annotated[str | None, typer.Option(help="Its time zone, such as America/New_York.")] = None,
    cut_off: Annotated[
        str | None, typer.Option(help="Close each working day's batches at HH:MM; 'none': by hand.")
    ] = None,
    approval: Annotated[str | None, typer.Option(help="none, or required: each proof has to be approved.")] = None,
    postage_class: Annotated[str | None, typer.Option(help="By which arrive_by is reckoned.")] = None,
    retention_days: Annotated[
        str | None, typer.Option(help="Erase personal data so long after mailing; 'none'.")
    ] = None,
    daily_limit: Annotated[str | None, typer.Option(help="Orders a day, against a program gone wild; 'none'.")] = None,
    rate: Annotated[int | None, typer.Option(help="Requests a minute and key.")] = None,
    closed: Annotated[bool | None, typer.Option("--closed/--open", help="Whether its keys open nothing.")] = None,
    as_json: Json = False,
) -> None:
    """Set a tenant's terms; what is not given stays as it is."""
    from cardpipe.cli import tenants

    given: dict[str, Any] = {"zone": zone, "approval": approval, "postage_class": postage_class, "rate": rate,
                             "closed": closed}  # fmt: skip
    terms = {name: value for name, value in given.items() if value is not None}
    for field, text in (("cut_off", cut_off), ("retention_days", retention_days), ("daily_limit", daily_limit)):
        if text is not None:
            terms[field] = None if text == "none" else int(text) if text.isdigit() else text
    tenants.set_tenant(name, terms, as_json)


@tenant.command("show")
def tenant_show(name: str, as_json: Json = False) -> None:
    """A tenant's terms."""
    from cardpipe.cli import tenants

    tenants.show_tenant(name, as_json)


@tenant.command("list")
def tenant_list(as_json: Json = False) -> None:
    """All tenants."""
    from cardpipe.cli import tenants

    tenants.list_tenants(as_json)


@key.command("new")
def key_new(
    scope: Annotated[list[str], typer.Option("--scope", help="What it may do; may be given several times.")],
    tenant: TenantName = "local",
    mode: Annotated[str, typer.Option(help="live; or test: proofs only, never printed.")] = "live",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="It is over after so many days.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key, and print it this once."""
    from cardpipe.cli import tenants

    tenants.new_key(tenant, mode, scope, label, days, as_json)


@key.command("list")
def key_list(tenant: TenantName = "local", as_json: Json = False) -> None:
    """A tenant's keys."""
    from cardpipe.cli import tenants

    tenants.list_keys(tenant, as_json)


@key.command("revoke")
def key_revoke(id: str, tenant: TenantName = "local", as_json: Json = False) -> None:
    """End a key at once."""
    from cardpipe.cli import tenants

    tenants.revoke_key(tenant, id, as_json)


Role = Literal["viewer", "operator", "administrator"]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from a line on stdin.")]


@user.command("add")
def user_add(
    name: str,
    role: Annotated[Role, typer.Option(help="Who looks, who works, or who also decides who works here.")],
    tenant: Annotated[
        list[str] | None, typer.Option("--tenant", help="Whose orders; every tenant's by default.")
    ] = None,
    password_stdin: Stdin = False,
    as_json: Json = False,
) -> None:
    """Add a user. The password is asked for; where nobody can be asked, one is made and printed this once."""
    from cardpipe.cli import users

    users.add(name, role, tenant or [], password_stdin, as_json)


@user.command("list")
def user_list(as_json: Json = False) -> None:
    """All users."""
    from cardpipe.cli import users

    users.list_users(as_json)


@user.command("change")
def user_change(
    name: str,
    role: Annotated[Role | None, typer.Option(help="Another role.")] = None,
    tenant: Annotated[list[str] | None, typer.Option("--tenant", help="Only these tenants' orders.")] = None,
    all_tenants: Annotated[bool, typer.Option("--all-tenants", help="Every tenant's orders.")] = False,
    new_password: Annotated[bool, typer.Option("--new-password", help="Ask for a new password, or make one.")] = False,
    password_stdin: Stdin = False,
    disabled: Annotated[bool | None, typer.Option("--disable/--enable", help="Whether they may log in.")] = None,
    as_json: Json = False,
) -> None:
    """Change a user: whoever it is has to log in again."""
    from cardpipe.cli import users

    users.change(name, role, [] if all_tenants else tenant or None, new_password, password_stdin, disabled, as_json)


@user.command("unlock")
def user_unlock(name: str, as_json: Json = False) -> None:
    """End a pause: after five wrong passwords a name has to wait, up to 15 minutes."""
    from cardpipe.cli import users

    users.unlock(name, as_json)


@audit.command("list")
def audit_list(
    tenant: TenantName = "local",
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """Who did what, newest first."""
    from cardpipe.cli import tenants

    tenants.list_audit(tenant, limit, as_json)


@audit.command("verify")
def audit_verify(as_json: Json = False) -> None:
    """Whether the log is whole; exit 70 where it was changed."""
    from cardpipe.cli import tenants

    tenants.verify_audit(as_json)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    as_json: Json = False,
) -> None:
    """Write the database, all artifacts and the secret into one file, while work goes on."""
    from cardpipe.cli import backups

    backups.backup(file, as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="What 'cardpipe backup' wrote.")],
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty data folder. Releases are paused until 'cardpipe reconcile'."""
    from cardpipe.cli import backups

    backups.restore(file, as_json)


def reconcile(
    delivered: Annotated[list[Path] | None, typer.Argument(help="Folders that hold delivered batch folders.")] = None,
    done: Annotated[str, typer.Option("--done", help="All that was delivered was shown: why releases may go on.")] = "",
    restored: Annotated[
        str, typer.Option("--restored", help="A server's database was restored by its own tools: from which backup.")
    ] = "",
    as_json: Json = False,
) -> None:
    """After a restore: compare with what was delivered, so that no card is printed twice; then let releases go on.
    'cardpipe restore' pauses them; say --restored first where a database server was restored, before any work."""
    from cardpipe.cli import backups

    backups.reconcile(delivered or [], done, restored, as_json)

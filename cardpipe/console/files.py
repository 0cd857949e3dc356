"""A batch's files leave the shop: each alone, or all in one zip. The first who fetches them may; each later one says
why. And its papers as pictures, for whoever only wants to look."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.pictures import Album, kept
from cardpipe.console.visit import Visit
from cardpipe.model.batch import Batch, Bundle, Remake
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.user import Role
from cardpipe.pipeline import gather, giving, proofs
from cardpipe.pipeline.release import is_released
from cardpipe.wiring import Shop

_TYPES = {"pdf": "application/pdf", "json": "application/json", "csv": "text/csv; charset=utf-8",
          "xjdf": "application/vnd.cip4-xjdf+xml", "zip": "application/zip"}  # fmt: skip
_PPI = {"thumb": 34.0, "page": 120.0}


def routes(house: Shop) -> list[Route]:
    """``/batches/NAME/files``, ``…/remakes/RUN/files``, ``…/papers``, ``…/presort``."""

    @page(house, Role.OPERATOR)
    def fetched(visit: Visit) -> Response:
        batch, remake, bundle = _bundle(house, visit)
        name = visit.request.path_params.get("file", giving.ALL)
        file = next((file for file in bundle.files if file.name == name), None)
        if file is None and name != giving.ALL:
            raise Refused("No such file.", [error("file.unknown", "file", "is none of these", "go back to the batch")])
        if not bundle.files and is_released(batch):
            raise Refused(
                "Its files were erased.",
                [error("file.erased", bundle.name, "has no files any more", "nothing is to be done")],
            )
        reason = visit.form.get("reason", "")
        if giving.needs_reason(house, batch, remake, name) and reason not in giving.REASONS:
            before = giving.gone(house, batch, remake, name)
            return visit.show("batch_again.html", batch=batch, bundle=bundle, file=file, before=before,
                              reasons=giving.REASONS, at=visit.request.url.path)  # fmt: skip
        giving.permit(house, visit.scope, batch, remake, name, visit.actor, reason)
        if file is not None:
            source = house.artifacts.open(visit.scope, file.sha256)
            return _sent(giving.proven(source, file), file.name, file.size, file.sha256)
        stream, size = giving.zipped(house, visit.scope, bundle)
        return _sent(stream, f"{bundle.name}.zip", size)

    @page(house, Role.VIEWER)
    def paper(visit: Visit) -> Response:
        """A page of the ticket or the preflight report."""
        _, _, bundle = _bundle(house, visit)
        name, size = visit.part("file"), visit.asked("size", "page")
        file = next((f for f in bundle.files if f.name == name and f.name.endswith(("_TICKET.pdf", "_PREFLIGHT.pdf"))),
                    None)  # fmt: skip
        if file is None or size not in _PPI:
            raise Refused("No such paper.", [error("file.unknown", "file", "is none of these", "go back to the batch")])
        key = (*visit.scope, file.sha256, size)

        def draw() -> dict[tuple[str, ...], bytes]:
            return {key: proofs.paper(house, visit.scope, file.sha256, _PPI[size])}

        return kept(visit, album, key, draw, "image/png")

    @page(house, Role.OPERATOR)
    def presort(visit: Visit) -> Response:
        """The list for the house's presort software: addresses leave the shop, so it is written down who took it."""
        batch = house.store.batch(visit.scope, visit.part("name"))
        data = gather.presort_list(house, visit.scope, batch.name)
        house.store.audit(visit.scope.tenant, visit.actor, "batch.presort_list", batch.id, batch=batch.name,
                          mode=visit.scope.mode)  # fmt: skip
        return _sent([data], f"{batch.name}_PRESORT.csv", len(data))

    album = Album.of(house)
    made = []
    for part in ("/batches/{name}", "/batches/{name}/remakes/{run:int}"):
        made += [
            Route(f"{part}/zip", fetched, methods=["POST"]),
            Route(f"{part}/files/{{file}}", fetched, methods=["POST"]),
            Route(f"{part}/papers/{{file}}", album.in_turn(paper)),
        ]
    return [*made, Route("/batches/{name}/presort", presort, methods=["POST"])]


def _bundle(house: Shop, visit: Visit) -> tuple[Batch, Remake | None, Bundle]:
    """What the address names: a batch, or one of its remakes."""
    batch = house.store.batch(visit.scope, visit.part("name"))
    run = visit.request.path_params.get("run")
    if run is None:
        return batch, None, batch.bundle
    remake = next((one for one in house.store.remakes(visit.scope, batch.id) if one.run == run), None)
    if remake is None:
        raise Refused("No such remake.", [error("remake.unknown", "run", "is none of this batch", "go to the batch")])
    return batch, remake, remake.bundle(batch)


def _sent(stream: Iterable[bytes], name: str, size: int, sha256: str = "") -> Response:
    """Bytes to be saved under a name. They are compressed already, or were compared with their digest: as they are."""
    headers = {
        "content-length": str(size),
        "content-encoding": "identity",
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
    }
    if sha256:
        headers["repr-digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
    kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    return StreamingResponse(stream, media_type=kind, headers=headers)

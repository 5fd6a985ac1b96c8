"""The history's seals: what vouches for it, where one row stands, and whether all of it is sound."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from grader.web.api.answers import answer, standing
from grader.web.asking import asking
from grader.web.guards import permits_programs
from grader.web.roles import Permission
from grader.web.site import AnyRequest
from grader.workflows.accounts.tokens import Scope
from grader.workflows.programs.rows import RowSealed, newest_seal, row_sealed
from grader.workflows.views.audited import prove, proved

__all__ = ["ROUTES"]

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 of the seal.")]


class SealOf(Struct, frozen=True, kw_only=True):
    """A row with the digest of its seal, which vouches for it and for all rows before it."""

    row: int
    digest: Digest


class RowProof(SealOf, frozen=True, kw_only=True):
    """One row's seal, and the newest of all: a receipt names both as they stood when it was written."""

    kind: Annotated[str, Meta(description="Its table.")]
    at: datetime
    who: str
    why: str
    newest: SealOf


class Proof(Struct, frozen=True, kw_only=True):
    """What the newest proof of the whole history came to."""

    rows: Annotated[int, Meta(description="There are now.")]
    at: Annotated[datetime | None, Meta(description="When it was proved; null where the server never did.")]
    sound: bool | None
    proved: Annotated[int | None, Meta(description="Rows that the proof read.")]
    seal: Annotated[str, Meta(description="ROW:DIGEST of the newest row then; empty where it is not sound.")]
    problems: list[str]
    notes: list[str]


@get(
    "/audit",
    operation_id="getProof",
    summary="The newest proof of the history",
    tags=["audit"],
    opt=permits_programs(Permission.AUDIT, Scope.AUDIT),
    sync_to_thread=True,
)
def proof(
    request: AnyRequest,
    anew: Annotated[
        bool, QueryParameter(name="anew", description="Prove it now, which reads all rows.")
    ] = False,
) -> Response[Proof]:
    """As `grader audit` says it, without reading stored evidence."""
    store = asking(request).store
    rows, made = proved(store)
    if anew:
        made = prove(store)
    found = made.found if made else None
    return answer(
        Proof(
            rows=rows,
            at=made.at if made else None,
            sound=found.sound if found else None,
            proved=found.rows if found else None,
            seal=found.seal if found else "",
            problems=list(found.problems) if found else [],
            notes=list(found.notes) if found else [],
        )
    )


@get(
    "/audit/seal",
    operation_id="getSeal",
    summary="The newest seal",
    tags=["audit"],
    opt=permits_programs(Permission.AUDIT, Scope.AUDIT, tagged=True),
    sync_to_thread=True,
)
def seal(request: AnyRequest) -> Response[SealOf]:
    """To be noted down elsewhere: whoever has it can tell later whether any row up to it was changed."""
    who = asking(request)

    def made() -> SealOf:
        found = newest_seal(who.store)
        if found is None:
            raise NotFoundException
        return SealOf(row=found.seq, digest=found.digest)

    return standing(request, who, made)


@get(
    "/audit/rows/{id:int}",
    operation_id="getRowProof",
    summary="The seal of one row",
    tags=["audit"],
    opt=permits_programs(Permission.AUDIT, Scope.AUDIT, tagged=True),
    sync_to_thread=True,
)
def row(request: AnyRequest, id: FromPath[int]) -> Response[RowProof]:
    """To compare with a receipt's `row` or `newest`; whether the chain is unbroken, `/audit` says."""
    who = asking(request)

    def made() -> RowProof:
        found = row_sealed(who.store, id)
        if found is None:
            raise NotFoundException
        return _proof(found)

    return standing(request, who, made)


def _proof(found: RowSealed) -> RowProof:
    return RowProof(
        row=found.seal.seq,
        digest=found.digest,
        kind=found.seal.kind,
        at=found.seal.at,
        who=found.seal.actor,
        why=found.seal.why,
        newest=SealOf(row=found.newest.seq, digest=found.newest.digest),
    )


ROUTES = (proof, seal, row)

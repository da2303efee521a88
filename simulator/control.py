"""The control interface below /_control: tenants, grants, faults, time. No part of Microsoft."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import seed_files
from simulator.answers import simulation_of
from simulator.directory import Tenant
from simulator.state import ForcedEnding, Propagation, PropagationMode, Simulation

Handler = Callable[[Request, Simulation, Any], Any]


class _RefusalError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
            if not isinstance(body, dict):
                raise _RefusalError(400, "the body must be a JSON object")
            return JSONResponse(handler(request, simulation_of(request), body) or {"ok": True})
        except _RefusalError as error:
            return JSONResponse({"error": str(error)}, error.status)
        except seed_files.SeedError as error:
            return JSONResponse({"error": str(error)}, 400)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            return JSONResponse({"error": f"the body is not as it should be: {error!r}"}, 400)

    return endpoint


def _tenant(request: Request, simulation: Simulation) -> Tenant:
    found = simulation.tenants.get(request.path_params["tenant"].lower())
    if found is None:
        raise _RefusalError(404, "no such tenant")
    return found


def _health(_request: Request, _simulation: Simulation, _body: Any) -> Any:
    return {"ok": True}


def _reset(_request: Request, simulation: Simulation, _body: Any) -> None:
    simulation.reset()


def _put_tenant(request: Request, simulation: Simulation, body: Any) -> Any:
    tenant = simulation.put_tenant(body | {"id": request.path_params["tenant"]})
    return {"id": tenant.id, "users": len(tenant.users)}


def _get_tenant(request: Request, simulation: Simulation, _body: Any) -> Any:
    tenant = _tenant(request, simulation)
    return {
        "id": tenant.id,
        "display_name": tenant.display_name,
        "domains": [asdict(domain) for domain in tenant.domains],
        "users": len(tenant.users),
        "admin_consent_workflow": tenant.admin_consent_workflow,
        "authority": tenant.authority,
    }


def _delete_tenant(request: Request, simulation: Simulation, _body: Any) -> None:
    del simulation.tenants[_tenant(request, simulation).id]


def _add_user(request: Request, simulation: Simulation, body: Any) -> Any:
    tenant = _tenant(request, simulation)
    user = seed_files.user(tenant.id, body)
    tenant.users.put(user)
    return dict(user.properties)


def _change_user(request: Request, simulation: Simulation, body: Any) -> Any:
    tenant = _tenant(request, simulation)
    name = request.path_params["user"]
    before = tenant.users.get(name) or tenant.users.by_user_principal_name(name)
    if before is None:
        raise _RefusalError(404, "no such user")
    user = seed_files.user(tenant.id, {**body, "id": before.id}, before)
    tenant.users.put(user)
    return dict(user.properties)


def _delete_user(request: Request, simulation: Simulation, _body: Any) -> None:
    tenant = _tenant(request, simulation)
    name = request.path_params["user"]
    found = tenant.users.get(name) or tenant.users.by_user_principal_name(name)
    if found is None or not tenant.users.remove(found.id):
        raise _RefusalError(404, "no such user")


def _grants(request: Request, simulation: Simulation, _body: Any) -> Any:
    return {"grants": [asdict(grant) for grant in _tenant(request, simulation).grants.values()]}


def _put_grant(request: Request, simulation: Simulation, body: Any) -> Any:
    tenant = _tenant(request, simulation)
    grant = seed_files.grant({**body, "client_id": request.path_params["client"]})
    tenant.grants[grant.client_id] = grant
    return asdict(grant)


def _delete_grant(request: Request, simulation: Simulation, _body: Any) -> None:
    if _tenant(request, simulation).grants.pop(request.path_params["client"], None) is None:
        raise _RefusalError(404, "no such grant")


def _change_application(request: Request, simulation: Simulation, body: Any) -> Any:
    before = simulation.applications.get(request.path_params["client"].lower())
    if before is None:
        raise _RefusalError(404, "no such application")
    application = seed_files.application({**asdict(before), **body})
    simulation.applications[before.client_id] = application
    return {"client_id": application.client_id}


def _clock(_request: Request, simulation: Simulation, body: Any) -> Any:
    if "advance_seconds" in body:
        simulation.clock.advance(float(body["advance_seconds"]))
    return {
        "now": simulation.clock.now().isoformat(),
        "seconds_ahead": simulation.clock.seconds_ahead,
    }


def _faults(_request: Request, simulation: Simulation, _body: Any) -> Any:
    return {"faults": simulation.faults.listing()}


def _add_fault(_request: Request, simulation: Simulation, body: Any) -> None:
    simulation.faults.add(body)


def _clear_faults(_request: Request, simulation: Simulation, _body: Any) -> None:
    simulation.faults.clear()


def _add_propagation(_request: Request, simulation: Simulation, body: Any) -> None:
    simulation.ordered_propagation.append(
        Propagation(
            tenant=body["tenant"].lower(),
            client_id=body["client_id"],
            mode=PropagationMode(body["mode"]),
            seconds=body.get("seconds"),
            attempts=body.get("attempts"),
            sign_in=bool(body.get("sign_in", False)),
        )
    )


def _end_propagation(_request: Request, simulation: Simulation, _body: Any) -> None:
    simulation.ordered_propagation.clear()
    simulation.propagation.clear()


def _propagation(_request: Request, simulation: Simulation, _body: Any) -> Any:
    return {
        "ordered": [_shown(one) for one in simulation.ordered_propagation],
        "under_way": [_shown(one) for one in simulation.propagation.values()],
    }


def _shown(propagation: Propagation) -> dict[str, Any]:
    at = propagation.visible_at
    return asdict(propagation) | {"visible_at": at.isoformat() if at else None}


def _add_ending(_request: Request, simulation: Simulation, body: Any) -> None:
    unknown = body.keys() - {field.name for field in fields(ForcedEnding)}
    if unknown:
        raise _RefusalError(400, f"unknown fields: {', '.join(sorted(unknown))}")
    values = {"tenant": "", "ending": None, **body}
    values["tenant"] = values["tenant"].lower()
    values["omit"] = tuple(values.get("omit") or ())
    if values.get("application") is not None:
        values["application"] = tuple(values["application"])
    simulation.forced_endings.append(ForcedEnding(**values))


def _clear_endings(_request: Request, simulation: Simulation, _body: Any) -> None:
    simulation.forced_endings.clear()


def _quota(_request: Request, simulation: Simulation, body: Any) -> Any:
    if "units_per_window" in body:
        limit = body["units_per_window"]
        simulation.quota.limit = None if limit is None else int(limit)
    return {"units_per_window": simulation.quota.limit}


def _requests(_request: Request, simulation: Simulation, _body: Any) -> Any:
    return {"requests": [asdict(one) for one in simulation.requests]}


def _clear_requests(_request: Request, simulation: Simulation, _body: Any) -> None:
    simulation.requests.clear()


def _rotate_keys(_request: Request, simulation: Simulation, _body: Any) -> Any:
    return {"key_id": simulation.keys.rotate()}


_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/health", _health),
    ("POST", "/reset", _reset),
    ("GET", "/tenants/{tenant}", _get_tenant),
    ("PUT", "/tenants/{tenant}", _put_tenant),
    ("DELETE", "/tenants/{tenant}", _delete_tenant),
    ("POST", "/tenants/{tenant}/users", _add_user),
    ("PATCH", "/tenants/{tenant}/users/{user}", _change_user),
    ("DELETE", "/tenants/{tenant}/users/{user}", _delete_user),
    ("GET", "/tenants/{tenant}/grants", _grants),
    ("PUT", "/tenants/{tenant}/grants/{client}", _put_grant),
    ("DELETE", "/tenants/{tenant}/grants/{client}", _delete_grant),
    ("PATCH", "/applications/{client}", _change_application),
    ("GET", "/clock", _clock),
    ("POST", "/clock", _clock),
    ("GET", "/faults", _faults),
    ("POST", "/faults", _add_fault),
    ("DELETE", "/faults", _clear_faults),
    ("GET", "/propagation", _propagation),
    ("POST", "/propagation", _add_propagation),
    ("DELETE", "/propagation", _end_propagation),
    ("POST", "/consent_endings", _add_ending),
    ("DELETE", "/consent_endings", _clear_endings),
    ("GET", "/quota", _quota),
    ("PUT", "/quota", _quota),
    ("GET", "/requests", _requests),
    ("DELETE", "/requests", _clear_requests),
    ("POST", "/keys", _rotate_keys),
)

ROUTES = [
    Route(f"/_control{path}", _answering(handler), methods=[method])
    for method, path, handler in _TABLE
]

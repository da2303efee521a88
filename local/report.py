"""What a demo run came to, per organisation, for `--report`; and whether it is as it should be."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client

from contracts.go_live import go_live_id
from database.engine import open_sessions
from database.go_live import standings
from local import queries
from local.histories import everything_kept, found_in

EXPECTED = {"alpenglow": "LIVE", "northwind": "LIVE", "borealis": "NOT_ENTITLED"}
"""How each organisation of the examples ends."""


@dataclass(frozen=True)
class Report:
    """Per organisation: slug, outcome, stages, users, mails, history events."""

    organisations: list[dict[str, Any]]
    seconds: float
    first_live_seconds: float | None

    @property
    def faults(self) -> list[str]:
        """What is not as it should be; empty when all is well."""
        faults = [
            f"{one['slug']} ended as {one['outcome']}, not as {EXPECTED[one['slug']]}."
            for one in self.organisations
            if one["outcome"] != EXPECTED[one["slug"]]
        ]
        return faults + [
            f"{one['slug']}: {one['personal_data_in_history']} names or addresses in its history."
            for one in self.organisations
            if one["personal_data_in_history"]
        ]

    def data(self) -> dict[str, Any]:
        """Return the report as JSON-ready data."""
        return {
            "seconds": round(self.seconds, 1),
            "first_live_seconds": self.first_live_seconds and round(self.first_live_seconds, 1),
            "organisations": self.organisations,
        }


async def organisation_report(engine: Engine, client: Client, slug: str) -> dict[str, Any]:
    """Return what became of one organisation."""
    with open_sessions(engine).begin() as session:
        found = standings.standing_of(session, slug)
        if found is None or found.go_live_id is None or found.progress is None:
            return {"slug": slug, "outcome": None, "personal_data_in_history": 0}
        personal = queries.personal_data(session, found.organisation_id)
        data: dict[str, Any] = {
            "slug": slug,
            "outcome": found.progress.outcome,
            "stages": standings.stage_times(session, found.go_live_id),
            "users": queries.users_by_result(session, found.go_live_id),
            "mails": queries.mails_by_message(session, found.go_live_id),
            "activity_seconds": {},
        }
    events, texts = await everything_kept(client, go_live_id(slug))
    data["history_events"] = events
    data["personal_data_in_history"] = len(found_in(texts, personal))
    data["activity_seconds"] = await _activity_seconds(client, go_live_id(slug))
    return data


async def _activity_seconds(client: Client, workflow_id: str) -> dict[str, float]:
    """Return how long the activities of each kind ran, all runs of it together."""
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    names: dict[int, str] = {}
    starts: dict[int, float] = {}
    seconds: dict[str, float] = {}
    for event in history.events:
        at = event.event_time.ToNanoseconds() / 1e9
        if event.HasField("activity_task_scheduled_event_attributes"):
            names[event.event_id] = (
                event.activity_task_scheduled_event_attributes.activity_type.name
            )
        elif event.HasField("activity_task_started_event_attributes"):
            starts[event.activity_task_started_event_attributes.scheduled_event_id] = at
        elif event.HasField("activity_task_completed_event_attributes"):
            scheduled = event.activity_task_completed_event_attributes.scheduled_event_id
            name = names[scheduled]
            seconds[name] = round(seconds.get(name, 0.0) + at - starts[scheduled], 3)
    return seconds

"""A worker for single activities, with every activity of ours in the rooms of a test."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from temporalio.worker import Worker

from activities.digests import DigestActivities
from activities.directory import DirectoryActivities
from activities.failures import NothingLeaks
from activities.notices import NoticeActivities
from activities.pace import Pace
from activities.records import RecordActivities
from activities.sending import Sending
from database.engine import open_sessions
from tests.asking import AskOnce
from tests.town import Town
from worker import Rooms

DEFINED = "__temporal_activity_definition"


def activities(rooms: Rooms) -> dict[str, Callable[..., Any]]:
    """Every activity of ours, by its name, in these rooms."""
    sessions = open_sessions(rooms.engine)
    sending = Sending(sessions, rooms.mailer, rooms.settings.mail_from)
    objects = (
        RecordActivities(sessions, rooms.settings.public_url),
        NoticeActivities(
            sessions, sending, rooms.surroundings, Pace(rooms.settings.user_mails_per_second)
        ),
        DigestActivities(sessions, sending, rooms.surroundings),
        DirectoryActivities(sessions, rooms.graph, rooms.http, rooms.settings.entra_authority),
    )
    methods = (getattr(one, name) for one in objects for name in dir(one))
    found = {one.__name__: one for one in methods if hasattr(one, DEFINED)}
    assert len(found) >= 18, found
    return found


def activity_worker(town: Town, rooms: Rooms, queue: str) -> Worker:
    """Do what `AskOnce` asks, and hear at once that it is cancelled."""
    return Worker(
        town.client,
        task_queue=queue,
        workflows=[AskOnce],
        activities=list(activities(rooms).values()),
        activity_executor=ThreadPoolExecutor(4, "asked"),
        interceptors=[NothingLeaks()],
        max_heartbeat_throttle_interval=timedelta(milliseconds=100),
    )

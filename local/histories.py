"""Reads everything that Temporal keeps of a run, decoded: base64 hides nothing from this."""

from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client


async def everything_kept(client: Client, workflow_id: str) -> tuple[int, list[str]]:
    """Return the number of history events of a workflow's newest run, and every text kept of it.

    Payloads, headers, memo, search attributes, summaries and failures are all looked into.
    """
    handle = client.get_workflow_handle(workflow_id)
    history = await handle.fetch_history()
    description = await handle.describe()
    texts = [*texts_of(history.events), *texts_of([description.raw_description])]
    return len(history.events), texts


def texts_of(messages: Iterable[Message]) -> Iterator[str]:
    """Yield every string in some messages, payloads decoded, at any depth."""
    for message in messages:
        if isinstance(message, Payload):
            yield message.data.decode("utf-8", "replace")
        for descriptor, value in message.ListFields():
            yield from _texts(descriptor, value)


def _texts(descriptor: FieldDescriptor, value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, Message):
        yield from texts_of([value])
    elif hasattr(value, "items"):
        for key, item in value.items():
            yield str(key)
            yield from _texts(descriptor, item)
    elif isinstance(value, Iterable):
        for item in value:
            yield from _texts(descriptor, item)


def found_in(texts: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return which of the wanted words stand in any of the texts, whatever their case."""
    haystack = "\n".join(texts).casefold()
    return sorted({word for word in wanted if word and word.casefold() in haystack})

"""What stands in a history is read back as it was, by this version and by the one before it."""

import inspect
from dataclasses import is_dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter

from contracts import digests, directory, go_live, notices, records
from contracts.go_live import ApproveMigration
from workflows.payloads import DATA_CONVERTER, SharedPayloadConverter

OURS = DATA_CONVERTER.payload_converter
THE_SDKS = DataConverter.default.payload_converter


EXCHANGED = [
    found
    for module in (digests, directory, go_live, notices, records)
    for _, found in inspect.getmembers(module, inspect.isclass)
    if is_dataclass(found) and found.__module__ == module.__name__
]
"""Every dataclass that a workflow, an activity or a message is given."""


st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))


@pytest.mark.parametrize("kind", EXCHANGED, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_was_written_by_either_is_read_by_either(kind: type, data: st.DataObject) -> None:
    value = data.draw(st.from_type(kind))
    for writer in (OURS, THE_SDKS):
        for reader in (OURS, THE_SDKS):
            assert reader.from_payloads(writer.to_payloads([value]), [kind]) == [value]


def payload(text: str) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=text.encode())


def test_what_a_later_version_adds_is_passed_over_and_what_lacks_a_field_is_refused() -> None:
    later = payload('{"plan_hash": "h", "by": "dana", "added_later": 1}')
    assert OURS.from_payloads([later], [ApproveMigration]) == [ApproveMigration("h", "dana")]
    with pytest.raises(ValueError, match="plan_hash"):
        OURS.from_payloads([payload('{"by": "dana"}')], [ApproveMigration])


def test_what_is_learnt_of_a_type_is_kept_for_every_run() -> None:
    one, other = SharedPayloadConverter(), SharedPayloadConverter()
    assert one.converters[b"json/plain"] is other.converters[b"json/plain"]

"""The worker's sandbox answers for a run what the run would answer, as long as nobody needs it."""

from temporalio.converter import WithSerializationContext

from workflows.payloads import DATA_CONVERTER, SharedPayloadConverter


def test_no_converter_or_codec_asks_what_a_payload_belongs_to() -> None:
    # Whoever adds one that does takes `SandboxWithoutContexts` out of the worker (decision 0021).
    converters = SharedPayloadConverter().converters.values()
    assert not [one for one in converters if isinstance(one, WithSerializationContext)]
    assert DATA_CONVERTER.payload_codec is None
    assert DATA_CONVERTER.external_storage is None
    assert not issubclass(DATA_CONVERTER.failure_converter_class, WithSerializationContext)

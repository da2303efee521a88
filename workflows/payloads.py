"""How arguments, results and messages are written into histories, and read back.

Pydantic's compiled core does both. The SDK's own converter copies every value of a dataclass and
reads its type hints each time, which was a twentieth of what a small go-live costs. Both write the
same JSON, so each can read the other's payloads.
"""

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter

_SHARED = tuple(PydanticPayloadConverter().converters.values())


class SharedPayloadConverter(CompositePayloadConverter):
    """Pydantic's converter, which shares its type adapters between runs.

    The SDK makes a payload converter for each run that it loads. Pydantic's own would build every
    type adapter again there, which costs more than it saves.
    """

    def __init__(self) -> None:
        """Share the one set of converters."""
        super().__init__(*_SHARED)


DATA_CONVERTER = DataConverter(payload_converter_class=SharedPayloadConverter)
"""For every client, worker and replayer of the product."""

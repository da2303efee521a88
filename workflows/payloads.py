"""How arguments, results and messages are written into histories, and read back.

Pydantic's compiled core does both; the SDK's own converter copies every value of a dataclass and
asks for its type hints each time, which was a twentieth of what a small go-live costs. What
stands in a payload is the same JSON, so each reads what the other has written.
"""

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter

_SHARED = tuple(PydanticPayloadConverter().converters.values())


class SharedPayloadConverter(CompositePayloadConverter):
    """Pydantic's converter, with what it learnt of a type kept for every run.

    The SDK makes a payload converter for each run that comes into memory. One of Pydantic's own
    would study every type again there, which costs more than it saves.
    """

    def __init__(self) -> None:
        """Share the one set of converters."""
        super().__init__(*_SHARED)


DATA_CONVERTER = DataConverter(payload_converter_class=SharedPayloadConverter)
"""For every client, worker and replayer of the product."""

"""Temporal's sandbox, without the serialization contexts that only some data converters need.

The SDK asks a run three times for each payload, summaries included, for its serialization context,
and enters the sandbox each time: a quarter of a worker's computing for a small go-live (decision
0021). The product's converter and codec treat every payload alike, and no payload is stored
elsewhere, so this runner answers without entering the sandbox.
"""

from collections.abc import Sequence

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info, _Definition


class SandboxWithoutContexts(WorkflowRunner):
    """Runs workflows in Temporal's own sandbox, with all its restrictions."""

    def __init__(self) -> None:
        """Use the sandbox that the SDK uses by default."""
        self._sandbox = SandboxedWorkflowRunner()

    def prepare_workflow(self, defn: _Definition) -> None:
        """Load the workflow once, so that a worker with a bad one does not start."""
        self._sandbox.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Load the workflow for a run that comes into memory."""
        return _Instance(self._sandbox.create_instance(det))

    def set_worker_level_failure_exception_types(
        self, types: Sequence[type[BaseException]]
    ) -> None:
        """Pass the worker's failure exception types on."""
        self._sandbox.set_worker_level_failure_exception_types(types)


class _Instance(WorkflowInstance):
    """A run in the sandbox that is not asked for serialization contexts."""

    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._sandboxed.activate(act)

    def get_serialization_context(self, command_info: object) -> SerializationContext | None:  # noqa: ARG002
        return None

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:  # noqa: ARG002
        return StorageDriverStoreContext()

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()

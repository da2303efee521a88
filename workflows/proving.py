"""How a consent is proven: read back from Microsoft, until it is there or somebody ends it."""

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityConfig

from workflows.waiting import Waiting

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from contracts.directory import ConsentToVerify, ConsentVerdict
    from contracts.go_live import AdminConsented, Refusal, StartGoLive, Wait
    from workflows.policies import PROPAGATION_CALL


class Proving(Waiting):
    """The fourth stage's own machinery."""

    def __init__(self, start: StartGoLive) -> None:
        """Begin without a consent."""
        super().__init__(start)
        self._consent: AdminConsented | None = None

    async def _prove(self) -> bool:
        """Read the truth back from Microsoft; a redirect proves nothing.

        Where it needs attention, a new consent is as good as a *retry*. False = it is not proven,
        or customer success has closed the go-live as declined meanwhile.
        """
        self._refusal = None
        await self._now_waits(Wait.MICROSOFT)
        while not self._closing:
            try:
                verdict = await self._read_back()
            except ActivityError as error:
                if not self._closing:
                    await self._ask_for_help(
                        error, unless=lambda: bool(self._consents or self._closing)
                    )
            else:
                self._refusal = None if verdict.proven else refusal_of(verdict.refusal or "")
                return verdict.proven and not self._closing
        return False

    async def _read_back(self) -> ConsentVerdict:
        config: ActivityConfig = {
            **PROPAGATION_CALL,
            "summary": "read the consent back; Microsoft may take minutes to apply it",
        }
        self._proof = workflow.start_activity_method(
            DirectoryActivities.verify_consent, self._newest_consent(), **config
        )
        try:
            return await self._proof
        finally:
            self._proof = None

    def _newest_consent(self) -> ConsentToVerify:
        """Return the consent at hand; one that came meanwhile stands in its place."""
        if self._consents:
            self._consent = self._consents.pop()
            self._consents.clear()
        assert self._consent is not None  # noqa: S101  (proving begins with one)
        return ConsentToVerify(
            self._start.go_live_id,
            self._consent.tenant_id,
            self._consent.administrator_object_id,
            workflow.now(),
            self._consented_at,
        )


def refusal_of(code: str) -> Refusal:
    """Return the reason that a code names; one of a newer version is `OTHER`."""
    return Refusal(code) if code in list(Refusal) else Refusal.OTHER

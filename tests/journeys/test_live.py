"""From import to LIVE, by real HTTP, mail, SQL, Graph and Temporal."""

from contracts.go_live import GoLiveOutcome
from tests.cluster import Cluster, Person


async def test_an_organisation_of_three_goes_live(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(
        Person("anna"), Person("ben"), Person("nora", status="invited")
    )
    result = await organisation.go_live()
    assert result.outcome is GoLiveOutcome.LIVE
    assert (result.users_linked, result.users_invited, result.exceptions) == (2, 1, 0)
    assert organisation.user("anna")["sign_in_method"] == "sso"
    assert organisation.user("nora")["object_id"] is not None
    told = {address for _, address, _ in organisation.mails("sign_in_with_sso")}
    assert told == {organisation.address("anna"), organisation.address("ben")}
    assert all(state == "sent" for *_, state in organisation.mails())

"""A refresh token is opened by the session that it was sealed for, and by nothing else."""

from web.microsoft.sealed_tokens import seal, unseal


def test_it_opens_for_its_own_session_only() -> None:
    sealed = seal("a browser's token", "1.refresh")
    assert "refresh" not in sealed
    assert sealed != seal("a browser's token", "1.refresh")
    assert unseal("a browser's token", sealed) == "1.refresh"
    assert unseal("another's", sealed) is None
    assert unseal("a browser's token", sealed[:-4] + "AAAA") is None
    assert unseal("a browser's token", "") is None

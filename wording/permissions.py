"""Why we ask a customer's administrator for each permission."""

WHY = {
    "Organization.Read.All": (
        "To read which e-mail domains your organisation has verified, so that nobody outside of "
        "them is ever linked."
    ),
    "User.Read.All": (
        "To find each existing user in your directory by e-mail address and link the two "
        "accounts. We read; we never change anything in your directory."
    ),
    "openid": "To let people sign in with their Microsoft account.",
    "profile": "To know who signed in: the account's own number, the tenant and the name.",
    "email": "To show people which address they signed in with.",
}
"""By Microsoft's name of the permission, in words for an administrator."""

"""The provider's view: its exports name mailboxes, ours name devices; joined by account, they answer both.

The Exchange admin centre's report of SMTP AUTH clients says for each mailbox Basic or OAuth, and how many messages; the
sign-in log says from which public address. Where they and we differ, both are told.
"""

from analyzer.provider_view.join import provider_view
from analyzer.provider_view.model import (
    AccountView,
    Agreement,
    ProviderView,
    PublicAddress,
    SignIns,
    SmtpAuthClient,
    SourceFile,
)
from analyzer.provider_view.sign_ins import read_sign_ins
from analyzer.provider_view.smtp_auth_clients import read_smtp_auth_clients

__all__ = [
    "AccountView",
    "Agreement",
    "ProviderView",
    "PublicAddress",
    "SignIns",
    "SmtpAuthClient",
    "SourceFile",
    "provider_view",
    "read_sign_ins",
    "read_smtp_auth_clients",
]

"""Python's smtplib. Argument: one JSON object (see labkit.clients). TLS keys: ``SSLKEYLOGFILE``."""

from __future__ import annotations

import json
import smtplib
import ssl
import sys
import warnings
from typing import Any

send: dict[str, Any] = json.loads(sys.argv[1])

context = ssl.create_default_context(cafile=send["ca"])
if not send["trusted"]:
    context = ssl.create_default_context()
if send["tls_version"] is not None:
    warnings.simplefilter("ignore", DeprecationWarning)
    version = ssl.TLSVersion["TLSv" + send["tls_version"].replace(".", "_").removesuffix("_0")]
    if version < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
if send["certificate"]:
    context.load_cert_chain(*send["certificate"])

if send["tls"] == "implicit":
    smtp: smtplib.SMTP = smtplib.SMTP_SSL(send["name"], send["port"], send["ehlo"], context=context, timeout=20)
else:
    smtp = smtplib.SMTP(send["name"], send["port"], send["ehlo"], timeout=20)


def xoauth2(challenge: bytes | None = None) -> str:
    """The token first, then an empty answer to the server's reasons for refusing it."""
    return "" if challenge else f"user={send['user']}\x01auth=Bearer {send['secret']}\x01\x01"


with smtp:
    smtp.ehlo()
    if send["tls"] == "starttls":
        smtp.starttls(context=context)
        smtp.ehlo()
    if send["mechanism"]:
        smtp.user, smtp.password = send["user"], send["secret"]
        exchanges: dict[str, Any] = {
            "PLAIN": smtp.auth_plain,
            "LOGIN": smtp.auth_login,
            "CRAM-MD5": smtp.auth_cram_md5,
            "XOAUTH2": xoauth2,
        }
        with_ir = send["initial_response"] is not False
        try:
            smtp.auth(send["mechanism"], exchanges[send["mechanism"]], initial_response_ok=with_ir)
        except smtplib.SMTPAuthenticationError as error:
            sys.stderr.write(f"refused: {error.smtp_code}\n")
            sys.exit(1)
    for message in send["messages"]:
        smtp.sendmail(send["sender"], [send["recipient"]], message)

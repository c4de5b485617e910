"""Clients that are told by options and small files: what people and systems send mail with."""

from __future__ import annotations

from urllib.parse import quote

from scripts.labkit.bench import Bench, Client, Command, message
from scripts.labkit.sends import BEARER, Send
from scripts.labkit.world import server_name

_GNUTLS_CIPHERS = {
    "ECDHE-ECDSA-AES128-SHA": "+AES-128-CBC:-MAC-ALL:+SHA1",
    "ECDHE-ECDSA-AES256-SHA": "+AES-256-CBC:-MAC-ALL:+SHA1",
    "ECDHE-ECDSA-AES128-SHA256": "+AES-128-CBC:-MAC-ALL:+SHA256",
    "ECDHE-ECDSA-AES256-SHA384": "+AES-256-CBC:-MAC-ALL:+SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256": "+AES-128-GCM",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "+AES-256-GCM",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "+CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-CCM": "+AES-128-CCM",
    "ECDHE-ECDSA-AES256-CCM8": "+AES-256-CCM-8",
    "TLS_AES_128_GCM_SHA256": "+AES-128-GCM",
    "TLS_AES_256_GCM_SHA384": "+AES-256-GCM",
    "TLS_CHACHA20_POLY1305_SHA256": "+CHACHA20-POLY1305",
    "TLS_AES_128_CCM_SHA256": "+AES-128-CCM",
}
"""OpenSSL's names in GnuTLS's words."""


def gnutls_priorities(send: Send) -> str:
    """What GnuTLS is told where a send asks for a version or cipher, else nothing."""
    parts = []
    if send.tls_version is not None:
        parts += ["-VERS-ALL", f"+VERS-TLS{send.tls_version}"]
    if send.cipher in _GNUTLS_CIPHERS:
        parts += ["-CIPHER-ALL", _GNUTLS_CIPHERS[send.cipher]]
    if not send.encrypt_then_mac:
        parts.append("%NO_ETM")
    return ":".join(["NORMAL", *parts]) if parts else ""


def _unix(send: Send) -> bytes:
    return message(send).replace("\r\n", "\n").encode()


def _gsasl(bench: Bench, send: Send) -> Command:
    """Logs in and out again: it sends no mail."""
    arguments = [
        "gsasl",
        "--smtp",
        *([] if send.initial_response else ["--no-client-first"]),
        f"--mechanism={send.mechanism}",
    ]
    arguments += [
        f"--authentication-id={send.user}",
        f"--password={send.secret}",
        f"--hostname={server_name(send.server)}",
    ]
    arguments += ["--service=smtp", f"--x509-ca-file={bench.authority}", "--realm=", "--anonymous-token=bench"]
    if priorities := gnutls_priorities(send):
        arguments.append(f"--priority={priorities}")
    if certificate := bench.certificate(send):
        arguments += [f"--x509-cert-file={certificate[0]}", f"--x509-key-file={certificate[1]}"]
    return Command([*arguments, "--starttls", f"--connect={server_name(send.server)}:{send.port}"])


def _s_nail(bench: Bench, send: Send) -> Command:
    scheme = "smtps" if send.tls == "implicit" else "smtp"
    login = f"{quote(send.user, safe='')}:{quote(send.secret, safe='')}@" if send.mechanism else ""
    settings = {
        "v15-compat": "yes",
        "mta": f"{scheme}://{login}{server_name(send.server)}:{send.port}",
        "smtp-auth": send.mechanism.lower() if send.mechanism else "none",
        "smtp-hostname": "",
        "hostname": send.ehlo,
        "from": send.sender,
        "tls-ca-file": bench.authority,
        "tls-verify": "strict",
    }
    if send.tls == "starttls":
        settings["smtp-use-starttls"] = "yes"
    options = [option for name, value in settings.items() for option in ("-S", f"{name}={value}")]
    return Command(["s-nail", "-:/", *options, "-s", "bench", *send.all_recipients], b"text\n")


def _mutt(program: str) -> Client:
    def command(bench: Bench, send: Send) -> Command:
        scheme = "smtps" if send.tls == "implicit" else "smtp"
        login = f"{quote(send.user, safe='')}@" if send.mechanism else ""
        secret = bench.folder / "secret"
        secret.write_text(send.secret)
        lines = [
            f'set smtp_url="{scheme}://{login}{server_name(send.server)}:{send.port}/"',
            f'set smtp_authenticators="{(send.mechanism or "").lower()}"',
            f'set from="{send.sender}" envelope_from_address="{send.sender}" use_envelope_from=yes copy=no',
            f'set hostname="{send.ehlo}" ssl_starttls=yes ssl_force_tls=yes',
            f'set ssl_ca_certificates_file="{bench.authority}" certificate_file="{bench.authority}"',
        ]
        if send.mechanism in BEARER:
            lines.append(f'set smtp_oauth_refresh_command="cat {secret}"')
        else:
            lines.append(f'set smtp_pass="{send.secret}"')
        if priorities := gnutls_priorities(send):
            lines.append(f'set ssl_ciphers="{priorities}"')
        settings = bench.folder / "muttrc"
        settings.write_text("\n".join(lines) + "\n")
        return Command([program, "-n", "-F", str(settings), "-s", "bench", "--", *send.all_recipients], b"text\n")

    return Client(command, "GnuTLS")


def _esmtp(bench: Bench, send: Send) -> Command:
    """Takes a mechanism of its own choice."""
    trusted = bench.folder / ".authenticate"
    trusted.mkdir(mode=0o700, exist_ok=True)
    (trusted / "ca.pem").write_bytes((bench.folder / "certificates/ca.pem").read_bytes())
    (trusted / "ca.pem").chmod(0o600)
    settings = bench.folder / "esmtprc"
    text = f"hostname = {server_name(send.server)}:{send.port}\nstarttls = required\n"
    if send.mechanism:
        text += f'username = "{send.user}"\npassword = "{send.secret}"\n'
    settings.write_text(text)
    settings.chmod(0o600)
    return Command(["esmtp", "-C", str(settings), "-f", send.sender, *send.all_recipients], _unix(send))


def _ssmtp(bench: Bench, send: Send) -> Command:
    settings = bench.folder / "ssmtp.conf"
    text = f"mailhub={server_name(send.server)}:{send.port}\nhostname={send.ehlo}\nFromLineOverride=YES\nUseTLS=YES\n"
    text += f"UseSTARTTLS={'YES' if send.tls == 'starttls' else 'NO'}\n"
    if send.mechanism:
        text += f"AuthUser={send.user}\nAuthPass={send.secret}\nAuthMethod={send.mechanism}\n"
    settings.write_text(text)
    return Command(["ssmtp", "-C", str(settings), "-f", send.sender, *send.all_recipients], _unix(send))


def _dma(bench: Bench, send: Send) -> Command:
    """Its files have fixed places."""
    text = f"SMARTHOST {server_name(send.server)}\nPORT {send.port}\nAUTHPATH {bench.folder}/dma-auth\nSECURETRANSFER\n"
    text += f"MAILNAME {send.ehlo}\n" + ("STARTTLS\n" if send.tls == "starttls" else "")
    login = f"{send.user}|{server_name(send.server)}:{send.secret}\n" if send.mechanism else ""
    script = f"""umask 022; mkdir -p /var/spool/dma /etc/dma; cat >/etc/dma/dma.conf <<'END'
{text}END
cat >{bench.folder}/dma-auth <<'END'
{login}END
chgrp mail {bench.folder}/dma-auth /var/spool/dma; chmod 2775 /var/spool/dma; rm -f /var/spool/dma/*
exec dma -D -f {send.sender} {" ".join(send.all_recipients)}
"""
    return Command(["sh", "-c", script], _unix(send))


def _nullmailer(bench: Bench, send: Send) -> Command:
    """Its program for one delivery: options on its standard input, the message on descriptor 3."""
    options = {"host": server_name(send.server), "port": send.port, "x509cafile": bench.authority}
    if send.mechanism:
        options |= {"user": send.user, "pass": send.secret}
    flags = ["tls"] if send.tls == "implicit" else ["starttls"]
    if send.mechanism == "LOGIN":
        flags.append("auth-login")
    queued = bench.folder / "nullmailer-message"
    envelope = "".join(f"{address}\n" for address in (send.sender, *send.all_recipients))
    queued.write_bytes(envelope.encode() + b"\n" + _unix(send))
    text = "".join(f"{name}={value}\n" for name, value in options.items()) + "".join(f"{flag}\n" for flag in flags)
    script = f"HELOHOST={send.ehlo} exec /usr/lib/nullmailer/smtp 3<{queued}"
    return Command(["sh", "-c", script], text.encode() + b"\n")


MAILERS: dict[str, Client] = {
    "gsasl": Client(_gsasl, "GnuTLS"),
    "s-nail": Client(_s_nail),
    "mutt": _mutt("mutt"),
    "neomutt": _mutt("neomutt"),
    "esmtp": Client(_esmtp),
    "ssmtp": Client(_ssmtp, "GnuTLS"),
    "dma": Client(_dma),
    "nullmailer": Client(_nullmailer, "GnuTLS"),
}

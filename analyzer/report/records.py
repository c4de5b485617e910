"""Sessions, devices and reports as dictionaries: the JSON contract, and the one place where wire text is made harmless.

Every format is made from these dictionaries. A field that is not written here cannot be reported, which is how
secrets and anything like them stay out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from analyzer.inventory.device import Asset, Device, Server, Summary
from analyzer.inventory.exposure import was_in_clear
from analyzer.inventory.session import Session
from analyzer.report.model import InputSummary, Report
from analyzer.report.redact import Redactor
from analyzer.report.text import clean, clean_or_none
from analyzer.smtp.records import AuthAttempt
from analyzer.tls.certificate import Certificate

Record = dict[str, Any]

_EPOCH = datetime(1970, 1, 1)  # UTC, without saying so: the Z is written by hand


def timestamp(nanoseconds: int | None) -> str | None:
    """UTC, ISO 8601, microseconds.

    ``None`` for 0, which packets without time stamps have, and for a time that no calendar has: a damaged capture
    holds any number.
    """
    return _utc(nanoseconds) if nanoseconds else None


def _utc(nanoseconds: int) -> str | None:
    try:
        time = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None
    return time.isoformat(timespec="microseconds") + "Z"


def mac_text(mac: int | None) -> str | None:
    """IEEE 802 form: upper-case octets joined by hyphens."""
    return None if mac is None else mac.to_bytes(6, "big").hex("-").upper()


def session_record(session: Session, redactor: Redactor | None = None) -> Record:
    """One session, as ``--sessions --format jsonl`` prints it."""
    starttls = session.starttls
    return {
        "start": timestamp(session.start),
        "end": timestamp(session.end),
        "source": clean(session.source),
        "client": {
            "ip": session.client_ip,
            "port": session.client_port,
            "mac": mac_text(session.client_mac),
            "ehlo": clean_or_none(session.ehlo),
            "mail_program": clean_or_none(session.mail_program),
        },
        "server": {
            "ip": session.server_ip,
            "port": session.server_port,
            "name": clean_or_none(session.tls_sni or session.server_name),
            "provider": session.provider,
            "greeting": clean_or_none(session.greeting),
        },
        "tls": _tls_record(session),
        "auth": [_attempt_record(session, attempt, redactor) for attempt in session.auth],
        "method": session.method,
        "evidence": session.evidence,
        "confidence": session.confidence,
        "reason": session.reason,
        "reasons": list(session.reasons),
        "starttls": {
            "offered": starttls.offered,
            "requested": starttls.requested,
            "accepted": starttls.accepted,
        },
        "offered_mechanisms": {
            "before_tls": _cleaned(session.mechanisms_before_tls),
            "after_tls": _cleaned(session.mechanisms_after_tls),
        },
        "messages": session.messages,
        "complete": session.complete,
        "gaps": session.gaps,
        "server_side_seen": session.server_side_seen,
        "client_side_seen": session.client_side_seen,
        "findings": list(session.findings),
        "oddities": dict(sorted(session.oddities.items())),
    }


def _tls_record(session: Session) -> Record:
    offered = list(session.tls_client_versions) or None  # a ClientHello offers one at least
    return {
        "mode": session.tls_mode,
        "version": session.tls_version,
        "cipher": session.tls_cipher,
        "sni": clean_or_none(session.tls_sni),
        "alpn": _cleaned(session.tls_alpn if offered else None),
        "offered_versions": offered,
        # Digits and letters that we wrote; cleaning would cut the lists of clients that offer a great deal.
        "ja3": session.tls_ja3,
        "ja3_raw": session.tls_ja3_raw,
        "ja4": session.tls_ja4,
        "ja4_raw": session.tls_ja4_raw,
        "established": session.tls_established,
        "alert": session.tls_alert,
        "resumed": session.tls_resumed,
        "certificate": session.tls_certificate and _certificate_record(session.tls_certificate),
    }


def _certificate_record(certificate: Certificate) -> Record:
    return {
        "subject": clean_or_none(certificate.subject),
        "names": [clean(name) for name in certificate.names],
        "not_before": _utc(certificate.not_before),
        "not_after": _utc(certificate.not_after),
        "self_issued": certificate.self_issued,
    }


def _attempt_record(session: Session, attempt: AuthAttempt, redactor: Redactor | None) -> Record:
    reply = " ".join(str(part) for part in (attempt.code, attempt.enhanced) if part is not None)
    return {
        "mechanism": clean_or_none(attempt.mechanism),
        "method": attempt.method,
        "evidence": attempt.evidence,
        "confidence": attempt.confidence,
        "cleartext": was_in_clear(session, attempt),
        "initial_response": attempt.initial_response,
        "username": _user(attempt.username, redactor),
        "authzid": _user(attempt.authzid, redactor),
        "realm": clean_or_none(attempt.realm),
        "outcome": attempt.outcome,
        "reply": clean(reply) or None,
        "meaning": clean_or_none(attempt.meaning),
        "refusal": attempt.refusal and {clean(key): clean(value) for key, value in attempt.refusal.items()},
    }


def device_record(device: Device, redactor: Redactor | None = None) -> Record:
    """One device, as ``--format json`` prints it."""
    failure = device.last_failure
    return {
        "device": device.device,
        "name": clean_or_none(device.name),
        "ips": list(device.ips),
        "mac": mac_text(device.mac),
        "mac_is_router": device.mac_is_router,
        "vendor": device.vendor,
        "names": [clean(name) for name in device.names],
        "hostnames": [{"name": clean(name.name), "source": name.source} for name in device.hostnames],
        "vendor_class": clean_or_none(device.vendor_class),
        "mail_programs": [clean(program) for program in device.mail_programs],
        "ja4": dict(device.ja4),
        "asset": device.asset and _asset_record(device.asset, redactor),
        "status": device.status,
        "evidence": device.evidence,
        "confidence": device.confidence,
        "methods": dict(device.methods),
        "mechanisms": {clean(mechanism): count for mechanism, count in device.mechanisms.items()},
        "accounts": [_user(account, redactor) for account in device.accounts],
        "servers": [_server_record(server) for server in device.servers],
        "sessions": device.sessions,
        "messages": device.messages,
        "auth_success": device.auth_success,
        "auth_failure": device.auth_failure,
        "last_failure": failure
        and {
            "time": timestamp(failure.time),
            "code": failure.code,
            "enhanced": clean_or_none(failure.enhanced),
            "meaning": clean_or_none(failure.meaning),
        },
        "first_seen": timestamp(device.first_seen),
        "last_seen": timestamp(device.last_seen),
        "clients_behind": device.clients_behind,
        "findings": list(device.findings),
        "advice": device.advice,
        "unlisted": dict(device.unlisted),
    }


def _asset_record(asset: Asset, redactor: Redactor | None) -> Record:
    """The user's own words; where users are redacted the owner is one, and notes may name anybody."""
    return {
        "name": clean_or_none(asset.name),
        "owner": _user(asset.owner, redactor),
        "location": clean_or_none(asset.location),
        "notes": None if redactor else clean_or_none(asset.notes),
    }


def _server_record(server: Server) -> Record:
    return {
        "name": clean_or_none(server.name),
        "ip": server.ip,
        "ports": list(server.ports),
        "provider": server.provider,
        "sessions": server.sessions,
        "methods": dict(server.methods),
    }


def summary_record(summary: Summary) -> Record:
    """The counts over all devices."""
    return {
        "devices": summary.devices,
        "still_password": summary.still_password,
        "statuses": dict(summary.statuses),
        "methods": dict(summary.methods),
        "providers": {
            id: {"devices": use.devices, "with_password": use.with_password} for id, use in summary.providers.items()
        },
        "findings": dict(summary.findings),
        "sessions": summary.sessions,
        "messages": summary.messages,
        "not_smtp": summary.not_smtp,
        "first_seen": timestamp(summary.first_seen),
        "last_seen": timestamp(summary.last_seen),
        "unlisted": dict(summary.unlisted),
    }


def input_record(source: InputSummary) -> Record:
    """One input as it was read."""
    return {
        "name": clean(source.name),
        "format": source.format,
        "frames": source.frames,
        "bytes": source.bytes,
        "first": timestamp(source.first),
        "last": timestamp(source.last),
        "damage": clean_or_none(source.damage),
        "dropped": source.dropped,
    }


def context_record(report: Report) -> Record:
    """What stands beside the devices or sessions: summary, inputs, and what was lost or odd."""
    return {
        "summary": summary_record(report.summary),
        "inputs": [input_record(source) for source in report.inputs],
        "undecoded": _counts(report.undecoded),
        "damage": [{"name": clean(damage.name), "what": clean(damage.what)} for damage in report.damage],
        "oddities": _counts(report.oddities),
        "complete": report.complete,
        "interrupted": report.interrupted,
    }


def user_text(name: str, redactor: Redactor | None = None) -> str:
    """A user name as it may be shown."""
    return redactor.alias(name) if redactor else clean(name)


def _user(name: str | None, redactor: Redactor | None) -> str | None:
    return None if name is None else user_text(name, redactor)


def _cleaned(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else [clean(name) for name in names]


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Most frequent first, then by name."""
    return {clean(name): count for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))}

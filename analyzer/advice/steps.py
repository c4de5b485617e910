"""The steps to take, in order: first what leaks, then what stops mail, then the way out, else what to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.advice.plan import ReplyAdvice, Urgency, WayOut
from analyzer.advice.situation import Situation

_STOPPED = {
    "auth-required": "Give the device credentials or OAuth, or let the server relay for its address.",
    "starttls-required": "Turn on STARTTLS (587) or TLS (465) on the device: the server refuses it otherwise.",
    "tls-never-established": (
        "See why every TLS handshake fails: compare TLS versions, and see that it trusts the server's certificate."
    ),
}
"""What to do about findings that stop mail."""

_FIND_OUT = (
    "Look at the mail settings of the device, or at the server's log.",
    "Capture whole sessions in both directions and scan again; 'smtpauth explain' tells what is missing.",
    "Where programs can write their TLS keys (SSLKEYLOGFILE), give them with --keylog.",
)
_AT_EXCHANGE = "Look for its account in the Exchange admin centre (SMTP AUTH clients report): it says Basic or OAuth."
_RELAY_SENDS = {
    True: "The relay {relay} still uses a password itself: see to that one first, all mail through it depends on it.",
    False: "The relay {relay} was seen to send without a password: what is left is this device's login to it.",
    None: "How the relay {relay} sends on could not be seen: look at its settings.",
}


def steps(at: Situation, urgency: Urgency, ways: Sequence[WayOut], reply: ReplyAdvice | None) -> tuple[str, ...]:
    """At least one; each a sentence or two."""
    found = [*_leaks(at), *_stops(at, reply), *_onward(at, urgency, ways)]
    return tuple(dict.fromkeys(found)) or ("Nothing to do.",)


def _leaks(at: Situation) -> Iterator[str]:
    if at.device.status == "exposed":
        yield "Turn on STARTTLS (587) or TLS (465) on the device, so that nothing more can be read."
        yield "Then change the password of every account that it uses, and revoke its tokens."
    if "readable-after-starttls" in at.device.findings:
        yield "If no decrypting device feeds this capture, change the password: it was readable after STARTTLS."


def _stops(at: Situation, reply: ReplyAdvice | None) -> Iterator[str]:
    if reply is not None:
        yield reply.todo
    elif not {"auth-failing", "basic-disabled"}.isdisjoint(at.device.findings):
        yield "See why its logins are refused: the account, its password or token, and the server's log."
    yield from (step for finding, step in _STOPPED.items() if finding in at.device.findings)


def _onward(at: Situation, urgency: Urgency, ways: Sequence[WayOut]) -> Iterator[str]:
    status = at.device.status
    if at.standing is not None:
        yield from _off_passwords(at, urgency, ways)
    elif status == "unknown":
        if at.provider is not None and at.provider.id.startswith("exchange"):
            yield _AT_EXCHANGE
        yield from _FIND_OUT
    elif status == "no-auth":
        yield from _without_login(at)
    elif status == "anonymous":
        yield "Confirm that anonymous sending is meant: the server cannot tell who it is."
    elif status in ("password", "mixed"):  # no server is known at all
        yield "Find out which server gets the password, and ask whoever runs it how long passwords will do."
    elif urgency is Urgency.NONE:
        watch = "that its certificate does not expire" if status == "certificate" else "that no password comes back"
        yield f"Nothing to do for passwords; watch {watch}."


def _off_passwords(at: Situation, urgency: Urgency, ways: Sequence[WayOut]) -> Iterator[str]:
    if at.device.status == "mixed":
        yield "Find which program of the device still uses the password: it logs in with OAuth, too."
    if at.standing == "own":
        yield from _own_relay(at)
    elif at.standing == "unclear":
        yield f"Ask whoever runs {at.service} whether passwords will go on working, and until when."
        yield "Name the provider in a file for --knowledge, so that its answer stands here."
    elif at.standing == "kept" and urgency is Urgency.NONE:
        assert at.provider is not None  # noqa: S101 - only providers keep passwords
        yield f"Nothing to do until {at.provider.name} announces an end (as of {at.provider.as_of} there is none)."
    first, second, *_ = (*(way for way in ways if way.fit != "fits-not"), None, None)
    if first is not None:
        if (look := look_first(at, ways)) is not None:
            yield look
        yield from first.steps
        if first.fit == "check" and second is not None:
            yield f"If that is not possible: {second.name[:1].lower()}{second.name[1:]}. {second.steps[0]}"
    elif at.standing in ("ended", "retiring"):
        yield f"No way out of the table fits: ask {at.service} and the device's maker."


def look_first(at: Situation, ways: Sequence[WayOut]) -> str | None:
    """What comes before the steps of the way out and depends on the device's maker; ``None`` where nothing does."""
    way = next((way for way in ways if way.fit != "fits-not"), None)
    if way is None or at.standing is None:
        return None
    if way.id == "oauth" and at.oauth.possible == "from-firmware" and at.oauth.firmware:
        return f"Update the device to firmware {at.oauth.firmware} or later."
    if way.fit != "check":
        return None
    what = "the device can use OAuth" if way.id == "oauth" else "this is possible"
    return f"Find out whether {what} ({way.why})."


def _own_relay(at: Situation) -> Iterator[str]:
    if at.relay is None:
        yield f"See how {at.service} sends on: where it uses a password itself, all mail through it depends on that."
    else:
        status = at.relay.status
        sends = None if status == "unknown" else status in ("exposed", "password", "mixed")
        yield _RELAY_SENDS[sends].format(relay=at.relay.device)
    yield "Where the relay can trust this device by address, let it, and take the password off the device."


def _without_login(at: Situation) -> Iterator[str]:
    if "no-message-accepted" in at.device.findings:
        yield "Find out whether it is meant to send at all: nothing that it sent was accepted."
        return
    yield "Confirm that this device is meant to send without a login."
    if at.provider is not None and at.provider.id == "exchange-online-relay":
        yield (
            "See that an inbound connector trusts this network's public address or certificate: without one, mail "
            "reaches your own recipients only (direct send)."
        )
    elif at.server is not None and at.provider is None:
        yield f"See that {at.service} relays for this address alone, and how it sends on."

"""What a way out requires of device and provider: one predicate for each word of ``requires`` in ``ways.toml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from analyzer.advice.plan import Fit, OAuthSupport
from analyzer.inventory.providers import Provider


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What requirements are held against.

    Attributes:
        provider: the one that matters.
        external_recipients: whether the device writes to addresses outside; ``None`` where nobody said, since
            recipients are not recorded.
    """

    provider: Provider | None
    oauth: OAuthSupport
    external_recipients: bool | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a requirement is met, and why; ``why`` is empty where there is nothing to add."""

    fit: Fit
    why: str = ""


def _device_oauth(at: Circumstances) -> Judgement:
    oauth = at.oauth
    maker = oauth.maker or "its maker"
    if oauth.possible == "yes":
        return Judgement("fits", f"{maker}: OAuth for SMTP is possible")
    if oauth.possible == "from-firmware":
        needs = f"from firmware {oauth.firmware} on" if oauth.firmware else "from some firmware on"
        return Judgement("check", f"{maker}: {needs}; look which one it has")
    if oauth.possible == "partial":
        return Judgement("check", f"{maker}: some models only; look this one up")
    if oauth.possible == "no":
        return Judgement("fits-not", f"{maker}: no OAuth for SMTP")
    return Judgement("check", "not known for this device; look for OAuth in its mail settings")


def _provider_oauth(at: Circumstances) -> Judgement:
    if at.provider is not None and at.provider.oauth:
        return Judgement("fits")
    name = at.provider.name if at.provider is not None else "this server"
    return Judgement("fits-not", f"{name} is not known to take OAuth for SMTP")


def _internal_recipients(at: Circumstances) -> Judgement:
    if at.external_recipients is None:
        return Judgement("check", "fits only if all recipients are inside your organisation")
    if at.external_recipients:
        return Judgement("fits-not", "this device writes to recipients outside, which is not possible there")
    return Judgement("fits", "all its recipients are inside your organisation")


REQUIREMENTS: Mapping[str, Callable[[Circumstances], Judgement]] = {
    "device-oauth": _device_oauth,
    "provider-oauth": _provider_oauth,
    "internal-recipients": _internal_recipients,
}

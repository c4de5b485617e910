"""The explanation of one session as text for people, as wide as asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from analyzer.report import wording
from analyzer.report.table import NARROWEST, PROSE
from analyzer.report.width import display_width, fold
from analyzer.report.wording import Record

_METHODS: Final = {
    "basic": "a password that can be used again",
    "challenge": "a password, by challenge and response",
    "oauth": "an access token",
    "certificate": "a client certificate",
    "kerberos": "a Kerberos ticket",
    "anonymous": "nobody in particular",
    "none": "no login",
    "unknown": "whether and how the client logged in is not known",
}
_EVIDENCE: Final = {
    "observed": "read in the clear",
    "decrypted": "read inside TLS, with its keys",
    "inferred": "inferred from sizes and turns inside TLS",
}
_MODES: Final = {"none": "none", "starttls": "STARTTLS", "implicit": "from the start", None: "from before the capture"}
_OUTCOMES: Final = {
    "success": "accepted",
    "failure": "refused",
    "cancelled": "cancelled",
    "unknown": "whether it was accepted was not seen",
}

_UNNAMED: Final = "AUTH, its mechanism not seen"

# What lines were taken for, where the name of the kind does not say it.
_TAKEN_FOR: Final = {
    "auth": "AUTH",
    "response": "response",
    "cancel": "gives up",
    "message-text": "message",
    "other": "other command",
    "unknown": "no command",
    "passed-over": "passed over",
    "proxy-header": "PROXY header",
    "no-reply": "no reply",
    "challenge": "challenge",
    "gap": "missing bytes",
    "gap-in-text": "missing bytes",
    "taken-back": "taken back",
    "given-up": "given up",
    "left-out": "left out",
    "tls": "TLS begins",
    "oddity": "odd",
}
_EVENTS: Final = {
    "gap": "Bytes are missing here; nothing is paired across them.",
    "gap-in-text": "Bytes of the message are missing here, which is of no matter.",
    "taken-back": "What looked like commands since the missing bytes was message text.",
    "passed-over": "Not understood without what came before; passed over up to the next command.",
    "given-up": "No SMTP: the rest was not looked at.",
}
_ACCEPTED: Final = {
    "greeting": "greeting",
    "auth": "login accepted",
    "data": "go ahead",
    "message": "message accepted",
    "copy": "message accepted",
    "chunk": "chunk accepted",
    "starttls": "TLS accepted",
    "quit": "closes",
}
_REFUSED: Final = {"greeting": "turns away", "auth": "login refused", "message": "message refused", "other": "refused"}
_FIRST_REFUSAL: Final = 400

_TIME: Final = 9  # columns: 9999.999 seconds and a blank
_KIND: Final = 16  # the longest is "message accepted"
_WHY: Final = 30  # columns below which reasons stand on lines of their own


def write_explanation(record: Record, out: TextIO, width: int, *, colour: bool = False) -> None:
    """Write the explanation ``record``.

    Args:
        width: columns of the terminal.
        colour: headings stand out.
    """
    story = _Story(out, min(max(width, NARROWEST), PROSE), colour=colour)
    story.session(record)
    story.verdict(record)
    story.clear(record)
    story.handshake(record)
    story.decrypted(record)
    story.inferred(record)


class _Story:
    def __init__(self, out: TextIO, width: int, *, colour: bool) -> None:
        self._out = out
        self._width = width
        self._colour = colour
        self._begun = False

    def _heading(self, text: str) -> None:
        if self._begun:
            self._out.write("\n")
        self._begun = True
        for line in fold(text, self._width):
            self._out.write(f"\x1b[1m{line}\x1b[0m\n" if self._colour else f"{line}\n")

    def _line(self, text: str, lead: str = "  ", indent: int | None = None) -> None:
        """``text`` behind ``lead``, its further lines indented as far as ``lead`` goes, or as told."""
        indent = len(lead) if indent is None else indent
        first, *more = fold(text, max(self._width - indent, 1))
        self._out.write(f"{lead}{first}".rstrip() + "\n")
        for line in more:
            self._out.write(f"{' ' * indent}{line}\n")

    # --- head ----------------------------------------------------------------------------------------

    def session(self, record: Record) -> None:
        """Who, where, when."""
        session = record["session"]
        client, server, tls = session["client"], session["server"], session["tls"]
        self._heading("Session")
        self._fact("client", wording.endpoint(client), client["ehlo"], client["mac"])
        name = " ".join([server["name"] or "", f"({server['provider']})" if server["provider"] else ""]).strip()
        self._fact("server", wording.endpoint(server), name)
        took = record["duration"]
        start = (session["start"] or "at a time that no packet tells").replace("T", " ").replace("Z", " UTC")
        self._fact("start", start, None if took is None else f"took {took:.3f} s")
        self._fact("capture", session["source"], _seen(session))
        if tls["mode"] != "none":
            self._fact("TLS", _MODES[tls["mode"]], tls["version"] and f"version {tls['version']}", tls["cipher"])
            if tls["ja4"]:
                self._fact("JA4", tls["ja4"])
        else:
            self._fact("TLS", _MODES["none"])
        if session["messages"]:
            self._fact("messages", f"{session['messages']:,}")
        if session["findings"]:
            self._fact("findings", ", ".join(session["findings"]))

    def _fact(self, name: str, *values: str | None) -> None:
        self._line(", ".join(value for value in values if value), f"  {name:10}")

    # --- verdict -------------------------------------------------------------------------------------

    def verdict(self, record: Record) -> None:
        """The answer, and what it rests on."""
        session, verdict = record["session"], record["verdict"]
        self._heading("Verdict")
        self._line(f"{verdict['method']}: {_METHODS[verdict['method']]}" + _how(verdict) + ".")
        for attempt in session["auth"]:
            self._line(_attempt(attempt), "  - ")
        if not session["auth"] and verdict["method"] == "none":
            self._line(_without_login(session, verdict), "  - ")
        for reason in verdict["reasons"]:
            self._line(_sentence(reason["explanation"]), "  - ")
        if verdict["evidence"] == "inferred":
            self._line("The keys of one end (--keylog) would show the dialogue itself.", "  > ")
        unknown = verdict["unknown"]
        if unknown is not None:
            self._line(f"{_sentence(unknown['explanation'])} ({unknown['id']})", "  - ")
            for help in unknown["help"]:
                self._line(help, "  > ")

    # --- in the clear --------------------------------------------------------------------------------

    def clear(self, record: Record) -> None:
        """The dialogue in the clear."""
        if record["clear"]:
            self._heading("In the clear (seconds since the start; C: client, S: server)")
            self._dialogue(record["clear"])

    def _dialogue(self, entries: Sequence[Record]) -> None:
        timed = any(entry["time"] is not None for entry in entries)
        known: set[str] = set()
        for entry in entries:
            time = "" if entry["time"] is None else f"{entry['time']:.3f}"
            lead = f"{time:>{_TIME - 1}} " if timed else " "
            lead += f" {entry['side'][0].upper()}  {_taken_for(entry):{_KIND}}  "
            text = [*entry["text"]]
            if entry["kind"] in _EVENTS:
                text = [_EVENTS[entry["kind"]]]
            elif entry["kind"] == "left-out":
                text = [f"{entry['count']:,} further lines."]
            first, *rest = text or [""]
            self._line(first, lead)
            for line in rest:
                self._line(line, " " * len(lead))
            for note in _notes(entry, known):
                self._line(note, " " * len(lead) + "^ ")

    # --- TLS -----------------------------------------------------------------------------------------

    def handshake(self, record: Record) -> None:
        """The TLS handshake."""
        if record["session"]["tls"]["mode"] != "none":
            self._heading("TLS handshake")
            for sentence in _handshake(record):
                self._line(sentence)

    def decrypted(self, record: Record) -> None:
        """The dialogue inside TLS, where there were keys."""
        if record["decrypted"]:
            self._heading("Inside TLS, decrypted with its keys (C: client, S: server)")
            self._dialogue(record["decrypted"])

    def inferred(self, record: Record) -> None:
        """What sizes and turns say of the dialogue inside TLS."""
        inferred = record["inferred"]
        if inferred is None:
            return
        if record["decrypted"]:
            told = f"{inferred['method']} ({inferred['reason']})" if inferred["reason"] else inferred["method"]
            self._heading(f"Inside TLS, as it would have been inferred without the keys: {told}")
        else:
            self._heading("Inside TLS, inferred from sizes and turns: the most probable reading")
        self._turns(inferred["turns"])
        if not inferred["turns"]:
            self._line("None." if record["decrypted"] else "None: see the verdict.")
        elif not inferred["whole"]:
            self._line("The rest could not change the verdict, or was too much to read.")
        shares = [f"{_FAMILIES.get(name, name)} {percent(share)}" for name, share in inferred["probabilities"].items()]
        if shares:
            self._line(f"Probabilities: {', '.join(shares)}; anything else less.")

    def _turns(self, turns: Sequence[Record]) -> None:
        said = max((display_width(turn["client"] or "") for turn in turns), default=0)
        heard = max((display_width(turn["server"]) for turn in turns), default=0)
        beside = 6 + 3 + said + 2 + 3 + heard <= self._width
        for number, turn in enumerate(turns, 1):
            client = f"C  {turn['client']:{said}}" if turn["client"] else " " * (3 + said)
            server = f"S  {turn['server']:{heard}}"
            why = "; ".join(reason["explanation"] for reason in turn["why"])
            lead = f"{number:>4}  "
            if beside and why and self._width - len(lead) - len(client) - len(server) - 4 >= _WHY:
                self._line(why, f"{lead}{client}  {server}  ")
                continue
            if beside:
                self._out.write(f"{lead}{client}  {server}".rstrip() + "\n")
            else:
                if turn["client"]:
                    self._line(client.rstrip(), lead)
                self._line(server.rstrip(), " " * len(lead) if turn["client"] else lead)
            if why:
                self._line(why, " " * len(lead) + "^ ")


_FAMILIES: Final = {"none": "no login", "other": "something that is not known here"}


def percent(share: Sequence[float]) -> str:
    """A probability between two steps, in words."""
    least, most = share
    if most >= 1:
        return f"over {least:.0%}"
    return f"under {most:.0%}" if least <= 0 else f"{least:.0%} to {most:.0%}"


def _how(verdict: Record) -> str:
    if verdict["evidence"] is None:
        return ""
    how = f"; {_EVIDENCE[verdict['evidence']]}"
    return how + (f", probability {percent(verdict['probability'])}" if verdict["probability"] else "")


def _sentence(fragment: str) -> str:
    return fragment[:1].upper() + fragment[1:].removesuffix(".") + "."


def _attempt(attempt: Record) -> str:
    name = f"AUTH {attempt['mechanism']}"
    if not attempt["mechanism"]:
        told = attempt["evidence"] == "inferred"
        name = f"AUTH with {_METHODS[attempt['method']]} (which mechanism cannot be told)" if told else _UNNAMED
    if attempt["username"]:
        name += f" as {attempt['username']}"
    outcome = _OUTCOMES[attempt["outcome"]]
    if attempt["reply"]:
        outcome += f" ({attempt['reply']}" + (f": {attempt['meaning']}" if attempt["meaning"] else "") + ")"
    refusal = ", ".join(f"{key} {value}" for key, value in (attempt["refusal"] or {}).items())
    return f"{name}: {outcome}" + (f"; the token was refused with {refusal}" if refusal else "") + "."


def _without_login(session: Record, verdict: Record) -> str:
    if verdict["evidence"] == "inferred":
        return "No turn inside TLS was taken for a login."
    if session["tls"]["established"] is False:
        return "TLS never came about, so nothing was said inside it; and no AUTH was said before."
    return "All that was said could be read, and no AUTH is in it."


def _seen(session: Record) -> str:
    if session["complete"]:
        return "whole connection"
    missing = []
    if session["gaps"]:
        missing.append("bytes are missing")
    missing += [f"{side} not captured" for side in ("client", "server") if not session[f"{side}_side_seen"]]
    return ", ".join(missing) if missing else "its beginning or its end was not captured"


def _handshake(record: Record) -> Iterator[str]:
    tls = record["session"]["tls"]
    offered = tls["offered_versions"]
    if offered:
        names = f", for {tls['sni']}" if tls["sni"] else ", without a server's name"
        alpn = f", to speak {', '.join(tls['alpn'])}" if tls["alpn"] else ""
        yield f"The client offered TLS {', '.join(offered)}{names}{alpn}."
    else:
        yield "What the client offered was not seen."
    if tls["version"]:
        yield f"The server chose TLS {tls['version']} with {tls['cipher']}."
    if tls["established"] is False:
        alert = f" ({tls['alert']})" if tls["alert"] else ""
        yield f"The handshake failed{alert}."
    elif tls["established"] is None:
        yield "Whether the handshake came to its end was not seen."
    if tls["resumed"]:
        yield "It resumes an earlier session, so that no certificates were shown."
    certificate = tls["certificate"]
    if certificate is not None:
        names = ", ".join(certificate["names"]) or certificate["subject"] or "nobody"
        dates = f"{(certificate['not_before'] or '?')[:10]} to {(certificate['not_after'] or '?')[:10]}"
        own = "; it vouches for itself" if certificate["self_issued"] else ""
        yield f"The server showed a certificate for {names}, valid {dates}{own}."
    elif tls["version"] == "1.3" and not tls["resumed"]:
        yield "TLS 1.3 encrypts the server's certificate."
    shown = record["client_certificate"]
    if shown is not None and not tls["resumed"]:
        yield f"The client showed {'a' if shown else 'no'} certificate."


def _taken_for(entry: Record) -> str:
    kind, answers = entry["kind"], entry["answers"]
    if kind != "reply":
        return _TAKEN_FOR.get(str(kind), str(kind).upper())
    if answers is None:
        return "to nothing seen"
    if entry["code"] >= _FIRST_REFUSAL:
        return _REFUSED.get(answers, f"{_TAKEN_FOR.get(answers, answers.upper())} refused")
    return _ACCEPTED.get(answers, f"to {_TAKEN_FOR.get(answers, answers.upper())}")


def _notes(entry: Record, known: set[str]) -> Iterator[str]:
    """What is to be said below a line; what an oddity is, the first time only."""
    if entry["user"]:
        yield f"user name: {entry['user']}"
    if entry["early"]:
        yield "said before the answer to STARTTLS came (starttls-injection)"
    if entry["meaning"]:
        yield f"means: {entry['meaning']}"
    for oddity in entry["oddities"]:
        yield oddity["id"] if oddity["id"] in known else f"{oddity['id']}: {oddity['explanation']}"
        known.add(oddity["id"])

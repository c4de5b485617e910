"""An event in one line for people: a terminal, a log file, the text of a syslog message."""

from __future__ import annotations

from analyzer.report.wording import Record

_OUTCOMES = {"success": "accepted", "failure": "refused", "cancelled": "cancelled", "unknown": "no reply seen"}


def text_of(record: Record) -> str:
    """Severity, kind and the facts: who, where to, how, and how often. The time stands before it, wherever it goes."""
    return f"{record['severity']} {record['kind']}: {facts_of(record)}"


def facts_of(record: Record) -> str:
    """The facts alone."""
    client, server = record["client"], record["server"]
    device = f"{client['ip']} ({client['ehlo']})" if client["ehlo"] else client["ip"]
    host = server["name"] or (f"[{server['ip']}]" if ":" in server["ip"] else server["ip"])
    parts = [f"{device} to {host}:{server['port']}"]
    if record["login"]:
        parts.append(_login(record["login"]))
    if record["evidence"] == "inferred":
        parts.append(f"inferred, {int(record['confidence'] * 100)}% sure")
    if record["count"] > 1:
        parts.append(f"{record['count']} times since {record['since']}")
    return ", ".join(parts)


def _login(login: Record) -> str:
    user = "" if login["username"] is None else f" as {login['username']}"
    why = f" ({login['meaning']})" if login["meaning"] and login["outcome"] == "failure" else ""
    return f"{login['mechanism'] or login['method']}{user}, {_OUTCOMES[login['outcome']]}{why}"

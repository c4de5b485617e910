"""The arguments of ``smtpauth watch``."""

from __future__ import annotations

from analyzer.cli.parser import REDACT, Commands, add_limits, add_shared, add_store, positive

_WATCH = """\
Follows a directory into which captures are written (tcpdump -C, -G or -z,
dumpcap -b, or files moved in) and takes each into the store as it is finished:
once, whatever it is renamed to. A connection that crosses files is one session.
It needs a store (--store), where it also remembers which files were read.

Finished means: a newer file of the same series exists, or the file has not
grown for --settle seconds. One that grows after all is read on."""

_WATCH_EPILOG = """\
Killed at any moment it loses nothing and counts nothing twice: the next run
reads again the files in which connections were open, if they are still there.

signals:
  SIGINT, SIGTERM  finish the file at hand, store what is open, and end;
                   again: end at once
  SIGHUP           open files anew (log rotation), read --config anew
  SIGUSR1          print statistics on stderr

exit codes:
  0    done (--once, --drain)
  2    wrong usage, the directory or the store cannot be used
  3    done, but part of the traffic is missing: a file is cut, unreadable or
       overwritten too early, packets were lost or not decoded
  130  ended by a signal, after storing what is known

examples:
  tcpdump -i eth1 -G 300 -w '/span/mail-%Y%m%d-%H%M%S.pcap' port 587 or port 25
  smtpauth watch /span --store mail.db             until a signal ends it
  smtpauth watch /span --store mail.db --once      every few minutes, by cron
  smtpauth watch /archive --store mail.db --drain  all that is there, and end
  smtpauth watch /span --store postgresql://sensor@db/smtpauth --sensor east
  smtpauth report --store mail.db                  what came of it"""

EVENT_FORMATS = ("jsonl", "text", "ecs", "ocsf")


def add(commands: Commands) -> None:
    """``watch``, with its options."""
    watch = commands.add_parser(
        "watch",
        help="a directory of rotated captures -> the store",
        description=_WATCH,
        epilog=_WATCH_EPILOG,
    )
    watch.add_argument("directory", metavar="DIR", help="where captures are written; directories below it count, too")
    files = watch.add_argument_group("files")
    files.add_argument("--once", action="store_true", help="take what is finished, and end")
    files.add_argument("--drain", action="store_true", help="take what is there, finished or not, and end")
    files.add_argument(
        "--pattern", metavar="GLOB", help="only files of such names; of such paths below DIR, where there is a / in it"
    )
    files.add_argument(
        "--settle", type=positive, default=30, metavar="SECONDS", help="without growth: finished (default: 30)"
    )
    files.add_argument(
        "--interval", type=positive, default=5, metavar="SECONDS", help="between looks at DIR (default: 5)"
    )
    events = watch.add_argument_group("events")
    events.add_argument("--events", metavar="FILE", help="append them to this file")
    events.add_argument(
        "--format",
        choices=EVENT_FORMATS,
        help="print events, one a line, or give those in the file this form: jsonl (there the default), text, "
        "ecs (Elastic Common Schema), ocsf (Open Cybersecurity Schema Framework)",
    )
    events.add_argument(
        "--syslog", metavar="URL", help="send them there: udp://HOST, tcp://HOST, tls://HOST?ca=FILE (RFC 5424)"
    )
    events.add_argument(
        "--throttle", type=positive, metavar="SECONDS", help="tell the same event once in that time (default: 3600)"
    )
    events.add_argument(
        "--state", metavar="FILE", help="remember known devices there, so that a new start does not tell all anew"
    )
    watch.add_argument_group("output").add_argument("--redact-users", action="store_true", help=REDACT)
    add_store(watch)
    add_limits(watch)
    add_shared(watch)

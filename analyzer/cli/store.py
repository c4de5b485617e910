"""The arguments of ``smtpauth store``."""

from __future__ import annotations

from analyzer.cli.parser import Commands, positive

_STORE = """\
Looks after a store: the file of SQLite or the database of PostgreSQL into which
'scan', 'watch' and 'sniff' put what they see (--store), and which 'report'
reads.

  init     make the tables, or bring those of an older version up to date
  status   what is in it
  prune    remove sessions that are too old; daily sums stay for good
  export   everything as lines of JSON, for a backup or another database
  import   read such lines; what is there already does not count twice

URL is the path of a file, or postgresql://USER@HOST/DATABASE. The password
is better kept in ~/.pgpass than on the command line."""

_STORE_EPILOG = """\
exit codes:
  0    done
  2    wrong usage, or a store, file or schema that cannot be used
  130  interrupted: nothing was changed

examples:
  smtpauth store status mail.db
  smtpauth store prune mail.db --keep-days 30     from now on
  smtpauth store init postgresql://smtpauth@db.example.com/smtpauth
  smtpauth store export mail.db | gzip > mail.jsonl.gz
  smtpauth store export mail.db - |
    smtpauth store import postgresql://smtpauth@db.example.com/smtpauth -"""

ACTIONS = ("init", "status", "prune", "export", "import")


def add(commands: Commands) -> None:
    """``store``, with its options."""
    store = commands.add_parser(
        "store", help="what scan, watch and sniff have put aside", description=_STORE, epilog=_STORE_EPILOG
    )
    store.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    store.add_argument("url", metavar="URL", help="SQLite file, or postgresql://...")
    store.add_argument("file", nargs="?", metavar="FILE", help="export to it, import from it; - or none: a pipe")
    store.add_argument(
        "--keep-days", type=positive, metavar="N", help="prune: keep sessions for N days from now on (default: 90)"
    )
    store.add_argument("--format", choices=("table", "json"), default="table", help="of the status (default: table)")
    store.add_argument("--config", metavar="FILE", help="TOML file with defaults for these options")
    store.add_argument("-q", "--quiet", action="store_true", help="do not say what was done")

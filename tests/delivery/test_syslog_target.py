from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from analyzer.delivery.syslog_target import syslog_target
from analyzer.errors import UsageError
from tests.support.authority import Authority


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port"),
    [
        ("udp://log.example.com:5140", "udp", "log.example.com", 5140),
        ("udp://log.example.com", "udp", "log.example.com", 514),
        ("tcp://10.0.0.1", "tcp", "10.0.0.1", 514),
        ("tls://log.example.com", "tls", "log.example.com", 6514),
        ("tcp://[2001:db8::1]:601/", "tcp", "2001:db8::1", 601),
        ("TCP://LOG.example.com", "tcp", "log.example.com", 514),
    ],
)
def test_a_url_names_the_way_the_host_and_the_port(url: str, scheme: str, host: str, port: int) -> None:
    target = syslog_target(url)
    assert (target.scheme, target.host, target.port) == (scheme, host, port)
    assert (target.tls is not None) == (scheme == "tls")


def test_it_is_shown_as_a_url_again() -> None:
    assert str(syslog_target("tcp://[2001:db8::1]")) == "tcp://[2001:db8::1]:514"
    assert str(syslog_target("udp://log.example.com")) == "udp://log.example.com:514"


def test_the_servers_certificate_is_checked_against_the_given_authority_alone(tmp_path: Path) -> None:
    ca = Authority(tmp_path).ca
    tls = syslog_target(f"tls://log.example.com?ca={ca}").tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert tls.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "begins with none"),
        ("log.example.com", "begins with none"),
        ("http://log.example.com", "begins with none"),
        ("udp:log.example.com", "names no host"),
        ("udp://", "names no host"),
        ("udp://:514", "names no host"),
        ("udp://log.example.com:0", "host or port is not valid"),
        ("udp://log.example.com:65536", "host or port is not valid"),
        ("udp://log.example.com:syslog", "host or port is not valid"),
        ("udp://[2001:db8::1", "host or port is not valid"),
        ("udp://" + "x" * 64 + ".example.com", "host or port is not valid"),
        ("tcp://log.example.com/path", "more than host, port and ca"),
        ("tcp://log.example.com#part", "more than host, port and ca"),
        ("tcp://user:word@log.example.com", "more than host, port and ca"),
        ("tcp://log.example.com?ca=file", "tls:// alone"),
        ("tls://log.example.com?cert=file", "option other than ca"),
        ("tls://log.example.com?ca=a&ca=b", "option other than ca"),
        ("tls://log.example.com?ca=", "ca names no file"),
    ],
)
def test_what_is_no_server_is_said_in_one_line_with_what_would_be(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        syslog_target(url)
    assert "\n" not in str(caught.value)
    assert "udp://HOST:514" in str(caught.value)


def test_an_authority_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        syslog_target(f"tls://log.example.com?ca={tmp_path / 'missing.pem'}")
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(UsageError, match="holds no certificates"):
        syslog_target(f"tls://log.example.com?ca={tmp_path / 'ca.pem'}")

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.inventory.device import Asset
from analyzer.report.page import plans, render, write_page, write_scan_page
from analyzer.report.page.of_period import view_of_period
from analyzer.report.page.words import VALUES_LISTED
from analyzer.report.period.model import PeriodDocument
from analyzer.report.redact import Redactor
from tests.support.fleet import document, fleet
from tests.support.hostile_fleet import hostile_document
from tests.support.reports import HOSTILE, hostile_sessions, office_report, report
from tests.support.sessions import attempt, session


class Outline(HTMLParser):
    """Tags with their attributes, and text by the tag around it."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[tuple[str, tuple[tuple[str, str | None], ...]]] = Counter()
        self.text: list[str] = []
        self.raw: dict[str, str] = {}
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag, tuple(attrs)] += 1
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("style", "script"):
            self.raw[self._open] = self.raw.get(self._open, "") + data
        else:
            self.text.append(data)

    def attributes(self, name: str) -> Iterator[str]:
        for (_, attrs), _ in self.tags.items():
            yield from (value or "" for key, value in attrs if key == name)


def page_of(whole: PeriodDocument) -> str:
    out = io.StringIO()
    write_page(whole, out)
    return out.getvalue()


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(document(60))


def test_text_from_the_wire_changes_no_tag_and_no_attribute() -> None:
    plain = Outline(page_of(hostile_document("plain")))
    for trick, text in HOSTILE.items():
        hostile = Outline(page_of(hostile_document(text)))
        assert hostile.tags == plain.tags, trick
        assert hostile.raw == plain.raw, trick


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>/!-\"'&=;`{%}# \x00\u202eascriptdtbody"), min_size=1, max_size=40))
def test_no_text_whatsoever_becomes_markup(text: str) -> None:
    plain = Outline(page_of(hostile_document("plain", 2)))
    assert Outline(page_of(hostile_document(text, 2))).tags == plain.tags


@pytest.mark.parametrize("trick", ["ansi", "bidi", "invisible", "separators", "nul", "c1"])
def test_characters_that_act_are_shown_as_what_they_are(trick: str) -> None:
    text = "".join(Outline(page_of(hostile_document(HOSTILE[trick]))).text)
    assert all(character.isprintable() or character == "\n" for character in text)


def test_the_policy_names_the_style_sheet_and_the_script_and_allows_nothing_else(page: str) -> None:
    outline = Outline(page)
    (policy,) = (value for value in outline.attributes("content") if "default-src" in value)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for directive, element in (("style-src", "style"), ("script-src", "script")):
        digest = base64.b64encode(hashlib.sha256(outline.raw[element].encode()).digest()).decode()
        assert rules[directive] == f"'sha256-{digest}'"
    assert "unsafe" not in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_nothing_is_loaded_and_nothing_carries_its_own_style_or_handler(page: str) -> None:
    outline = Outline(page)
    names = {name for (_, attrs) in outline.tags for name, _ in attrs}
    assert not names & {"src", "style", "srcset", "action", "background", "xlink:href"}
    assert not any(name.startswith("on") for name in names)
    assert all(target.startswith("#") for target in outline.attributes("href"))
    assert not re.search(r"@import|url\((?!#)", outline.raw["style"])
    assert not {tag for tag, _ in outline.tags} & {"link", "img", "iframe", "object", "embed", "base"}


def test_every_reference_within_the_page_leads_somewhere(page: str) -> None:
    outline = Outline(page)
    ids = list(outline.attributes("id"))
    assert len(ids) == len(set(ids))
    targets = {target[1:] for target in outline.attributes("href")}
    labels = {one for value in outline.attributes("aria-labelledby") for one in value.split()}
    assert targets | labels <= set(ids)


def test_the_answer_stands_in_the_title_and_at_the_top(page: str) -> None:
    summary = document(60).report.summary
    assert f"<title>{summary.still_password} of 60 devices use a password: Week 47 of 2026</title>" in page
    assert f"<b>{summary.still_password}</b>" in page
    assert "▼ 1 fewer than in week 46" in page
    assert "<b>39 days</b> from 22 November 2026 until 31 December 2026" in page
    assert "Week by week" in page


def test_beside_the_answer_stands_what_to_do_first_and_how_long_there_is_time(page: str) -> None:
    first = "".join(Outline(page.partition("<section id=first")[2].partition("</section>")[0]).text)
    assert re.search(r"\d+ devices?\s+Now\s+Its mail is not accepted \(\d+\)\s+A password or token crossed", first)
    assert re.search(r"\d+ devices?\s+Before the deadline\s+Exchange Online, 39 days left: ", first)
    assert re.search(r"\d+ devices?\s+To look at\s", first)


def test_of_reasons_for_one_urgency_the_most_frequent_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "REASONS_TOLD", 1)
    view = view_of_period(document(60))
    todo = next(todo for todo in view.first if todo.urgency == "check")
    assert len(todo.texts) == 1
    assert todo.further > 0
    assert todo.devices == sum(len(plan.devices) for plan in view.plans if plan.urgency == "check")
    assert f"And {todo.further} more reason" in page_of(document(60))


def test_the_owner_of_a_device_stands_in_its_row_and_beside_its_plan() -> None:
    owned = [replace(device, asset=Asset(None, "Facilities", "Ground floor", None)) for device in fleet(12)[:11]]
    page = page_of(document(devices=[*owned, fleet(12)[11]]))
    assert page.count("<i>Facilities</i>") == 11
    assert "<select id=owner>" in page
    assert re.search(r"<p class=owners>Facilities <b>\d+</b>", page)
    assert "<select id=owner>" not in page_of(document(12))


def test_every_device_is_in_the_table_the_worst_first(page: str) -> None:
    rows = re.findall(r"<tbody class=(\S+)><tr><td>(\S+?)<th>([\d.]+)", page)
    assert [row[2] for row in rows] == [device.device for device in fleet(60)]
    assert all(looks == status for looks, status, _ in rows)


def test_without_a_period_before_there_is_no_talk_of_changes() -> None:
    whole = document(5)
    first = replace(whole.report, before=None, summary_before=None, changes=[], trend=whole.report.trend[-1:])
    outline = Outline(page_of(replace(whole, report=first)))
    text = "".join(outline.text)
    assert "What changed" not in text
    assert "fewer than" not in text
    assert not set(outline.attributes("class")) & {"chart"}


def test_devices_that_move_the_number_without_a_change_are_named() -> None:
    text = "".join(Outline(page_of(document(60))).text)
    assert "1 device with a password was seen again, which means nothing yet" in text
    assert "3 devices with a password were not seen this time" in text
    assert "10.98.0.1, 10.98.0.2, 10.98.0.3" in text


def test_what_was_not_observed_is_cause_for_concern() -> None:
    whole = document(20)
    quality = replace(whole.report.quality, dropped=1234, days_without=2, missing_sensors=("west",))
    page = page_of(replace(whole, report=replace(whole.report, quality=quality)))
    concerns = re.findall(r"<div class=concern><dt>(.*?)<dd>(.*?)</div>", page)
    assert ("packets lost by sensors", "1,234") in concerns
    assert ("days without traffic", "2") in concerns
    assert ("sensors missing", "1") in concerns
    assert "No report from west" in page


def test_an_empty_period_is_a_page_too() -> None:
    page = page_of(document(devices=[]))
    assert "None was seen sending mail." in page
    assert "No mail was seen in 2026-W47" in page
    assert "<title>Nothing seen: Week 47 of 2026</title>" in page
    assert "<b>0</b>" not in page  # no success to be proud of


def test_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "DEVICES_LISTED", 50)
    monkeypatch.setattr(render, "CHANGES_LISTED", 2)
    monkeypatch.setattr(render, "SHARES_LISTED", 3)
    monkeypatch.setattr(render, "ROWS_LISTED", 1)
    page = page_of(document(60))
    assert page.count("<tbody class=") == 50
    assert "And 10 more, none of them worse than these" in page
    assert "<span class=rest>And 3 more</span>: in the table of devices under “migrated”." in page
    assert re.search(r"<th scope=row>\d+ others<td>", page)
    assert "And 2 more accounts." in page


def test_values_of_one_device_are_listed_up_to_a_limit_and_counted_beyond() -> None:
    many = replace(fleet(1)[0], names=tuple(f"name{number}" for number in range(VALUES_LISTED + 7)), hostnames=())
    assert "<p>and 7 more" in page_of(document(devices=[many]))


def test_what_was_inferred_says_how_surely_and_never_100_percent() -> None:
    device = replace(fleet(1)[0], evidence="inferred", confidence=0.9999)
    assert "<p>inferred 99%" in page_of(document(devices=[device]))


def test_of_many_mechanisms_the_row_shows_the_first_and_its_detail_all() -> None:
    tries = {f"MECHANISM-{number}": 1 for number in range(5)}
    page = page_of(document(devices=[replace(fleet(1)[0], mechanisms=tries)]))
    assert "<td>MECHANISM-0, MECHANISM-1, MECHANISM-2 +2" in page
    assert "<dt>Mechanisms<dd>MECHANISM-0<p>MECHANISM-1<p>" in page


def test_a_port_is_told_unless_it_is_587() -> None:
    device = fleet(1)[0]
    server = replace(device.servers[0], name="mail.example.com", ports=(465,))
    assert "mail.example.com<wbr>:465" in page_of(document(devices=[replace(device, servers=(server,))]))
    server = replace(server, ports=(587,))
    assert "<td>mail.example.com<" in page_of(document(devices=[replace(device, servers=(server,))]))


def test_addresses_of_one_servers_name_are_one_server() -> None:
    device = fleet(1)[0]
    server = replace(device.servers[0], name="smtp.example.com", provider="gmail", methods={"basic": 2})
    same = tuple(replace(server, ip=f"192.0.2.{number}") for number in range(1, 6))
    page = page_of(document(devices=[replace(device, servers=same)]))
    assert "<td>smtp.example.com<p>" in page
    assert "port 587" not in "".join(Outline(page).text).replace("on port 587 where", "")
    other = replace(server, name=None, ip="192.0.2.99", provider=None, methods={"oauth": 3})
    page = page_of(document(devices=[replace(device, servers=(*same, other))]))
    assert "<td>smtp.example.com +1<p>" in page
    assert "smtp.example.com (192.0.2.1, 192.0.2.2, 192.0.2.3 and 2 more) port 587: basic 10" in page
    assert "192.0.2.99 port 587: oauth 3" in page


def test_redacted_users_are_nowhere_on_the_page() -> None:
    whole = replace(document(60), redactor=Redactor(b"key"))
    assert "@example.com" not in page_of(whole).replace("relay.example.com", "")


def test_the_same_report_gives_the_same_page() -> None:
    assert page_of(document(60)) == page_of(document(60))


def test_five_thousand_devices_fit_into_two_megabytes() -> None:
    assert len(page_of(document(5000, weeks=52)).encode()) <= 2_000_000


def test_a_single_run_is_a_page_without_a_past() -> None:
    out = io.StringIO()
    write_scan_page(office_report(), out)
    page = out.getvalue()
    text = "".join(Outline(page).text)
    assert "Week by week" not in text
    assert "What changed" not in text
    assert "cut off in its last record (17 bytes lost)" in page
    assert "The observation is incomplete." in page
    assert page.count("<tbody class=") == 5


def test_a_run_that_saw_nothing_is_a_page_too() -> None:
    out = io.StringIO()
    write_scan_page(report([]), out)
    assert "No device was seen sending mail." in out.getvalue()


@pytest.mark.parametrize("trick", HOSTILE)
def test_traffic_that_tries_to_be_markup_is_text(trick: str) -> None:
    plain, hostile = io.StringIO(), io.StringIO()
    write_scan_page(report(hostile_sessions("plain")), plain)
    write_scan_page(report(hostile_sessions(HOSTILE[trick])), hostile)
    assert Outline(hostile.getvalue()).tags == Outline(plain.getvalue()).tags
    hostile.getvalue().encode()


def test_redacted_users_of_a_run_are_nowhere_on_its_page() -> None:
    out = io.StringIO()
    seen = [session(attempt("PLAIN", username="canary@example.com", authzid="canary-admin"))]
    write_scan_page(report(seen), out, Redactor(b"key"))
    assert "canary" not in out.getvalue()
    assert Redactor(b"key").alias("canary@example.com") in out.getvalue()


def test_each_device_that_needs_somebody_has_a_plan_and_each_plan_its_devices() -> None:
    view = view_of_period(document(200))
    of_plans = {address: plan.number for plan in view.plans for address in plan.devices}
    of_devices = {device.address: device.plan for device in view.devices if device.plan is not None}
    assert of_plans == of_devices
    assert all(device.plan for device in view.devices if device.status in ("exposed", "password", "mixed", "unknown"))
    assert [plan.number for plan in view.plans] == list(range(1, len(view.plans) + 1))

"""The page in a real browser: what people do with it, and what it must not do."""

from __future__ import annotations

import http.server
import io
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analyzer.inventory.device import Asset
from analyzer.report.page import write_page
from analyzer.report.page.render import MANY
from analyzer.report.period.model import PeriodDocument
from tests.support.chromium import Chromium, Page, needs_chromium
from tests.support.fleet import document, fleet
from tests.support.hostile_fleet import hostile_document
from tests.support.reports import HOSTILE

pytestmark = needs_chromium

COUNT = 120
VISIBLE = "[...document.querySelectorAll('#fleet tbody')].filter((body) => !body.hidden)"
ADDRESSES = f"{VISIBLE}.map((body) => body.rows[0].cells[1].firstChild.textContent)"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as chromium:
        yield chromium


@pytest.fixture
def tab(browser: Chromium) -> Iterator[Page]:
    page = browser.page()
    page.size(1280)
    page.media()
    yield page
    page.close()


def written(whole: PeriodDocument, folder: Path) -> str:
    """Address of the page of ``whole``."""
    path = folder / "report.html"
    with path.open("w", encoding="utf-8") as out:
        write_page(whole, out)
    return path.as_uri()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(document(COUNT), tmp_path_factory.mktemp("page"))


def complaints(tab: Page) -> list[Any]:
    """Whatever went to the console, was thrown or was forbidden by the policy."""
    return [
        *tab.events("Runtime.consoleAPICalled"),
        *tab.events("Runtime.exceptionThrown"),
        *tab.events("Log.entryAdded"),
        *tab.events("Page.javascriptDialogOpening"),
    ]


def choose(tab: Page, select: str, value: str) -> None:
    """As a user does: the value, then the event."""
    tab.evaluate(
        f"(document.getElementById('{select}').value = {value!r},"
        f" document.getElementById('{select}').dispatchEvent(new Event('input', {{bubbles: true}})),"
        " new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))"
    )


def test_the_page_opens_in_silence_and_asks_for_nothing(tab: Page, url: str) -> None:
    tab.open(url)
    assert [event["request"]["url"] for event in tab.events("Network.requestWillBeSent")] == [url]
    assert complaints(tab) == []
    assert tab.evaluate(f"{ADDRESSES}") == [device.device for device in fleet(COUNT)]


def test_from_a_web_server_it_asks_for_nothing_but_itself(tab: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    written(document(5), tmp_path)
    content = (tmp_path / "report.html").read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab.open(f"http://127.0.0.1:{server.server_port}/report.html")
        tab.evaluate("new Promise((done) => setTimeout(done, 200))")
        found = complaints(tab)
        server.shutdown()
    assert set(asked) <= {"/report.html", "/favicon.ico"}  # browsers ask for an icon on their own
    assert asked.count("/report.html") == 1
    assert [entry for entry in found if "favicon" not in str(entry)] == []


def test_columns_sort_by_click_and_say_so(tab: Page, url: str) -> None:
    tab.open(url)
    sort = "document.querySelectorAll('#fleet thead button')[{}].click()"
    state = "[...document.querySelectorAll('#fleet thead th')].map((head) => head.ariaSort)"
    numbers = f"{VISIBLE}.map((body) => Number(body.rows[0].cells[6].textContent.replaceAll(',', '')))"
    devices = fleet(COUNT)

    tab.evaluate(sort.format(6))
    assert tab.evaluate(numbers) == sorted((device.sessions for device in devices), reverse=True)
    assert tab.evaluate(state)[6] == "descending"
    tab.evaluate(sort.format(6))
    assert tab.evaluate(numbers) == sorted(device.sessions for device in devices)
    assert tab.evaluate(state) == [None] * 6 + ["ascending", None]

    tab.evaluate(sort.format(1))
    by_number = sorted(devices, key=lambda device: [int(part) for part in device.device.split(".")])
    assert tab.evaluate(ADDRESSES) == [device.device for device in by_number]

    tab.evaluate(sort.format(4))  # accounts: those without one come last, whichever way
    accounts = tab.evaluate(f"{VISIBLE}.map((body) => body.rows[0].cells[4].textContent)")
    named = [account for account in accounts if account]
    assert accounts == named + [""] * (COUNT - len(named))
    assert complaints(tab) == []


def test_filters_by_status_provider_maker_change_and_text(tab: Page, url: str) -> None:
    tab.open(url)
    whole = document(COUNT)
    devices = whole.report.devices

    choose(tab, "status", "exposed password mixed")
    still = [device.device for device in devices if device.status in ("exposed", "password", "mixed")]
    assert tab.evaluate(ADDRESSES) == still
    assert tab.evaluate("document.getElementById('shown').textContent") == f"{len(still)} of {COUNT} devices"

    choose(tab, "provider", "Exchange Online")
    there = [device for device in devices if device.device in still and device.servers[0].provider == "exchange-online"]
    assert tab.evaluate(ADDRESSES) == [device.device for device in there]

    choose(tab, "vendor", "Kyocera")
    assert tab.evaluate(ADDRESSES) == [device.device for device in there if device.vendor == "Kyocera"]

    tab.evaluate("document.querySelector('#filter [type=reset]').click()")
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert len(tab.evaluate(ADDRESSES)) == COUNT

    choose(tab, "change", "migrated")
    moved = {change.now.device for change in whole.report.changes if change.kind == "migrated" and change.now}
    assert set(tab.evaluate(ADDRESSES)) == moved
    choose(tab, "change", "")

    choose(tab, "text", "auth-failing KYOCERA")
    wanted = [d.device for d in devices if "auth-failing" in d.findings and d.vendor == "Kyocera"]
    assert wanted
    assert tab.evaluate(ADDRESSES) == wanted
    choose(tab, "text", "no such thing")
    assert tab.evaluate(ADDRESSES) == []
    assert tab.evaluate("document.getElementById('shown').textContent") == f"0 of {COUNT} devices"
    assert complaints(tab) == []


def test_the_keyboard_sorts_and_opens(tab: Page, url: str) -> None:
    tab.open(url)
    tab.evaluate("document.querySelectorAll('#fleet thead button')[7].focus()")
    tab.press("Enter", 13, "\r")
    assert tab.evaluate("document.querySelectorAll('#fleet thead th')[7].ariaSort") == "descending"
    tab.evaluate("document.querySelector('#fleet summary').focus()")
    tab.press("Enter", 13, "\r")
    assert tab.evaluate("document.querySelector('#fleet details').open") is True


def test_a_device_opens_with_its_findings_and_its_plan_explained(tab: Page, url: str) -> None:
    tab.open(url)
    opened = (
        "((details) => { details.open = true; return new Promise((done) =>"
        " setTimeout(() => done(details.innerText), 50)); })(document.querySelector('#fleet details'))"
    )
    text = tab.evaluate(opened)
    assert "A password (AUTH PLAIN or LOGIN) crossed the network unencrypted." in text
    assert "Turn on STARTTLS (587) or TLS (465) on the device" in text
    assert complaints(tab) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_what_a_screen_reader_meets_has_a_role_and_a_name(tab: Page, url: str, width: int) -> None:
    tab.size(width, phone=width < 500)
    tab.open(url)
    nodes = [node for node in tab.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    roles = [node["role"]["value"] for node in nodes]
    for landmark in ("banner", "navigation", "main", "search", "contentinfo"):
        assert roles.count(landmark) == 1, landmark
    for node in nodes:
        if node["role"]["value"] in ("table", "image", "region", "button", "combobox", "searchbox"):
            assert node["name"]["value"], node
    assert roles.count("table") == 4
    assert roles.count("rowheader") > COUNT  # rows are rows on a phone, too, where they look like cards


def test_what_a_list_leaves_out_is_found_in_the_table(tab: Page, url: str) -> None:
    tab.open(url)
    many = "[...document.querySelectorAll('.plans article')].find((plan) => plan.querySelector('button.rest'))"
    plan, devices = tab.evaluate(f"[{many}.id.slice(1), {many}.querySelector('aside b').textContent]")
    tab.evaluate(f"{many}.querySelector('button.rest').click()")
    assert tab.evaluate("document.activeElement.id") == "plan"
    assert tab.evaluate("document.activeElement.value").startswith(f"{plan}. ")
    assert len(tab.evaluate(ADDRESSES)) == int(devices)
    assert complaints(tab) == []


def test_devices_of_one_owner_can_be_chosen(tab: Page, tmp_path: Path) -> None:
    devices = [
        replace(device, asset=Asset(None, "Facilities" if number % 3 else "Lab", None, None))
        for number, device in enumerate(fleet(12))
    ]
    tab.open(written(document(devices=devices), tmp_path))
    choose(tab, "owner", "Lab")
    assert tab.evaluate(ADDRESSES) == [device.device for device in devices[::3]]


def test_of_many_devices_only_those_in_sight_are_laid_out(tab: Page, tmp_path: Path) -> None:
    tab.open(written(document(MANY + 1), tmp_path))
    laid_out = "{}.filter((body) => body.rows[0].checkVisibility({{ contentVisibilityAuto: true }})).length"
    assert tab.evaluate(laid_out.format(VISIBLE)) < MANY / 2
    assert len(tab.evaluate(ADDRESSES)) == MANY + 1
    choose(tab, "status", "oauth")
    found = len(tab.evaluate(ADDRESSES))
    assert 0 < found < MANY
    assert tab.evaluate(laid_out.format(VISIBLE)) == found
    choose(tab, "status", "")
    tab.evaluate("document.querySelectorAll('#fleet thead button')[6].click()")
    assert len(tab.evaluate(ADDRESSES)) == MANY + 1
    assert complaints(tab) == []


def test_an_address_elsewhere_leads_to_its_device(tab: Page, url: str) -> None:
    tab.open(url)
    choose(tab, "status", "oauth")
    address = tab.evaluate("document.querySelector('#changes button.find').textContent")
    tab.evaluate("document.querySelector('#changes button.find').click()")
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert address in tab.evaluate(ADDRESSES)
    body = "document.activeElement.closest('tbody').rows[0].cells[1].firstChild.textContent"
    assert tab.evaluate(body) == address


def test_it_prints_with_everything_opened(tab: Page, url: str) -> None:
    tab.open(url)
    pdf = tab.pdf()
    assert pdf.startswith(b"%PDF-")
    pages = max(map(int, re.findall(rb"/Count (\d+)", pdf)))
    assert 8 <= pages <= 60
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate("document.querySelectorAll('#fleet td > details[open]').length") == 0
    assert complaints(tab) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(tab: Page, url: str, width: int, scheme: str) -> None:
    tab.size(width, phone=width < 500)
    tab.media(scheme=scheme)
    tab.open(url)
    tab.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert tab.evaluate(OVERFLOW) == 0


def test_on_a_phone_all_cards_are_as_wide_as_one_another(tab: Page, url: str) -> None:
    tab.size(390, phone=True)
    tab.open(url)
    widths = "[...new Set([...document.querySelectorAll('section')].map((card) => card.offsetWidth))]"
    assert tab.evaluate(widths) == [390 - 2 * 12]


def test_what_a_finger_or_a_pointer_aims_at_is_large_enough(tab: Page, url: str) -> None:
    """24 CSS pixels (WCAG 2.2, success criterion 2.5.8); with a pointer, what stands in a sentence is left out."""
    small = (
        "[...document.querySelectorAll('a:not(.skip), button, summary, select, input')].filter((node) =>"
        " node.checkVisibility() && node.getBoundingClientRect().height < 24 && !node.matches({}))"
        ".map((node) => node.outerHTML.slice(0, 80))"
    )
    tab.open(url)
    assert tab.evaluate(small.format("'.find, .rest, p a, th button'")) == []  # a column's whole head can be clicked
    tab.size(390, phone=True)
    tab.call("Emulation.setTouchEmulationEnabled", {"enabled": True})
    tab.open(url)
    assert tab.evaluate("matchMedia('(pointer: coarse)').matches") is True
    assert tab.evaluate(small.format("'none'")) == []


@pytest.mark.parametrize("width", [320, 1280])
def test_the_longest_addresses_fit_into_every_column(tab: Page, tmp_path: Path, width: int) -> None:
    longest = [f"2001:db8:1234:5678:9abc:def0:1234:{number:04x}" for number in range(4096, 4136)]
    devices = [replace(device, device=ip, ips=(ip,)) for device, ip in zip(fleet(40), longest, strict=True)]
    tab.size(width, phone=width < 500)
    tab.open(written(document(devices=devices), tmp_path))
    beyond = (
        "[...document.querySelectorAll('section')].filter((card) => card.scrollWidth > card.clientWidth)"
        ".map((card) => card.id)"
    )
    assert tab.evaluate(OVERFLOW) == 0
    assert tab.evaluate(beyond) == []
    asides = "[...document.querySelectorAll('aside')].filter((node) => node.scrollWidth > node.clientWidth).length"
    assert tab.evaluate(asides) == 0


def test_dark_is_dark_and_light_is_light(tab: Page, url: str) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    tab.open(url)
    assert tab.evaluate(ground) == "rgb(246, 247, 249)"
    tab.media(scheme="dark")
    assert tab.evaluate(ground) == "rgb(17, 21, 27)"
    tab.media(type="print", scheme="dark")
    assert tab.evaluate(ground) == "rgb(255, 255, 255)"


def test_without_scripts_the_page_is_whole(tab: Page, url: str) -> None:
    tab.scripts(enabled=False)
    tab.open(url)
    assert tab.evaluate("getComputedStyle(document.getElementById('filter')).display") == "none"
    assert tab.evaluate("document.querySelectorAll('#fleet tbody').length") == COUNT
    assert tab.evaluate("document.querySelectorAll('button:not([type=reset])').length") == 0
    tab.evaluate("document.querySelector('#fleet summary').focus()")
    tab.press("Enter", 13, "\r")
    assert tab.evaluate("document.querySelector('#fleet details').open") is True
    assert tab.evaluate("document.querySelector('#fleet dl').innerText").startswith("MAC")
    assert complaints(tab) == []


def test_names_have_no_more_power_with_scripts_than_without(tab: Page, tmp_path: Path) -> None:
    for trick in ("html", "quotes", "markdown", "links", "bidi", "ansi", "long", "wide", "zalgo"):
        tab.size(390, phone=True)
        tab.open(written(hostile_document(HOSTILE[trick]), tmp_path))
        tab.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        tab.evaluate("document.querySelectorAll('.find').forEach((button) => button.click())")
        tab.evaluate("new Promise((done) => setTimeout(done, 20))")
        assert complaints(tab) == [], trick
        assert tab.evaluate("document.querySelectorAll('img, iframe, script:not(body > script)').length") == 0, trick
        assert tab.evaluate("document.querySelectorAll('script').length") == 1, trick
        assert len(tab.events("Network.requestWillBeSent")) == 1, trick
        assert tab.evaluate(OVERFLOW) == 0, trick


def test_the_policy_stops_what_does_not_belong_to_the_page(tab: Page, tmp_path: Path) -> None:
    """The second wall: were a name ever set as markup, its script, style and image would still do nothing."""
    out = io.StringIO()
    write_page(document(3), out)
    smuggled = (
        "<script>window.ran = 1</script><img src='http://127.0.0.1:9/x' onerror='window.ran = 2'>"
        "<style>body { display: none }</style><p style='position: fixed'>x</p></main>"
    )
    path = tmp_path / "report.html"
    path.write_text(out.getvalue().replace("</main>", smuggled), encoding="utf-8")
    tab.open(path.as_uri())
    assert tab.evaluate("window.ran") is None
    assert tab.evaluate("getComputedStyle(document.body).display") == "block"
    assert tab.evaluate("getComputedStyle(document.querySelector('main > p:last-child')).position") == "static"
    assert not [e for e in tab.events("Network.responseReceived") if "127.0.0.1" in e["response"]["url"]]
    assert complaints(tab) != []

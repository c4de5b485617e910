"""Chromium without a window, driven by the DevTools protocol over a pair of pipes: no port, no driver, no library."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")

_FLAGS = (
    "--headless",
    "--no-sandbox",  # root has none; the pages are ours
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_PATIENCE = 60.0
"""Seconds for one answer; a browser that takes longer hangs."""

Answer = dict[str, Any]


class Chromium:
    """A running browser with a profile of its own; a context manager that ends it."""

    def __enter__(self) -> Chromium:
        assert PROGRAM is not None
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # The browser reads from descriptor 3 and writes to 4; out of their way first.
        theirs = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in (commands, answers)]

        def place() -> None:
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        self._process = subprocess.Popen(
            [PROGRAM, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=place,
            pass_fds=(3, 4),
        )
        for descriptor in (commands, answers, *theirs):
            os.close(descriptor)
        self._buffer = b""
        self._count = 0
        self.events: list[Answer] = []
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        os.close(self._write)
        self._profile.cleanup()

    def page(self) -> Page:
        """A new, empty page, whose network and console are watched."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        return Page(self, session, target)

    def call(self, method: str, parameters: Answer | None = None, session: str | None = None) -> Answer:
        """Send a command and wait for its result.

        Raises:
            RuntimeError: the browser refused it. TimeoutError: it did not answer.
        """
        self._count += 1
        message: Answer = {"id": self._count, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: Answer = answer["result"]
                return result
            self.events.append(answer)

    def wait_for(self, method: str, session: str) -> Answer:
        """The next event of this name, among those that came already or from now on."""
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.get("method") == method and event.get("sessionId") == session:
                    return event
            seen = len(self.events)
            self.events.append(self._next())

    def _next(self) -> Answer:
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("chromium does not answer")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise TimeoutError("chromium has ended")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: Answer = json.loads(message)
        return answer


class Page:
    """One page of the browser."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, parameters: Answer | None = None) -> Answer:
        """A command to this page."""
        return self._browser.call(method, parameters, self._session)

    def events(self, method: str) -> list[Answer]:
        """Parameters of the events of this name so far."""
        self.evaluate("0")  # what the page had to say before this has arrived after it
        return [
            event["params"]
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]

    def open(self, url: str) -> None:
        """Go there, and wait until all is loaded."""
        self._browser.events = [event for event in self._browser.events if event.get("sessionId") != self._session]
        self.call("Page.navigate", {"url": url})
        self._browser.wait_for("Page.loadEventFired", self._session)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited; it works with scripts of the page switched off, too.

        Raises:
            AssertionError: it threw.
        """
        result = self.call(
            "Runtime.evaluate",
            {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True},
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def size(self, width: int, height: int = 900, *, phone: bool = False) -> None:
        """Of the window, CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone},
        )

    def media(self, *, type: str = "", scheme: str = "light") -> None:
        """Show it as on ``print``, or in ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", {"media": type, "features": features})

    def scripts(self, *, enabled: bool) -> None:
        """Whether the page's own scripts run."""
        self.call("Emulation.setScriptExecutionDisabled", {"value": not enabled})

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key, by its DOM name and its Windows virtual code."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", "text": text, **common})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **common})

    def pdf(self) -> bytes:
        """What the printer gets, A4."""
        result = self.call(
            "Page.printToPDF",
            {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True, "preferCSSPageSize": True},
        )
        return base64.b64decode(result["data"])

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """A PNG of the window, or of the whole page."""
        result = self.call(
            "Page.captureScreenshot", {"captureBeyondViewport": whole, **({"clip": self._whole()} if whole else {})}
        )
        path.write_bytes(base64.b64decode(result["data"]))

    def _whole(self) -> Answer:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def close(self) -> None:
        """Close it."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

"""A headless Chromium, driven over its debugging pipe with nothing but the standard library."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 60  # seconds; a machine at work answers slowly
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # as root, and in containers
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)


# Chromium reads commands on descriptor 3 and answers on 4.
_START = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One Chromium; everything it said is in `events`, of the pages and all their frames."""

    def __init__(self, process: subprocess.Popen[bytes], read: int, write: int) -> None:
        self._process = process
        self._read, self._write = read, write
        self._buffer = b""
        self._count = 0
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """The answer to one command."""
        wanted = self._post(method, session, **params)
        while True:
            message = self._next()
            if message.get("id") == wanted:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result

    def page(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """A new tab with this address, loaded."""
        made = self.send("Target.createTarget", url="about:blank")
        attached = self.send("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        self.listen(page.session)
        page.resize(width, height)
        page.prefer(dark=dark)
        page.go(url)
        return page

    def listen(self, session: str) -> None:
        """Have everything told that happens in a target, and in frames with their own process."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._post(f"{domain}.enable", session)
        self._post(
            "Target.setAutoAttach",
            session,
            autoAttach=True,
            waitForDebuggerOnStart=True,
            flatten=True,
        )

    def said(self) -> list[str]:
        """Everything written to a console, dialogs and uncaught errors, of all pages and frames."""
        found = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.consoleAPICalled":
                found += [str(arg.get("value")) for arg in params["args"]]
            elif event["method"] == "Page.javascriptDialogOpening":
                found.append(str(params["message"]))
            elif event["method"] == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
        return found

    def refused(self) -> list[str]:
        """What the browser itself kept from running or loading."""
        texts = [
            str(event["params"]["entry"]["text"])
            for event in self.events
            if event["method"] == "Log.entryAdded"
        ]
        return [text for text in texts if "violates" in text or "Blocked" in text]

    def requested(self) -> list[str]:
        """Every address that a page or frame asked for."""
        sent = (e for e in self.events if e["method"] == "Network.requestWillBeSent")
        return [str(event["params"]["request"]["url"]) for event in sent]

    def wait_for(self, method: str, session: str, since: int) -> None:
        """Until this event of this session has come, of those after the first `since`."""
        while not any(
            e.get("method") == method and e.get("sessionId") == session for e in self.events[since:]
        ):
            self._next()

    def _post(self, method: str, session: str | None = None, **params: Any) -> int:
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        return self._count

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium said nothing for {PATIENCE} s")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise RuntimeError("Chromium is gone")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append(message)
            if message["method"] == "Target.attachedToTarget":
                child = message["params"]["sessionId"]
                if message["params"]["waitingForDebugger"]:
                    self.listen(child)
                    self._post("Runtime.runIfWaitingForDebugger", child)
        return message


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser = browser
        self.session = session

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.send(method, self.session, **params)

    def go(self, url: str) -> None:
        """Load an address and wait until it has loaded."""
        since = len(self.browser.events)
        answer = self.send("Page.navigate", url=url)
        if "loaderId" in answer:  # absent where only the fragment changed
            self.browser.wait_for("Page.loadEventFired", self.session, since)

    def pause(self, milliseconds: int = 150) -> None:
        """Let the page do what it has begun: frames, images and handlers."""
        self.evaluate(f"new Promise(done => setTimeout(done, {milliseconds}))")

    def until(self, condition: str) -> None:
        """Wait until a JavaScript condition holds, as long as a busy machine may need."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"never so: {condition}")
            self.pause(50)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.send("Input.insertText", text=text)

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if len(key) == 1 and kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, **text)

    def move_to(self, x: float, y: float) -> None:
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def resize(self, width: int, height: int) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, *, dark: bool) -> None:
        value = "dark" if dark else "light"
        self.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": value}],
        )

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        found = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def screenshot(self, path: Path, *, whole: bool = False) -> Path:
        """A PNG of the window, or of the `whole` page."""
        extra: dict[str, Any] = {}
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            extra = {"captureBeyondViewport": True, "clip": {**size, "scale": 1}}
        data = self.send("Page.captureScreenshot", format="png", **extra)["data"]
        path.write_bytes(base64.b64decode(data))
        return path


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """A Chromium with an empty profile in this folder."""
    binary = find_chromium()
    assert binary is not None
    to_us, from_it = os.pipe()
    to_it, from_us = os.pipe()
    command = [sys.executable, "-c", _START, str(to_it), str(from_it), binary, *_FLAGS]
    command += [f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        command,
        pass_fds=(to_it, from_it),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_it)
    os.close(from_it)
    try:
        yield Browser(process, to_us, from_us)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(to_us)
        os.close(from_us)

"""The app in a browser: who is let in, what the page asks for, and that the app is there and ends."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from command_line import newleaf
from waiting import wait_until
from web import served

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")

LINK = re.compile(r"""(?:href|src)="([^"]+)"|url\("?([^")]+)"?\)""")


def visitor():
    """A browser's part of the conversation: it keeps cookies, and follows where it is sent."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(60))


async def read_until(page, words):
    """What the app has written when `words` were in it."""
    written = b""
    while words not in written:
        message = await page.receive(timeout=60)
        assert message.type == aiohttp.WSMsgType.BINARY, message
        written += message.data
    return written


async def test_the_page_all_that_it_needs_and_the_first_screen_come_from_here_alone(newleaf_home):
    with served() as (process, address):
        base = address.split("/?")[0]
        async with visitor() as browser:
            page = await browser.get(address)
            text = await page.text()
            assert page.status == 200 and page.url.query_string == ""  # the token is no longer in sight
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
            wanted = [first or second for first, second in LINK.findall(text)]
            assert len(wanted) >= 5
            for path in wanted:
                assert path.startswith(("/", "data:")) and not path.startswith("//")
                if path.startswith("/static"):
                    answer = await browser.get(base + path)
                    assert answer.status == 200
                    if answer.content_type == "text/css":
                        assert not LINK.search(await answer.text())
            (socket,) = re.findall(r'data-session-websocket-url="([^"]+)"', text)
            assert urlsplit(socket).netloc == urlsplit(address).netloc
            async with browser.ws_connect(f"{socket}?width=100&height=30") as terminal:
                await read_until(terminal, b"Corpora")
                for nonsense in ("", "{}", "[1]", '["stdin"]', '["resize", {"width": "x"}]', '["stdin", 5]'):
                    await terminal.send_str(nonsense)
                await terminal.send_json(["resize", {"width": 90, "height": 40}])
                await terminal.send_json(["stdin", "\x11"])  # Ctrl+Q
                async for _message in terminal:
                    pass
                assert terminal.close_code == 1000
        await asyncio.to_thread(wait_until, lambda: not psutil.Process(process.pid).children())


async def test_who_does_not_know_the_token_or_comes_from_another_page_is_not_let_in(newleaf_home):
    with served(NEWLEAF_TOKEN="s3cret") as (_process, address):
        assert address.endswith("/?token=s3cret")
        base = address.split("/?")[0]
        async with visitor() as stranger:
            for path in ("/", "/?token=guess", "/?token=%FF", "/ws", "/static/js/textual.js"):
                assert (await stranger.get(base + path)).status == 403
        async with visitor() as browser:
            assert (await browser.get(address)).status == 200
            for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
                assert (await browser.get(f"{base}/ws", headers={"Origin": origin})).status == 403
            assert (await browser.get(base, headers={"Host": "evil.example"})).status == 403
            assert (await browser.get(f"{base}/static/../../server.py")).status == 404


async def test_a_page_that_is_closed_leaves_no_app_behind_and_keeps_the_draft(newleaf_home):
    with served() as (process, address):
        async with visitor() as browser:
            await browser.get(address)
            async with browser.ws_connect(f"{address.split('/?')[0]}/ws") as terminal:
                await read_until(terminal, b"Corpora")
                await terminal.send_json(["stdin", "3"])
                await read_until(terminal, b"Trainings")
            await asyncio.to_thread(wait_until, lambda: not psutil.Process(process.pid).children())
            assert '"training"' in (newleaf_home / "draft.json").read_text()


@pytest.mark.slow
async def test_a_server_that_is_killed_takes_its_apps_along(newleaf_home):
    command = [sys.executable, "-m", "newleaf", "--web", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    address = re.search(rb"http://\S+", await process.stderr.readline())[0].decode()
    async with visitor() as browser:
        await browser.get(address)
        async with browser.ws_connect(f"{address.split('/?')[0]}/ws") as terminal:
            await read_until(terminal, b"Corpora")
            (app,) = psutil.Process(process.pid).children()
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
    await asyncio.to_thread(wait_until, lambda: not app.is_running())


def test_another_host_needs_a_token(newleaf_home):
    newleaf_home.mkdir(mode=0o700)
    done = newleaf("--web", "--host", "0.0.0.0")
    assert done.returncode == 2 and "--token" in done.stderr


def test_without_the_library_it_says_what_to_install(newleaf_home, tmp_path):
    newleaf_home.mkdir(mode=0o700)
    (tmp_path / "textual_serve.py").write_text("raise ImportError")
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    done = newleaf("--web", PYTHONPATH=os.pathsep.join(filter(None, paths)))
    assert done.returncode == 1 and "pip install 'newleaf[web]'" in done.stderr


@pytest.mark.slow
def test_in_a_browser(newleaf_home):
    sync_api = pytest.importorskip("playwright.sync_api")
    import shutil

    with served() as (_process, address), sync_api.sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if program is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("there is no Chromium here")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 600})
        asked, faults, frames = [], [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(data)))

        def wait_for(words):
            for _ in range(600):
                if words in b"".join(frame for frame in frames if isinstance(frame, bytes)):
                    return
                page.wait_for_timeout(100)
            raise AssertionError(frames[-10:])

        page.goto(address)
        wait_for(b"Corpora")
        assert page.locator(".opening").is_hidden() and page.locator(".closed").is_hidden()
        page.locator(".xterm-helper-textarea").focus()
        page.keyboard.press("3")
        wait_for(b"Trainings")
        frames.clear()
        page.set_viewport_size({"width": 1400, "height": 900})
        wait_for(b"Trainings")
        if path := os.environ.get("NEWLEAF_PICTURE"):
            page.wait_for_timeout(1000)
            page.screenshot(path=path)
        assert not faults
        page.keyboard.press("Control+q")
        page.locator(".closed").wait_for(state="visible")
        page.locator(".closed a").click()
        page.locator(".opening").wait_for(state="hidden")
        browser.close()
        here = urlsplit(address).netloc
        assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {here}

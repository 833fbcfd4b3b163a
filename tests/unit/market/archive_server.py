"""A small web server on 127.0.0.1 that looks like the public archive and misbehaves on request."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
HOUR_MS = 3_600_000


def zipped(name: str, text: str) -> bytes:
    """One CSV in a zip, as the archive packs it (stored, so that cut files are long enough to resume)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name.rsplit("/", 1)[-1].replace(".zip", ".csv"), text)
    return out.getvalue()


def klines(start_ms: int, count: int, *, step_ms: int = HOUR_MS, header: bool = True, per_ms: int = 1, base=100) -> str:
    """`count` made-up rows in the archive's columns; `per_ms` 1000 writes microseconds."""
    rows = [HEADER] if header else []
    for n in range(count):
        opened, price = (start_ms + n * step_ms) * per_ms, base + n % 50
        closed = (start_ms + (n + 1) * step_ms) * per_ms - 1
        rows.append(
            f"{opened},{price}.0,{price}.9,{price}.0,{price}.5,12.5,{closed},{price * 12}.25,7,6.5,{price * 6}.5,0"
        )
    return "\n".join(rows) + "\n"


class Archive:
    """Files by path, faults by path, and a count of what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.ranges: list[str] = []
        self.drops: Counter[str] = Counter()  # drop the connection mid-file that many times
        self.statuses: dict[str, list[int]] = {}  # answer these before the file
        self.ignore_range = False
        self.down = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, path: str, content: str | bytes, *, checksum: str | None = None) -> None:
        data = zipped(path, content) if isinstance(content, str) else content
        self.files[path] = data
        digest = checksum if checksum is not None else hashlib.sha256(data).hexdigest()
        self.files[path + ".CHECKSUM"] = f"{digest}  {path.rsplit('/', 1)[-1]}\n".encode()

    def __enter__(self) -> Archive:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(archive) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                archive._serve(self)

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.lstrip("/")
        self.asked[path] += 1
        pending = self.statuses.get(path, [])
        status = 503 if self.down else pending.pop(0) if pending else 200
        data = self.files.get(path)
        if status != 200 or data is None:
            handler.send_response(status if status != 200 else 404)
            if status == 429:
                handler.send_header("Retry-After", "7")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        asked = handler.headers.get("Range")
        start = 0
        if asked and not self.ignore_range:
            self.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                handler.send_response(416)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
        body = data[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if self.drops[path] > 0:
            self.drops[path] -= 1
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.close()
            return
        handler.wfile.write(body)

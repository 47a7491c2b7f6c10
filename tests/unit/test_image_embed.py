"""The service image_embed, played by a real server with each of its faults."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest

from fluffy_sql.embedding import http_service
from fluffy_sql.embedding.image_embed import ImageEmbed, ImageEmbedSettings
from fluffy_sql.embedding.provider import embed_photo
from fluffy_sql.errors import PhotoError, ProviderError

OPERATIONS: Any = {"operations": {"embed_dino_v2": {}, "embed_clip_vit_b_32": {}, "classify": {}}}
VECTOR = [0.5, -1.0, 3.0]
Answer = tuple[int, object]


def result(**of: object) -> Answer:
    return 200, {"image_url": "uploaded:x.jpg", "results": {"embedding": of}}


class Service(ThreadingHTTPServer):
    """Answers photos as it is told, one after the other; the last answer stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.operations: Answer = (200, OPERATIONS)
        self.answers: list[Answer] = [result(status="success", data=VECTOR)]
        self.received: list[dict[str, bytes]] = []
        self.connections = 0
        self.meet: Barrier | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass

    def do_GET(self) -> None:
        assert self.path == "/available_operations/"
        self.answer(*self.server.operations)

    def do_POST(self) -> None:
        assert self.path == "/analyze_image_upload/"
        body = self.rfile.read(int(self.headers["content-length"]))
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        parts: Any = BytesParser().parsebytes(head + body).get_payload()
        self.server.received.append(
            {
                str(part.get_param("name", header="content-disposition")): part.get_payload(
                    decode=True
                )
                for part in parts
            }
        )
        if self.server.meet:
            self.server.meet.wait()
        self.answer(*self.server.next_answer())

    def answer(self, status: int, body: object) -> None:
        if status == 0:
            self.close_connection = True
            return
        if isinstance(body, float):
            time.sleep(body)
        kind = "text/html; charset=utf-8" if isinstance(body, str) else "application/json"
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "Grüße.JPG"
    file.write_bytes(b"\xff\xd8 any bytes \r\n--")
    return file


def opened(service: Service, **settings: Any) -> ImageEmbed:
    asked = {"url": service.url, "timeout": 5.0, "retries": 0, **settings}
    return ImageEmbed.open(ImageEmbedSettings(**asked), Path(), 1)


def test_a_photo_is_sent_as_it_is(service: Service, photo: Path) -> None:
    with opened(service, operation="embed_clip_vit_b_32", connections=7) as provider:
        assert (provider.model, provider.threads) == ("image_embed embed_clip_vit_b_32", 7)
        embedding = provider.embed(photo)
    assert embedding.dtype == np.float32
    assert embedding.tolist() == VECTOR
    [received] = service.received
    assert received["image_file"] == photo.read_bytes()
    [task] = json.loads(received["tasks_json"])
    assert task == {
        "operation_id": "embedding",
        "type": "embed_clip_vit_b_32",
        "params": {"target": "whole_image"},
    }


def test_several_photos_at_once_over_connections_that_stay(service: Service, photo: Path) -> None:
    service.meet = Barrier(4, timeout=10)
    with opened(service, connections=4) as provider, ThreadPoolExecutor(8) as pool:
        made = list(pool.map(provider.embed, [photo] * 16))
    assert len(made) == len(service.received) == 16
    assert service.connections <= 5  # one of them asked for the operations


def test_what_fails_for_a_moment_is_asked_again(service: Service, photo: Path) -> None:
    right = service.answers[0]
    service.answers = [(500, "oops"), (503, {}), right]
    with opened(service, retries=2) as provider:
        assert provider.embed(photo).tolist() == VECTOR
        assert len(service.received) == 3
        service.answers = [(0, "the connection is closed"), right]
        assert provider.embed(photo).tolist() == VECTOR
        assert [sent["image_file"] for sent in service.received] == [photo.read_bytes()] * 5


WRONG_PHOTOS = {
    "error": (result(status="error", error_message="No face"), "error by the service: No face"),
    "skipped": (result(status="skipped", data=None), "skipped by the service: None"),
    "refused": ((400, {"detail": "no image"}), r"refused by the service: 400 \(no image\)"),
    "too large": ((413, "<html>"), r"refused by the service: 413 \(Request Entity Too Large\)"),
    "fails": ((500, "<html>"), "the service failed at it"),
    "breaks off": ((0, ""), "the service failed at it"),
    "slow": ((200, 1.0), "the service failed at it"),
    "NaN": (result(status="success", data=[1.0, float("nan")]), "NaN or infinity, or is all zeros"),
    "null": (result(status="success", data=[1.0, None]), "NaN or infinity"),
    "infinity": (result(status="success", data=[1.0, 1e300]), "NaN or infinity"),
    "zeros": (result(status="success", data=[0, 0]), "all zeros"),
}


@pytest.mark.parametrize("kind", WRONG_PHOTOS)
def test_photos_that_it_can_do_nothing_with(kind: str, service: Service, photo: Path) -> None:
    answer, message = WRONG_PHOTOS[kind]
    service.answers = [answer, result(status="success", data=VECTOR)]
    with opened(service, timeout=0.3) as provider:
        with pytest.raises(PhotoError, match=message):
            embed_photo(provider, photo, 2)
        assert embed_photo(provider, photo, 3).tolist() == VECTOR


def test_photos_that_are_not_there(service: Service, tmp_path: Path) -> None:
    with opened(service) as provider, pytest.raises(PhotoError, match=r"^missing$"):
        provider.embed(tmp_path / "gone.jpg")


WRONG_ANSWERS = {
    "HTML": (
        (200, "<html>Welcome</html>"),
        "answers with text/html; charset=utf-8 in place of JSON",
    ),
    "none": (
        (200, {"hello": "x" * 999}),
        r'another shape than image_embed: \{"hello": "x+\.\.\.; ch',
    ),
    "list": ((200, [1, 2]), r"JSON of another shape than image_embed: \[1, 2\]; check embedding"),
    "other task": ((200, {"results": {"other": {}}}), "JSON of another shape"),
    "no data": (result(status="success", data=[]), "JSON of another shape"),
    "text": (result(status="success", data=["1.0"]), "JSON of another shape"),
    "nested": (result(status="success", data=[VECTOR]), "JSON of another shape"),
    "status": (result(status="perhaps", data=VECTOR), "JSON of another shape"),
    "not found": ((404, {"detail": "Not Found"}), r"answers 404 \(Not Found\); check embedding"),
    "redirect": ((302, ""), "answers 302"),
    "length": (
        result(status="success", data=[1.0]),
        "gives an embedding of 1 numbers, others here ha",
    ),
}


@pytest.mark.parametrize("kind", WRONG_ANSWERS)
def test_services_that_are_another(kind: str, service: Service, photo: Path) -> None:
    answer, message = WRONG_ANSWERS[kind]
    service.answers = [answer]
    with (
        opened(service, retries=3) as provider,
        pytest.raises(ProviderError, match=message) as caught,
    ):
        embed_photo(provider, photo, 3)
    assert "\n" not in str(caught.value)
    assert len(service.received) == 1  # it was not asked again


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            (500, {"detail": "CUDA out of\nmemory"}),
            r"answers 500 \(CUDA out of memory\); look at what",
        ),
        ((0, ""), r"breaks off the connection \(.*\); look at what it logs"),
        ((200, 1.0), "gives no answer within 0.2 seconds; allow it more by embedding"),
    ],
)
def test_a_service_that_fails_at_every_photo(
    answer: Answer, message: str, service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_service, "_FAILURES_IN_A_ROW", 2)
    service.answers = [answer]
    with opened(service, timeout=0.2) as provider:
        with pytest.raises(PhotoError, match="the service failed at it"):
            provider.embed(photo)
        with pytest.raises(ProviderError, match=message):
            provider.embed(photo)


def test_closing_breaks_off_what_is_under_way(service: Service, photo: Path) -> None:
    service.meet = Barrier(2)
    service.answers = [(200, 9.0)]
    with opened(service, timeout=60.0, retries=9) as provider, ThreadPoolExecutor(1) as pool:
        embedding = pool.submit(provider.embed, photo)
        service.meet.wait()
        begun = time.monotonic()
        provider.close()
        with pytest.raises(PhotoError):
            embedding.result()
    assert time.monotonic() - begun < 8


def test_no_service(service: Service) -> None:
    unused = service.url.replace("127.0.0.1", "u:secret@127.0.0.1")
    service.server_close()
    with pytest.raises(
        ProviderError, match=r"nothing can be reached there \(.*\); start"
    ) as caught:
        opened(service, url=unused)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        (
            (200, OPERATIONS),
            "has no operation embed_dino; set embedding.image_embed.operation to one of classify,"
            " embed_clip_vit_b_32, embed_dino_v2",
        ),
        ((200, ["classify"]), "has no operation embed_dino; .* to one of classify"),
        ((200, "<html>"), "answers with text/html"),
        ((200, 3), "JSON of another shape than image_embed: 3"),
        ((404, "<html>"), r"answers 404 \(Not Found\); check embedding.image_embed.url"),
        ((500, "<html>"), r"answers 500 \(Internal Server Error\)"),
    ],
)
def test_operations(operations: Answer, message: str, service: Service) -> None:
    service.operations = operations
    with pytest.raises(ProviderError, match=message):
        opened(service, operation="embed_dino")

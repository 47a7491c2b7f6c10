"""Asks the service image_embed for embeddings. The only module that needs httpx."""

import json
import mimetypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR, socket
from threading import Event, Lock
from typing import Any, Literal
from weakref import WeakSet

import httpx
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from fluffy_sql.embedding.files import Reason, UnreadableError
from fluffy_sql.errors import FluffySqlError, PhotoError, ProviderError

_TASK = "embedding"
_FIRST_PAUSE = 0.25  # seconds before it is asked again; before each later time twice as long
# One failure may be due to the photo; this many in a row are due to the service.
_FAILURES_IN_A_ROW = 10
_FAILURE = (
    500  # statuses from here say that the service fails, those below that the request is wrong
)
# What is wrong is the photo.
_PHOTO_REFUSED = {400, 413, 415, 422}
_LONGEST_CONNECT = 10.0  # seconds
_LONGEST = 100  # letters of what the service says


class _Result(BaseModel):
    model_config = ConfigDict(strict=True)
    status: Literal["success", "error", "skipped"]
    data: list[float | None] | None = None  # null is what some write for NaN
    error_message: str | None = None


class _Answer(BaseModel):
    results: dict[str, _Result]


class _FailingError(FluffySqlError):
    """It could be reached, and failed each time it was asked."""


class HttpService:
    """A service at an address, and how often and for how long it is asked."""

    def __init__(
        self, url: str, operation: str, connections: int, timeout: float, retries: int
    ) -> None:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        wait = httpx.Timeout(timeout, connect=min(timeout, _LONGEST_CONNECT))
        self._client = httpx.Client(
            base_url=url, timeout=wait, limits=limits, event_hooks={"request": [self._trace]}
        )
        self._sockets: WeakSet[socket] = WeakSet()
        self._closed = Event()
        self._operation, self._timeout, self._retries = operation, timeout, retries
        # The address as messages show it: the other one may hold a password.
        self._name = str(httpx.URL(url).copy_with(userinfo=b""))
        task = {"operation_id": _TASK, "type": operation, "params": {"target": "whole_image"}}
        self._tasks = {"tasks_json": json.dumps([task])}
        self._failures, self._counting = 0, Lock()

    def close(self) -> None:
        """Breaks off what is under way, which could take minutes, and closes its connections."""
        self._closed.set()
        for connected in list(self._sockets):
            with suppress(OSError):  # it is closed already
                connected.shutdown(SHUT_RDWR)
        self._client.close()

    def check_operation(self) -> None:
        """Finds out whether it is there, and has the operation.

        Raises:
            ProviderError: it is not, or has not.
        """
        try:
            answer = self._ask(lambda: self._client.get("/available_operations/"))
        except _FailingError as error:
            raise self._error(str(error)) from None
        if not answer.is_success:
            raise self._wrong_answer(answer)
        listed = self._json_of(answer)
        if isinstance(listed, dict):
            listed = listed.get("operations", ())  # without it, the first photo will tell
        if not isinstance(listed, dict | list | tuple):
            raise self._other_shape(answer)
        names = sorted(name for name in listed if isinstance(name, str))
        if names and self._operation not in names:
            raise self._error(
                f"has no operation {self._operation}; set embedding.image_embed.operation to one"
                f" of {', '.join(names)}"
            )

    def embed(self, photo: Path) -> NDArray[np.float32]:
        """The embedding of a photo, whose file it is sent.

        Raises:
            PhotoError: it can't be read here, or the service refuses it.
            ProviderError: the service fails, or is none.
        """
        try:
            answer = self._ask(lambda: self._send(photo))
        except FileNotFoundError:
            raise UnreadableError(Reason.MISSING) from None
        except OSError:
            raise UnreadableError(Reason.NOT_READABLE) from None
        except _FailingError as error:
            raise self._failed(str(error)) from None
        self._failures = 0
        if answer.status_code in _PHOTO_REFUSED:
            raise PhotoError(f"refused by the service: {_detail_of(answer)}")
        if not answer.is_success:
            raise self._wrong_answer(answer)
        return self._embedding_in(answer)

    def _send(self, photo: Path) -> httpx.Response:
        kind = mimetypes.guess_type(photo.name)[0] or "application/octet-stream"
        with photo.open("rb") as stream:
            file = (f"photo{photo.suffix}", stream, kind)
            return self._client.post(
                "/analyze_image_upload/", data=self._tasks, files={"image_file": file}
            )

    def _trace(self, request: httpx.Request) -> None:
        request.extensions["trace"] = self._note_socket

    def _note_socket(self, event: str, of: Mapping[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._sockets.add(of["return_value"].get_extra_info("socket"))

    def _ask(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Its answer; asked again if it fails, and each time later.

        Raises:
            _FailingError: it failed each time.
            ProviderError: there is none.
        """
        for repetition in range(self._retries + 1):
            if repetition and self._closed.wait(_FIRST_PAUSE * 2 ** (repetition - 1)):
                break
            try:
                answer = send()
            except httpx.TransportError as error:
                trouble: httpx.TransportError | httpx.Response = error
            else:
                if answer.status_code < _FAILURE:
                    return answer
                trouble = answer
        if isinstance(trouble, httpx.Response):
            raise _FailingError(f"answers {_detail_of(trouble)}; look at what it logs")
        if isinstance(trouble, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            raise self._error(
                f"nothing can be reached there ({trouble}); start the service, or check"
                " embedding.image_embed.url"
            )
        if isinstance(trouble, httpx.TimeoutException):
            raise _FailingError(
                f"gives no answer within {self._timeout:g} seconds; allow it more by"
                " embedding.image_embed.timeout, or ask it for less at once by connections"
            )
        raise _FailingError(f"breaks off the connection ({trouble}); look at what it logs")

    def _failed(self, how: str) -> FluffySqlError:
        """What it means that the service failed at a photo."""
        with self._counting:
            self._failures += 1
        if self._failures >= _FAILURES_IN_A_ROW:
            return self._error(how)
        return PhotoError("the service failed at it")

    def _embedding_in(self, answer: httpx.Response) -> NDArray[np.float32]:
        try:
            result = _Answer.model_validate(self._json_of(answer)).results[_TASK]
        except (ValidationError, KeyError):
            raise self._other_shape(answer) from None
        if result.status != "success":
            raise PhotoError(f"{result.status} by the service: {_short(result.error_message)}")
        if not result.data:
            raise self._other_shape(answer)
        # A number that is too large becomes infinity, which is told.
        with np.errstate(over="ignore"):
            return np.array(result.data, dtype=np.float32)

    def _json_of(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            kind = answer.headers.get("content-type", "something")
            raise self._error(
                f"answers with {kind} in place of JSON; is it image_embed?"
                " Check embedding.image_embed.url"
            ) from None

    def _other_shape(self, answer: httpx.Response) -> ProviderError:
        return self._error(
            f"answers with JSON of another shape than image_embed: {_short(answer.text)};"
            " check embedding.image_embed.url and operation"
        )

    def _wrong_answer(self, answer: httpx.Response) -> ProviderError:
        return self._error(f"answers {_detail_of(answer)}; check embedding.image_embed.url")

    def _error(self, what: str) -> ProviderError:
        return ProviderError(f"{self._name}: {what}")


def _detail_of(answer: httpx.Response) -> str:
    """Its status, and what FastAPI says with it."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.reason_phrase
    return f"{answer.status_code} ({_short(detail)})"


def _short(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."

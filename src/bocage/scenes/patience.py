"""How often to ask a server again, and the one way a session of requests is opened. No request is made here."""

from __future__ import annotations

import logging
import random
import re
from dataclasses import dataclass

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

TIMEOUT_S = (10.0, 60.0)  # to connect; between two bytes
BUSY = (429, 500, 502, 503, 504)
_LOGIN = re.compile(r"//[^/?#@\s\"']+@")
_QUERY = re.compile(r"\?[^\s\"']+")


@dataclass(frozen=True)
class Patience:
    """How often and how long to try again.

    Attributes:
        retries: further tries after the first.
        backoff_s: wait before the second retry; doubles each time, with a random share on top.
        longest_wait_s: upper bound of one wait, a server's `Retry-After` included.
    """

    retries: int = 5
    backoff_s: float = 1.0
    longest_wait_s: float = 120.0

    def to_retry(self) -> Retry:
        """For single requests: connection errors and busy answers are tried again, `Retry-After` is honoured."""
        return Retry(
            total=self.retries,
            backoff_factor=self.backoff_s,
            backoff_jitter=self.backoff_s,
            backoff_max=self.longest_wait_s,
            retry_after_max=int(self.longest_wait_s),
            status_forcelist=BUSY,
            allowed_methods=None,  # a search and a token request are POSTs, and change nothing
            raise_on_status=False,
            respect_retry_after_header=True,
        )

    def wait_s(self, attempt: int) -> float:
        """Before try number `attempt` (1 is the first retry) of a download that broke off."""
        return min(self.longest_wait_s, self.backoff_s * (float(2 ** (attempt - 1)) + random.random()))


def open_session(patience: Patience, *, connections: int = 8) -> requests.Session:
    """A session that tries busy servers again. Safe to share between threads."""
    session = requests.Session()
    adapter = HTTPAdapter(max_retries=patience.to_retry(), pool_maxsize=connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def hide_queries(text: str) -> str:
    """A text without the queries of the addresses in it, where a signed address carries its token, and without a name
    and password before the host."""
    return _LOGIN.sub("//…@", _QUERY.sub("?…", text))


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = hide_queries(record.getMessage()), ()
        return True


# both name the addresses that they ask for at debug level
for _name in ("urllib3.connectionpool", "rasterio._base", "rasterio._env", "rasterio._err", "rasterio._io"):
    logging.getLogger(_name).addFilter(_WithoutQueries())

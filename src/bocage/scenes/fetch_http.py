"""Bytes from https:// and s3:// addresses: retries, timeouts, ranges, resumed and checked downloads. IO: the network.

One door for every remote byte that does not go through GDAL. Addresses are kept unsigned everywhere; they are signed
here, just before a request, and neither a signed address nor a key is ever part of a message.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import requests

from bocage.core.errors import CorruptFile, MissingFile, SourceError
from bocage.scenes.patience import BUSY, TIMEOUT_S, Patience, hide_queries, open_session
from bocage.scenes.read_credentials import S3Auth, Signer

CHUNK = 1 << 20
_HASH_BY_CODE = {0x11: "sha1", 0x12: "sha256", 0x13: "sha512", 0xD5: "md5", 0x16: "sha3_256", 0x14: "sha3_512"}


class Fetcher:
    """A session of requests. Safe to share between threads.

    Args:
        signer: knows keys and tokens.
        patience: how often to try again.
    """

    def __init__(self, signer: Signer | None = None, patience: Patience | None = None, *, connections: int = 8) -> None:
        self.patience = patience or Patience()
        self.signer = signer or Signer(patience=self.patience)
        self._session = open_session(self.patience, connections=connections)
        self._session.headers["Accept-Encoding"] = "identity"  # sizes, ranges and checksums are those of the file

    def fetch_size(self, href: str) -> int | None:
        """Bytes of a remote file, without fetching it; None where the server does not say."""
        with self._ask("HEAD", href) as answer:
            length = answer.headers.get("Content-Length")
            return int(length) if length is not None else None

    def fetch_tail(self, href: str, n: int) -> tuple[bytes, int | None]:
        """The last n bytes of a remote file, and its size where the server says."""
        with self._ask("GET", href, headers={"Range": f"bytes=-{n}"}) as answer:
            stated = answer.headers.get("Content-Range")
            if not stated:
                raise SourceError(
                    f"{hide_queries(href)}: the server cannot serve a part of it. Download it: bocage scenes fetch."
                )
            size = stated.rpartition("/")[2]
            try:
                return answer.content, int(size) if size.isdigit() else None
            except requests.RequestException as error:  # its text may hold a signed address
                raise SourceError(f"{hide_queries(href)} broke off ({type(error).__name__}). Try again.") from None

    def fetch_file(
        self,
        href: str,
        target: Path,
        *,
        size: int | None = None,
        checksum: str | None = None,
        on_bytes: Callable[[int], None] = lambda n: None,
    ) -> int:
        """Download one file whole or not at all; goes on where a broken or killed download stopped (`NAME.part`).

        Args:
            href: unsigned address.
            target: where the file will stand when it is whole.
            size: bytes it must have, where the catalog states it.
            checksum: multihash in hex, where the catalog states it.
            on_bytes: told of every piece.

        Returns:
            Bytes that came over the network.

        Raises:
            MissingFile: if the server does not have it.
            CorruptFile: if it has another size or checksum, twice.
            SourceError: if the server refuses, or breaks off too often.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        received, damage = 0, ""
        for _ in range(2):  # a second time from scratch where the first was damaged
            received += self._fetch_part(href, part, size, on_bytes)
            damage = find_difference(part, size=size, checksum=checksum) or ""
            if not damage:
                part.replace(target)
                return received
            part.unlink()
        raise CorruptFile(
            f"{hide_queries(href)} came damaged twice: {damage}. Try again later, or leave the product out."
        )

    def _fetch_part(self, href: str, part: Path, size: int | None, on_bytes: Callable[[int], None]) -> int:
        received, why = 0, ""
        for attempt in range(self.patience.retries + 1):
            if attempt:
                time.sleep(self.patience.wait_s(attempt))
            have = part.stat().st_size if part.exists() else 0
            if size is not None and have == size:
                return received
            if size is not None and have > size:
                part.unlink()
                have = 0
            try:
                with self._ask("GET", href, headers={"Range": f"bytes={have}-"} if have else {}) as answer:
                    if answer.status_code == 416:  # nothing after what is there: whole, or not what it was
                        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
                        if total == str(have):
                            return received
                        part.unlink()
                        continue
                    resumed = have > 0 and _starts_at(answer, have)
                    with part.open("ab" if resumed else "wb") as file:
                        for chunk in answer.iter_content(CHUNK):
                            file.write(chunk)
                            received += len(chunk)
                            on_bytes(len(chunk))
                return received
            except requests.RequestException as error:
                why = type(error).__name__  # its text may hold a signed address
        raise SourceError(
            f"{hide_queries(href)} broke off {self.patience.retries + 1} times ({why}). What came is kept: run the "
            "same again."
        )

    def _ask(self, method: str, href: str, *, headers: dict[str, str] | None = None) -> requests.Response:
        """One signed request; tried again by the session, and once more with fresh credentials where refused."""
        shown = hide_queries(href)
        for fresh in (False, True):
            url, auth = self.signer.sign(href, fresh=fresh)
            try:
                answer = self._session.request(
                    method,
                    url,
                    headers=headers,
                    auth=auth,
                    stream=True,
                    timeout=TIMEOUT_S,
                    allow_redirects=not isinstance(auth, S3Auth),  # its headers hold a token and would go along
                )
            except requests.RequestException as error:
                raise SourceError(
                    f"{shown} cannot be reached ({type(error).__name__}). Check the network and try again."
                ) from None
            if answer.status_code in (401, 403) and not fresh and self.signer.can_refresh(href):
                answer.close()
                continue
            break
        code = answer.status_code
        if code < 300 or code == 416:
            return answer
        answer.close()
        if code < 400:
            raise SourceError(
                f"{shown}: the service sends requests on to another place (HTTP {code}), where keys do "
                "not go. Set AWS_REGION or AWS_S3_ENDPOINT to where the bucket is."
            )
        if code in (404, 410):
            raise MissingFile(f"{shown} is not there any more (HTTP {code}). Search again; the catalog may be ahead.")
        if code in (401, 403):
            raise SourceError(f"{shown} is refused (HTTP {code}). {self.signer.advice(href)}")
        if code in BUSY:
            raise SourceError(
                f"{shown}: the server is still busy (HTTP {code}) after {self.patience.retries} retries. "
                "Try again later, or with fewer --workers."
            )
        raise SourceError(f"{shown}: the server answers HTTP {code}.")


def find_difference(path: Path, *, size: int | None, checksum: str | None) -> str | None:
    """How a file differs from what a catalog states, in a few words; None if it does not.

    Checksums are multihashes in hex (https://multiformats.io/multihash): code, length, digest. One with a hash that
    Python lacks is not checked.
    """
    actual = path.stat().st_size
    if size is not None and actual != size:
        return f"it has {actual:,} bytes, the catalog says {size:,}"
    stated = parse_multihash(checksum) if checksum else None
    if stated is None:
        return None
    name, digest = stated
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(name, usedforsecurity=False)).hexdigest()
    return None if found == digest else f"its {name} is {found}, the catalog says {digest}"


def parse_multihash(text: str) -> tuple[str, str] | None:
    """Name of the hash and digest in hex; None for a hash that is not known. Plain MD5 in hex counts as such."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return None
    code, at = _varint(data, 0)
    length, at = _varint(data, at)
    name = _HASH_BY_CODE.get(code, "")
    if name and len(data) - at == length == hashlib.new(name, usedforsecurity=False).digest_size:
        return name, data[at:].hex()
    return ("md5", text.lower()) if len(data) == 16 else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            break
    return value, at


def _starts_at(answer: requests.Response, position: int) -> bool:
    """Whether it is the part asked for. The status does not tell: some S3 services answer 200 where others say 206."""
    return answer.headers.get("Content-Range", "").startswith(f"bytes {position}-")

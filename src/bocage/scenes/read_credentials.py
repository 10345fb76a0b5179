"""Keys and tokens of the providers, from the environment or the usual file, put on a request. IO: files, network.

Nothing here is ever written anywhere: addresses are kept unsigned, and messages name variables, never values.
Signing of S3 requests: AWS Signature Version 4, with the payload unsigned.
"""

from __future__ import annotations

import configparser
import hashlib
import hmac
import netrc
import os
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

import requests
from requests.auth import AuthBase

from bocage.core.errors import SourceError
from bocage.scenes.patience import TIMEOUT_S, Patience, open_session
from bocage.scenes.record import is_signed_anew

CDSE_S3 = "https://eodata.dataspace.copernicus.eu"
CDSE_IDENTITY = "https://identity.dataspace.copernicus.eu/auth/realms/CDSE/protocol/openid-connect/token"
CDSE_HOST = "dataspace.copernicus.eu"
CDSE_ADVICE = (
    "Set CDSE_USERNAME and CDSE_PASSWORD, or a new CDSE_ACCESS_TOKEN, or ~/.netrc for "
    "identity.dataspace.copernicus.eu; or take S3 (--s3) with CDSE_S3_ACCESS_KEY and CDSE_S3_SECRET_KEY."
)
PC_TOKEN = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
_EARLY_S = 60  # a token is renewed that long before it ends


@dataclass(frozen=True)
class S3Keys:
    """An S3 service and how to sign for it; without a key requests are anonymous."""

    endpoint: str
    region: str
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)  # of keys that end, such as those of a single sign-on


class S3Auth(AuthBase):
    """Signs a request by AWS Signature Version 4 at the moment it is sent."""

    def __init__(self, keys: S3Keys, now: datetime | None = None) -> None:
        self.keys, self.now = keys, now

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.keys.key is None or self.keys.secret is None:
            return request
        now = self.now or datetime.now(UTC)
        payload = request.headers.setdefault("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        if self.keys.token:
            request.headers["x-amz-security-token"] = self.keys.token
        if payer := os.environ.get("AWS_REQUEST_PAYER"):
            request.headers["x-amz-request-payer"] = payer
        request.headers["x-amz-date"] = now.strftime("%Y%m%dT%H%M%SZ")
        url = urlsplit(str(request.url or ""))
        signed = {"host": url.netloc}
        signed |= {k.lower(): str(v) for k, v in request.headers.items() if re.match("x-amz-|range$", k, re.IGNORECASE)}
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
        canonical = "\n".join([str(request.method), url.path, url.query, lines, names, str(payload)])
        scope = f"{now:%Y%m%d}/{self.keys.region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", str(request.headers["x-amz-date"]), scope, digest])
        secret = f"AWS4{self.keys.secret}".encode()
        for step in (*scope.split("/"), text):
            secret = hmac.new(secret, step.encode(), hashlib.sha256).digest()
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.keys.key}/{scope},SignedHeaders={names},Signature={secret.hex()}"
        )
        return request


class BearerAuth(AuthBase):
    """`Authorization: Bearer …`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Signer:
    """Turns an unsigned address into what a request needs. Tokens are kept in memory until shortly before they end.

    Args:
        pc_token: where Planetary Computer gives out its tokens.
        cdse_identity: where the Copernicus Data Space gives out its tokens.
        patience: how often to ask for a token again.
    """

    def __init__(
        self, *, pc_token: str = PC_TOKEN, cdse_identity: str = CDSE_IDENTITY, patience: Patience | None = None
    ) -> None:
        self._pc_token, self._cdse_identity = pc_token, cdse_identity
        self._patience = patience or Patience()
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def sign(self, href: str, *, fresh: bool = False) -> tuple[str, AuthBase | None]:
        """Address and authorisation for one request.

        Args:
            href: unsigned, https:// or s3://.
            fresh: get a new token, because the kept one was refused.
        """
        url = urlsplit(href)
        if url.scheme == "s3":
            keys = read_s3_keys(url.netloc)
            return f"{keys.endpoint}/{url.netloc}{quote(url.path)}", S3Auth(keys)
        if is_signed_anew(href):
            account, container = str(url.hostname).partition(".")[0], url.path.strip("/").partition("/")[0]
            return f"{href}?{self._token(f'{account}/{container}', fresh)}", None
        if _is_cdse(url):
            return href, BearerAuth(self._token("cdse", fresh))
        return href, None

    def can_refresh(self, href: str) -> bool:
        """Whether a new token may help where one was refused."""
        url = urlsplit(href)
        return is_signed_anew(href) or (_is_cdse(url) and "CDSE_ACCESS_TOKEN" not in os.environ)

    def advice(self, href: str) -> str:
        """What to do where credentials were refused or are missing. Names variables, never values."""
        url = urlsplit(href)
        if url.scheme == "s3":
            return (
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (for eodata CDSE_S3_ACCESS_KEY and "
                "CDSE_S3_SECRET_KEY), or ~/.aws/credentials; keys may have ended."
            )
        if _is_cdse(url):
            return f"The token has ended or is not allowed to. {CDSE_ADVICE}"
        return "The token may have ended, or the file is not public."

    def _token(self, name: str, fresh: bool) -> str:
        with self._lock:
            token, ends = self._tokens.get(name, ("", 0.0))
            if fresh or time.time() > ends - _EARLY_S:
                try:
                    token, ends = self._ask_cdse() if name == "cdse" else self._ask_pc(name)
                except (KeyError, ValueError) as error:
                    raise SourceError(
                        f"The answer for a token is not one ({type(error).__name__}). Try again later."
                    ) from None
                self._tokens[name] = token, ends
            return token

    def _ask_pc(self, place: str) -> tuple[str, float]:
        key = os.environ.get("PC_SDK_SUBSCRIPTION_KEY")
        headers = {"Ocp-Apim-Subscription-Key": key} if key else {}
        advice = "Check PC_SDK_SUBSCRIPTION_KEY." if key else "Try again later."
        answer = self._ask_json("Planetary Computer", advice, "GET", f"{self._pc_token}/{place}", headers=headers)
        ends = datetime.fromisoformat(answer["msft:expiry"].replace("Z", "+00:00")).timestamp()
        return answer["token"], ends

    def _ask_cdse(self) -> tuple[str, float]:
        if token := os.environ.get("CDSE_ACCESS_TOKEN"):
            return token, float("inf")
        user, password = _cdse_login()
        form = {"client_id": "cdse-public", "grant_type": "password", "username": user, "password": password}
        answer = self._ask_json("Copernicus Data Space", CDSE_ADVICE, "POST", self._cdse_identity, data=form)
        return answer["access_token"], time.time() + float(answer["expires_in"])

    def _ask_json(
        self,
        who: str,
        advice: str,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        data: dict[str, str] | None = None,
    ) -> dict[str, str]:
        """What a provider answers to a request for a token. Its text is never repeated: it may hold one."""
        try:
            with open_session(self._patience) as session:
                answer = session.request(method, url, headers=headers, data=data, timeout=TIMEOUT_S, auth=_as_it_is)
            if answer.ok:
                return dict(answer.json())
            problem = f"HTTP {answer.status_code}"
        except (requests.RequestException, ValueError) as error:
            problem = type(error).__name__
        raise SourceError(f"{who} gives no token ({problem}). {advice}")


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps `requests` from adding ~/.netrc to a token request, where it would stand for the client."""
    return request


def _is_cdse(url: SplitResult) -> bool:
    """Whether it is one of the Copernicus Data Space's hosts that want a token: all but the catalog's."""
    host = url.hostname or ""
    return host.endswith(f".{CDSE_HOST}") and not host.startswith("stac.")


def read_s3_keys(bucket: str) -> S3Keys:
    """Endpoint and keys for a bucket: `eodata` is the Copernicus Data Space's unless AWS_S3_ENDPOINT says otherwise.

    Keys come from CDSE_S3_ACCESS_KEY and CDSE_S3_SECRET_KEY (eodata), from the AWS_ variables, or from the AWS
    credentials file and profile (AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE).
    """
    env = os.environ
    region = (
        env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or ("default" if bucket == "eodata" else "us-east-1")
    )
    stated = env.get("AWS_S3_ENDPOINT")
    if stated:
        secure = env.get("AWS_HTTPS", "YES").upper() not in ("NO", "FALSE", "OFF")
        endpoint = stated if "://" in stated else f"http{'s' if secure else ''}://{stated}"
    else:
        endpoint = CDSE_S3 if bucket == "eodata" else f"https://s3.{region}.amazonaws.com"
    key, secret, token = _find_s3_keys(bucket)
    return S3Keys(endpoint.rstrip("/"), region, key, secret, token)


def _find_s3_keys(bucket: str) -> tuple[str | None, str | None, str | None]:
    """Key, secret and session token from the first place that has both of the former."""
    env, file = os.environ, configparser.RawConfigParser()
    if bucket == "eodata" and (key := env.get("CDSE_S3_ACCESS_KEY")) and (secret := env.get("CDSE_S3_SECRET_KEY")):
        return key, secret, None
    if (key := env.get("AWS_ACCESS_KEY_ID")) and (secret := env.get("AWS_SECRET_ACCESS_KEY")):
        return key, secret, env.get("AWS_SESSION_TOKEN")
    file.read(Path(env.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")).expanduser())
    profile = env.get("AWS_PROFILE", "default")
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    key, secret, token = (file.get(profile, name, fallback=None) or None for name in names)
    return (key, secret, token) if key and secret else (None, None, None)


def _cdse_login() -> tuple[str, str]:
    user, password = os.environ.get("CDSE_USERNAME"), os.environ.get("CDSE_PASSWORD")
    if user and password:
        return user, password
    try:
        login = netrc.netrc(os.environ.get("NETRC")).authenticators(urlsplit(CDSE_IDENTITY).hostname or "")
    except (OSError, netrc.NetrcParseError):
        login = None
    if not login or login[2] is None:
        raise SourceError(f"Downloads from the Copernicus Data Space need an account. {CDSE_ADVICE}")
    return login[0], login[2]

"""https:// and s3:// rasters opened by GDAL, block by block. IO: the network."""

from __future__ import annotations

from contextlib import suppress

import rasterio
from rasterio.errors import RasterioError
from rasterio.session import DummySession

from bocage.core.errors import SourceError
from bocage.scenes.patience import hide_queries
from bocage.scenes.read_credentials import S3Keys, Signer, read_s3_keys

_SIGNER = Signer()
_OPTIONS = {
    "GDAL_HTTP_MAX_RETRY": "5",
    "GDAL_HTTP_RETRY_DELAY": "1",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # do not look for files beside it
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
}


class _Keys(DummySession):  # type: ignore[misc]
    """Lends keys to GDAL, from the same places as downloads take them, for as long as a raster is open."""

    def __init__(self, keys: S3Keys) -> None:
        super().__init__()
        self._keys = keys

    def get_credential_options(self) -> dict[str, str]:
        keys = self._keys
        if keys.key is None or keys.secret is None:
            return {"AWS_NO_SIGN_REQUEST": "YES"}
        lent = {"AWS_ACCESS_KEY_ID": keys.key, "AWS_SECRET_ACCESS_KEY": keys.secret}
        return lent | ({"AWS_SESSION_TOKEN": keys.token} if keys.token else {})


def remote_env(href: str, **options: str) -> rasterio.Env:
    """GDAL's settings while an address is opened and read; for a path only the options."""
    if href.startswith("s3://"):
        keys = read_s3_keys(href.split("/")[2])
        scheme, _, host = keys.endpoint.partition("://")
        service = {
            "AWS_S3_ENDPOINT": host,
            "AWS_HTTPS": "YES" if scheme == "https" else "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_REGION": keys.region,
        }
        return rasterio.Env(session=_Keys(keys), **_OPTIONS, **service, **options)
    remote = _OPTIONS if href.startswith(("https://", "http://")) else {}
    return rasterio.Env(session=DummySession(), **remote, **options)


def open_remote(href: str) -> rasterio.DatasetReader:
    """Open a remote raster inside `remote_env`; the address is signed here and not kept. A refused token is renewed.

    Raises:
        SourceError: if it cannot be opened.
    """
    for fresh in (False, True) if _SIGNER.can_refresh(href) else (False,):
        with suppress(RasterioError):  # its text may hold a signed address
            return rasterio.open(_path_of(href, fresh=fresh))
    raise SourceError(f"{hide_queries(href)} cannot be opened remotely. {_SIGNER.advice(href)}")


def _path_of(href: str, *, fresh: bool) -> str:
    if href.startswith("s3://"):
        return f"/vsis3/{href.removeprefix('s3://')}"
    return f"/vsicurl/{_SIGNER.sign(href, fresh=fresh)[0]}"

"""https:// and s3:// rasters opened by GDAL, block by block. IO: the network."""

from __future__ import annotations

import rasterio
from rasterio.errors import RasterioError
from rasterio.session import DummySession

from bocage.core.errors import SourceError
from bocage.scenes.read_credentials import Signer, read_s3_keys

_SIGNER = Signer()
_OPTIONS = {
    "GDAL_HTTP_MAX_RETRY": "5",
    "GDAL_HTTP_RETRY_DELAY": "1",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # do not look for files beside it
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
}


def remote_options(href: str) -> dict[str, str]:
    """GDAL's options for an address; none for a path. Keys are not among them: GDAL reads those where we do."""
    if href.startswith("s3://"):
        keys = read_s3_keys(href.split("/")[2])
        scheme, _, host = keys.endpoint.partition("://")
        options = {
            "AWS_S3_ENDPOINT": host,
            "AWS_HTTPS": "YES" if scheme == "https" else "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_REGION": keys.region,
        }
        return _OPTIONS | options | ({} if keys.key else {"AWS_NO_SIGN_REQUEST": "YES"})
    return dict(_OPTIONS) if href.startswith(("https://", "http://")) else {}


def open_remote(href: str) -> rasterio.DatasetReader:
    """Open a remote raster; the address is signed here and not kept.

    Raises:
        SourceError: if it cannot be opened.
    """
    if href.startswith("s3://"):
        path = f"/vsis3/{href.removeprefix('s3://')}"
    else:
        path = f"/vsicurl/{_SIGNER.sign(href)[0]}"
    try:
        with rasterio.Env(session=DummySession(), **remote_options(href)):
            return rasterio.open(path)
    except RasterioError:
        raise SourceError(f"{href} cannot be opened remotely. {_SIGNER.advice(href)}") from None

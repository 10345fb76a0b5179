"""Catalogs: where scenes are found. A registry, one file a kind; `search` filters what they yield."""

from bocage.scenes.catalogs import local_safe, stac_api, stac_static
from bocage.scenes.catalogs.base import CATALOGS, Catalog, Skipped

__all__ = ["CATALOGS", "Catalog", "Skipped", "local_safe", "stac_api", "stac_static"]

"""Every catalog in the registry holds the contract."""

import pytest

from bocage.scenes.catalogs import CATALOGS
from bocage.scenes.options import SceneOptions
from bocage.testing.catalogs import check_catalog

WHERE = {"local_safe": "beziers-2018/s2", "stac_static": "earthsearch-33twm"}

# held by tests/pipeline/test_stac_api_server.py, which serves them
REMOTE = {"stac", "earth_search", "planetary_computer", "cdse"}


def test_every_catalog_is_tested():
    assert set(WHERE) | REMOTE == set(CATALOGS)


@pytest.mark.parametrize("name", WHERE)
def test_catalog_contract(name, samples):
    options = SceneOptions(catalog=name, path=str(samples / WHERE[name]))
    assert check_catalog(CATALOGS[name], options)

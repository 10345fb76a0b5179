"""What every catalog must hold, as a check that a plug-in's own tests can run."""

from __future__ import annotations

from pathlib import Path

from shapely.geometry.base import BaseGeometry

from bocage.core.bands import BANDS
from bocage.scenes.catalogs import Catalog, Skipped
from bocage.scenes.options import SceneOptions
from bocage.scenes.record import OFFSET, SCL, Scene


def check_catalog(catalog: Catalog, options: SceneOptions, region: BaseGeometry | None = None) -> list[Scene]:
    """Ask a catalog twice; fail with an AssertionError where it breaks the contract; returns its scenes.

    The contract: it yields scenes and skips with a reason, the same ones in the same order each time; scenes survive
    JSON; assets are bands or SCL, local ones are absolute paths; offsets are 0 or −1000 with their source; the
    fingerprint is stable.
    """
    found, again = list(catalog.find(options, region)), list(catalog.find(options, region))
    assert found == again, "two searches of one catalog differ"
    assert found, "the catalog yields nothing; test it where there is something to find"
    fingerprint = catalog.fingerprint(options)
    assert fingerprint == catalog.fingerprint(options), "the fingerprint is not stable"
    for item in found:
        assert isinstance(item, (Scene, Skipped)), f"{item!r} is neither a Scene nor Skipped"
        if isinstance(item, Skipped):
            assert item.reason, f"skipped without saying why: {item}"
    scenes = [item for item in found if isinstance(item, Scene)]
    for scene in scenes:
        _check_scene(scene)
    return scenes


def _check_scene(scene: Scene) -> None:
    name = scene.id
    assert name.removesuffix(".SAFE") == name, f"'{name}' is no product name without .SAFE"
    assert Scene.from_json(scene.to_json()) == scene, f"{name} does not survive JSON"
    assert scene.datetime.utcoffset() is not None, f"{name}: the datetime is not aware"
    assert set(scene.assets) <= {*BANDS, SCL}, f"{name}: unknown bands among {list(scene.assets)}"
    assert scene.offset in (0.0, OFFSET), f"{name}: the offset is {scene.offset}"
    assert scene.offset_source, f"{name}: nothing says where the offset comes from"
    assert scene.quantification > 0, f"{name}: quantification {scene.quantification}"
    cloud = scene.cloud_cover_fraction
    assert cloud is None or 0 <= cloud <= 1, f"{name}: the cloud share {cloud} is no fraction"
    for band, asset in scene.assets.items():
        remote = asset.is_remote
        assert "sig=" not in asset.href, f"{name} {band}: the address is signed; keep it unsigned"
        assert remote or Path(asset.href).is_absolute(), f"{name} {band}: {asset.href} is not absolute"
        assert asset.resolution_m > 0, f"{name} {band}: resolution {asset.resolution_m}"

"""Areas against the ellipsoid: GeographicLib's geodesic areas of the same fields."""

import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod

from bocage.parcels.geometry import areas_ha


@pytest.mark.parametrize(("lon", "lat"), [(3.3, 43.6), (25.0, 60.0), (-8.0, 40.0), (-60.0, -30.0), (150.0, -33.0)])
def test_equal_area(lon: float, lat: float) -> None:
    geometries = np.array(
        [shapely.box(lon, lat, lon + 0.01, lat + 0.008), shapely.box(lon, lat, lon + 1e-3, lat + 1e-3)]
    )
    wgs84 = CRS.from_epsg(4326)
    geod = Geod(ellps="WGS84")
    expected = [abs(geod.geometry_area_perimeter(g)[0]) / 10_000 for g in geometries]
    np.testing.assert_allclose(areas_ha(geometries, wgs84), expected, rtol=1e-4)

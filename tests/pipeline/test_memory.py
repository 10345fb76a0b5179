"""The memory of a build does not grow with the number of regions: neither here nor in the workers of a cluster."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from distributed import Client, LocalCluster

from bocage.cli.main import main
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country

LARGER = SyntheticOptions(seed=5, size_px=960, dates=("05-26", "07-05"), cloud_fraction=0.02)


# the peak that `wait4` reports may be that of the process which started it
MEASURED = """
import sys
from bocage.cli.main import main
code = main(sys.argv[1:])
print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1])
sys.exit(code)
"""


def peak_mb(file, folder):
    """Largest resident memory of one `bocage build`."""
    arguments = ["build", str(file), "--out", str(folder / "run"), "--workers", "1", "--quiet"]
    done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1]) / 1024


def own_peak_mb():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def peak_mb_of_workers(file, folder):
    """Largest resident memory of two worker processes that do the work of one build."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        Client(cluster) as client,
    ):
        workers = ["--set", f"workers={{kind: dask, address: '{cluster.scheduler_address}'}}"]
        assert main(["build", str(file), "--out", str(folder / "run"), "--quiet", *workers]) == 0
        return max(client.run(own_peak_mb).values())


@pytest.mark.slow
@pytest.mark.parametrize("measure", [peak_mb, peak_mb_of_workers])
def test_four_regions_take_no_more_memory_than_one(measure, tmp_path, monkeypatch):
    country = write_country(tmp_path / "country", LARGER)
    left, bottom, right, top = country.record["bbox"]
    ring = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
    peaks = {}
    for n in (1, 4):
        features = [
            {
                "type": "Feature",
                "properties": {"name": f"region{i}"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
            for i in range(n)
        ]
        shapes = tmp_path / f"regions{n}.geojson"
        shapes.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        file = tmp_path / f"{n}.yaml"
        sections = {
            "name": "memory",
            "parcels": {"kind": "eurocrops", "path": str(country.eurocrops_path), "year": country.year},
            "scenes": {"catalog": "local_safe", "path": str(country.safe_folder)},
            "regions": {"kind": "zones", "path": str(shapes)},
            "patches": {"size_px": 64, "dates": "single"},
        }
        file.write_text(yaml.safe_dump(sections))
        monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / f"cache{n}"))
        peaks[n] = measure(file, tmp_path / f"build{n}")
    one_date_mb = 10 * 960 * 960 * 2 / 1e6
    assert peaks[4] - peaks[1] < 2.5 * one_date_mb, peaks  # three more regions have six dates

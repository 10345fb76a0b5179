"""Only what is new is built; the same work on a Dask cluster gives the same data set."""

import json
import os
import signal
import threading

import pytest
from distributed import LocalCluster

import bocage.cubes.build
from bocage.core.artifacts import ArtifactStore
from bocage.core.errors import ConfigError, SourceError
from bocage.datasets.read import open_dataset
from bocage.experiment.load import load_experiment
from bocage.pipeline.pieces import Piece, run_pieces
from bocage.pipeline.run import Context, needed_stages, run_stages
from bocage.pipeline.stages import plan_stages
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country


def build(file, cache, out):
    experiment = load_experiment(file)
    stages = needed_stages(plan_stages(experiment), "datasets")
    run_stages(stages, experiment, out=out, store=ArtifactStore(cache), workers=1)
    return open_dataset(out / "dataset").info.digest


def made(out, kind):
    """What the newest run made, not found: the events of its stages or pieces."""
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    start = max(i for i, e in enumerate(events) if e["event"] == "run started")
    return [e for e in events[start:] if e["event"] == f"{kind} done" and not e["cached"]]


def newest_cube(cache):
    """File → digest of the cube with most dates in a store."""
    records = [json.loads(path.read_text()) for path in (cache / "cube").glob("*/artifact.json")]
    return max(records, key=lambda record: len(record["inputs"]))["files"]


def made_pieces(out):
    """(stage, region) of the pieces that the newest run made, but for the digests of products."""
    return {(e["stage"], e["name"].partition("-")[0]) for e in made(out, "piece") if e["stage"] != "digests"}


@pytest.fixture
def strips(country, tmp_path):
    """`strips(n)`: the first n of four strips of the country, from west to east, as an experiment's regions."""
    left, bottom, right, top = country.record["bbox"]
    step = (right - left) / 4

    def write(n):
        boxes = [(left + i * step, left + (i + 1) * step) for i in range(n)]
        shapes = [[[a, bottom], [b, bottom], [b, top], [a, top], [a, bottom]] for a, b in boxes]
        features = [
            {
                "type": "Feature",
                "properties": {"name": f"strip{i}"},
                "geometry": {"type": "Polygon", "coordinates": [shape]},
            }
            for i, shape in enumerate(shapes)
        ]
        path = tmp_path / f"strips{n}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return {"kind": "zones", "path": str(path)}

    return write


def test_one_region_more_builds_its_own_pieces_only(experiment_file, strips, tmp_path):
    out, cache = tmp_path / "run", tmp_path / "cache"
    build(experiment_file(regions=strips(2)), cache, out)
    stages = ("cube", "label", "candidates")
    assert made_pieces(out) == {(stage, f"strip{i}") for stage in stages for i in (0, 1)}
    grown = build(experiment_file(regions=strips(3)), cache, out)
    assert made_pieces(out) == {(stage, "strip2") for stage in stages}
    assert grown == build(experiment_file(regions=strips(3)), tmp_path / "fresh", tmp_path / "fresh-run")
    build(experiment_file(regions=strips(2)), cache, out)  # and back again
    assert made_pieces(out) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    "cubes", [{}, {"composite": "monthly_median", "fill": "neighbours"}], ids=["single dates", "filled composites"]
)
def test_a_longer_season_reads_only_what_is_new(cubes, experiment_file, tmp_path, monkeypatch):
    """The cube of May to July starts with the dates of the cube of May, and is the same, byte for byte."""
    land = write_country(
        tmp_path / "land", SyntheticOptions(seed=4, size_px=192, dates=("05-06", "05-26", "07-05"), cloud_fraction=0.2)
    )
    read = []

    def read_bands(scene, *arguments, **more):
        read.append(scene.id)
        return real(scene, *arguments, **more)

    real = bocage.cubes.build.read_bands
    monkeypatch.setattr(bocage.cubes.build, "read_bands", read_bands)

    def build_until(day, cache):
        scenes = {"catalog": "local_safe", "path": str(land.safe_folder), "season": [f"{land.year}-05-01", day]}
        parcels = {"kind": "eurocrops", "path": str(land.eurocrops_path), "year": land.year}
        patches = {"size_px": 32, "dates": "series"}
        read.clear()
        file = experiment_file(parcels=parcels, scenes=scenes, cubes=cubes, patches=patches)
        return build(file, tmp_path / cache, tmp_path / f"{cache}-run"), set(read)

    _, first = build_until(f"{land.year}-05-31", "grown")
    grown, new = build_until(f"{land.year}-07-31", "grown")
    assert (len(first), len(new)) == (2, 1)
    assert not first & new
    whole, everything = build_until(f"{land.year}-07-31", "whole")
    assert everything == first | new
    assert grown == whole
    files = [newest_cube(tmp_path / cache) for cache in ("grown", "whole")]
    assert files[0] == files[1]

    build_until(f"{land.year}-05-31", "damaged")  # what rots in the store is read anew
    chunk = next(p for p in sorted((tmp_path / "damaged" / "cube").rglob("reflectance/c/0/**/*")) if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-1])
    assert build_until(f"{land.year}-07-31", "damaged") == (whole, everything)


@pytest.mark.slow
def test_another_season_builds_its_own_only(experiment_file, country, tmp_path):
    """A year more, of other parcels and products: what was built of the first stays, its data set too."""
    other = write_country(tmp_path / "next", SyntheticOptions(seed=4, size_px=192, dates=("06-10",)), year=2022)
    declared = {"kind": "eurocrops", "country": "FR"}
    first = {
        "parcels": {**declared, "path": str(country.eurocrops_path), "year": country.year},
        "scenes": {"catalog": "local_safe", "path": str(country.safe_folder)},
        "patches": {"size_px": 32, "dates": "single"},
    }
    second = {
        "parcels": {**declared, "path": str(other.eurocrops_path), "year": other.year},
        "scenes": {"catalog": "local_safe", "path": str(other.safe_folder)},
    }
    out, cache = tmp_path / "run", tmp_path / "cache"
    build(experiment_file(**first), cache, out)
    both = build(experiment_file(**first, also=[second]), cache, out)
    assert [e["stage"] for e in made(out, "piece") if e["stage"] != "digests"] == ["cube", "label", "candidates"]
    assert {e["name"].partition("/")[2] for e in made(out, "stage")} == {"FR-2022", ""}
    assert both == build(experiment_file(**first, also=[second]), tmp_path / "fresh", tmp_path / "fresh-run")


def test_another_threshold_counts_again_and_reads_no_product(experiment_file, strips, tmp_path):
    out, cache = tmp_path / "run", tmp_path / "cache"
    build(experiment_file(regions=strips(1)), cache, out)
    patches = {"size_px": 32, "dates": "series", "filters": {"max_unclear_fraction": 0.5}}
    build(experiment_file(regions=strips(1), patches=patches), cache, out)
    assert made_pieces(out) == {("candidates", "strip0")}


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named(experiment_file, tmp_path):
    file = experiment_file(workers={"kind": "dask", "address": "tcp://127.0.0.1:9"})
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        build(file, tmp_path / "cache", tmp_path / "run")


def test_a_number_of_workers_is_a_number_of_threads(experiment_file):
    assert load_experiment(experiment_file(workers=3)).workers.n == 3
    with pytest.raises(ConfigError, match="workers"):
        load_experiment(experiment_file(workers={"kind": "slurm"}))


@pytest.fixture
def cluster():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", memory_limit="2GiB"
    ) as made:
        yield made


@pytest.mark.slow
def test_a_cluster_of_two_processes_gives_the_same_data_set(experiment_file, strips, cluster, tmp_path):
    alone = build(experiment_file(regions=strips(4)), tmp_path / "cache", tmp_path / "run")
    workers = {"kind": "dask", "address": cluster.scheduler_address}
    file = experiment_file(regions=strips(4), workers=workers)
    assert build(file, tmp_path / "cluster-cache", tmp_path / "cluster-run") == alone
    assert len(made_pieces(tmp_path / "cluster-run")) == 12
    files = [sorted(p.name for p in (tmp_path / c / "cube").glob("*/*.json")) for c in ("cache", "cluster-cache")]
    assert files[0] == files[1]

    # a worker that is killed while it builds: another one goes on with its half
    def kill_a_worker():
        while not list((tmp_path / "third-cache").glob("cube/.*/building.json")):
            pass
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_a_worker, daemon=True)
    killer.start()
    assert build(file, tmp_path / "third-cache", tmp_path / "third-run") == alone
    killer.join()


def make_map(file, cache, out):
    """Name → content of every file of the maps but those with times."""
    run_stages(
        needed_stages(plan_stages(load_experiment(file)), "mapping"),
        load_experiment(file),
        out=out,
        store=ArtifactStore(cache),
        workers=1,
    )
    suffixes = (".tif", ".csv", ".qml", ".parquet")
    return {str(p.relative_to(out)): p.read_bytes() for p in out.glob("map/*/*") if p.suffix in suffixes}


@pytest.mark.slow
def test_a_cluster_of_two_processes_makes_the_same_maps(experiment_file, strips, cluster, tmp_path):
    chosen = {"regions": strips(2), "models": [{"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}}]}
    alone = make_map(experiment_file(**chosen), tmp_path / "cache", tmp_path / "run")
    assert {name.split("/")[1] for name in alone} == {"strip0-31TCJ", "strip1-31TCJ", "mosaic-32631"}
    workers = {"kind": "dask", "address": cluster.scheduler_address}
    there = make_map(experiment_file(**chosen, workers=workers), tmp_path / "cluster-cache", tmp_path / "cluster-run")
    assert there == alone
    assert ("map", "strip0") in made_pieces(tmp_path / "cluster-run")


@pytest.mark.slow
def test_a_piece_that_kills_every_worker_is_named(experiment_file, cluster, tmp_path):
    workers = {"kind": "dask", "address": cluster.scheduler_address}
    experiment = load_experiment(experiment_file(workers=workers))

    def die(folder, threads):
        os.kill(os.getpid(), signal.SIGKILL)

    context = Context(experiment, 1, ArtifactStore(tmp_path))
    with pytest.raises(SourceError, match="cube west-31TCJ: several workers died"):
        run_pieces(context, [Piece("west-31TCJ", "cube", 1, {}, die)])

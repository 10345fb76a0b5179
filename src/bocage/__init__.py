"""bocage: from declared parcels and Sentinel-2 to crop data sets, crop models, honest evaluations and crop maps.

The flow, as rooms. A room imports only rooms above it; `tests/test_rooms.py` reads this list and fails on any
upward import, hidden ones in functions included.

    core         the records and rules everything shares: sample, errors, grid, bands, artifacts, tally, registry
    synthetic    a small invented country, written as real SAFE folders and parcel files
    parcels      declared fields of any country in one schema
    taxonomy     native crop codes and names -> target classes, with an audit in hectares
    regions      where to look
    scenes       which Sentinel-2 products, and where their bytes are
    cubes        scenes + grid -> reflectance and quality (time, band, y, x)
    labels       parcels + grid -> class raster and parcel-id raster
    patches      cube + labels -> candidates -> judged -> selected
    datasets     samples on disk and back
    splits       manifest -> train, val, test; the leakage audit
    benchmarks   published data sets in their own layout -> samples
    metrics      confusion, scores, protocols, intervals: pure functions
    models       the zoo, behind one Predictor
    training     one plain loop, losses, forests
    evaluation   Predictor + samples + protocol -> scores with intervals, beside their baselines
    mapping      a Predictor over a region -> COG, parcels
    reports      one self-contained HTML file per run
    experiment   the options of every room as one typed YAML file
    pipeline     the flow as a list of stages; runs the stale ones only
    cli          parse, load, call one function, print

`testing` stands outside the order: public contract checks that a plug-in of yours can run.
"""

__version__ = "0.1.0"

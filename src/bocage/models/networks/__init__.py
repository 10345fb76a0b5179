"""Networks, one file a kind, and how any of them is initialised and becomes a Predictor."""

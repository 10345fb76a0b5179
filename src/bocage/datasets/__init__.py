"""Samples on disk and back: a manifest with one row a sample, a store with their arrays, a record of what they are.

`build.build_dataset` writes one from cubes and labels, `read.open_dataset` opens it, `loader.batches` (the only module
here that needs torch) feeds it to a model. Stores are a registry (`store.STORES`).
"""

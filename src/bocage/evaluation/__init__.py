"""Evaluation: predictors + a data set + the test part of its split -> scores under every protocol, beside baselines.

All models are judged in one pass over the samples, on the same pixels (`judge`). What is kept of a prediction (`store`)
are its counts by block and by parcel, from which every protocol, interval and comparison follows without predicting
again (`evaluate`). `baselines` and `read_last_year` are what a model must beat, `read_shift` says what differs from its
training data, `pool` joins folds.
"""

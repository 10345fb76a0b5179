"""Evaluation: predictors + a data set + one part of its split -> scores under every protocol, beside baselines.

All models are judged in one pass over the samples, on the same pixels. What is kept of a prediction are its counts by
block and by parcel, from which every protocol, interval and comparison follows without predicting again.
"""

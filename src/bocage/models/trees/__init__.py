"""Forests on features of pixels, one file a family, and how they become a Predictor."""

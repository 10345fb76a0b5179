"""Benchmarks: the field's data sets, in the layout they were published in -> samples. Nothing is ever downloaded.

A benchmark says where it is to be had and under which licence, checks a folder, and shows it through one or several
views: a view is a list of classes and bands, and the protocols that its numbers are published under. Each has a writer
of miniatures: small stand-ins of the exact layout, for tests and demonstrations.
"""

"""The zoo, behind one Predictor.

`options` says what can be set and needs no torch; `predictor` is the protocol that evaluation and mapping see; `zoo` is
the registry of all kinds; `networks/` and `trees/` hold one file a kind; `wrap` puts a Predictor around a Predictor;
`checkpoint` writes a trained model to a folder and reads it back as a Predictor.
"""

"""Data set + split + model options -> a checkpoint folder with its history.

`train.train_model` is the door. `loop` holds the plain training loop of networks, `crew` lets several processes walk it
together, `fit_trees` fits forests and boosted trees; `losses`, `hierarchy`, `schedule`, `prepare`, `balance`,
`class_weights`, `pixels` and `control` are pure; `state_store` lets a killed run go on.
"""

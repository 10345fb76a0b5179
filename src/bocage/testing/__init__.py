"""Contract checks and strategies that a plug-in of yours can run. Outside the order of rooms."""

"""The command line: parse, load, call one function, print. `--help` never imports torch."""

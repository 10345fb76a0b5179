"""`python -m bocage` is the `bocage` command."""

from bocage.cli.main import run

if __name__ == "__main__":
    run()

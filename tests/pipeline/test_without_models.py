"""Data sets are built where no model library is installed."""

import subprocess
import sys
import textwrap


def test_building_needs_neither_torch_nor_scikit_learn(experiment_file, environment, tmp_path):
    script = f"""
        import sys
        from pathlib import Path

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {{"torch", "sklearn", "skops", "safetensors", "xgboost"}}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, Absent())
        from bocage.cli.main import main
        assert main(["build", {str(experiment_file())!r}, "--out", {str(tmp_path / "run")!r}]) == 0
        assert main(["split", "make", {str(tmp_path / "run" / "dataset")!r}, "--strategy", "blocks",
                     "--block-m", "640", "--out", {str(tmp_path / "split.parquet")!r}]) == 0
        for command in ("run", "demo --experiment", "matrix", "train"):
            assert main([*command.split(), {str(experiment_file())!r}, "--out", {str(tmp_path / "other")!r}]) == 2
        assert not Path({str(tmp_path / "other")!r}).exists()  # nothing is built for models that cannot be trained
        sys.exit(main(["train", {str(experiment_file())!r}, "--out", {str(tmp_path / "run")!r}]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr  # training says what to install
    assert "bocage[train]" in done.stderr

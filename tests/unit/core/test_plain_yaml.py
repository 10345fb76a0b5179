"""YAML that would pass in silence: keys twice, aliases that multiply."""

import pytest

from bocage.core.errors import ConfigError
from bocage.core.plain_yaml import load_yaml


def test_plain_values_and_aliases_are_read():
    assert load_yaml("a: &a [1, x]\nb: *a\nc: {d: null}") == {"a": [1, "x"], "b": [1, "x"], "c": {"d": None}}
    assert load_yaml("") is None


def test_a_key_twice_is_refused():
    with pytest.raises(ConfigError, match="key given twice: words"):
        load_yaml("rules:\n- {class: wheat, words: [wheat], words: [rye]}")


def test_aliases_that_multiply_or_hold_themselves_are_refused():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    for text in ("\n".join(levels), "a: &a [*a]"):
        with pytest.raises(ConfigError, match="more than 1,000,000 values"):
            load_yaml(text)

"""YAML text → plain values. Pure. What YAML lets pass in silence is refused: a key twice, and aliases that multiply."""

from __future__ import annotations

from typing import Any

import yaml

from bocage.core.errors import ConfigError

MOST_VALUES = 1_000_000  # that a text may stand for; ten lines of aliases of aliases can stand for billions


def load_yaml(text: str) -> Any:
    """The values of one YAML document.

    Raises:
        yaml.YAMLError: if it is no YAML, or more than plain values.
        ConfigError: if a key stands twice, of which YAML would keep the last; if it holds itself, or too much.
    """
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a subclass of SafeLoader: builds plain values only)


class _StrictLoader(yaml.SafeLoader):
    def construct_document(self, node: yaml.Node) -> Any:
        if _count_values(node, {}) > MOST_VALUES:
            raise ConfigError(
                f"{node.start_mark}: its aliases (*name) stand for more than {MOST_VALUES:,} values, or themselves. "
                "Write out what is meant."
            )
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(k, deep=True) for k, _ in node.value]
        twice = {str(k) for k in keys if keys.count(k) > 1}
        if twice:
            raise ConfigError(f"{node.start_mark}: key given twice: {', '.join(sorted(twice))}. Keep one.")
        return super().construct_mapping(node, deep)


def _count_values(node: yaml.Node, counted: dict[int, float]) -> float:
    """How many values a node stands for, aliases written out; infinite if it holds itself."""
    if id(node) not in counted:
        counted[id(node)] = float("inf")
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        counted[id(node)] = 1 + (
            0 if isinstance(node, yaml.ScalarNode) else sum(_count_values(p, counted) for p in parts)
        )
    return counted[id(node)]

"""Writes plain values as readable YAML that the strict reader reads back unchanged."""

from typing import Any

import yaml

from registry.errors import Place
from registry.located import located, plain
from registry.scalars import read_plain

_TAGS = {bool: "bool", int: "int", float: "float", type(None): "null"}


class _Dumper(yaml.SafeDumper):
    """Decides by our own schema which texts need quotes: '1e-4' does. Those of YAML 1.1 get them too: 'no', '1:30'."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            try:
                meaning = read_plain(value)
            except ValueError:
                # What may not stand without quotes gets them.
                return "tag:refused"
            if not isinstance(meaning, str):
                return f"tag:yaml.org,2002:{_TAGS[type(meaning)]}"
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # A text with line breaks goes on one line, with \n: a folded one is hard to read, and the reader refuses U+0085.
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if value.isprintable() else '"')


_Dumper.add_representer(str, _text)


def dump_yaml(value: object) -> str:
    """`value` (mappings, lists, text, finite numbers, true, false, null) in block style, keys in their order.

    `read_yaml_text(dump_yaml(value)).value == value`, with the same types. Raises SpecError for anything else.
    """
    checked = plain(located(value, Place("<value to save>", 1, 1)))
    return str(
        yaml.dump(checked, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10**6)
    )

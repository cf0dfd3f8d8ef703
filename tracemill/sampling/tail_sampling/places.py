"""Where in a Collector's configuration are the policies of tail sampling?"""

from __future__ import annotations

from typing import Final

import yaml

from tracemill.sampling.rules_file import Reader

TYPE: Final = "tail_sampling"

_SETTINGS: Final = (
    "policies", "decision_wait", "decision_wait_after_root_received", "num_traces", "expected_new_traces_per_sec",
    "decision_cache", "sample_on_first_match", "drop_pending_traces_on_shutdown", "maximum_trace_size_bytes",
    "block_on_overflow", "sampling_strategy", "num_shards", "tail_storage",
)  # fmt: skip


def policies_of(reader: Reader, root: yaml.Node, processor: str = "") -> yaml.Node | None:
    """The list of policies in a whole configuration, its `processors:`, one processor's settings, or the list itself.

    `processor` says which one, such as `tail_sampling/llm`, where there are several.
    """
    if isinstance(root, yaml.SequenceNode):
        return root
    keys = _entries(root)
    if "policies" not in keys:
        keys = _entries(keys["processors"]) if "processors" in keys else keys
        settings = _chosen(reader, root, keys, processor)
        if settings is None:
            return None
        root = settings
    found = reader.mapping(root, processor or TYPE, _SETTINGS)
    if "policies" not in found and found:
        reader.add(root, processor or TYPE, "has no `policies:`")
    return found.get("policies")


def _entries(node: yaml.Node) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _chosen(reader: Reader, root: yaml.Node, processors: dict[str, yaml.Node], wanted: str) -> yaml.Node | None:
    names = [name for name in processors if name == TYPE or name.startswith(f"{TYPE}/")]
    if wanted in names:
        return processors[wanted]
    listed = ", ".join(names)
    if wanted and names:
        reader.add(root, "processors", f"there is no `{wanted}`, only {listed}")
    elif not names:
        reader.add(root, "processors", f"there is no `{TYPE}` in this file, and no list of policies")
    elif len(names) > 1:
        reader.add(root, "processors", f"there are several: say with --processor which of {listed}")
    else:
        return processors[names[0]]
    return None

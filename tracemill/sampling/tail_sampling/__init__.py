"""What do a Collector's `tail_sampling` policies say as sampling rules?

text = import_rules(collector_yaml, "collector.yaml")     # a rules file; RulesError names every policy that can't be
"""

from tracemill.sampling.tail_sampling.importing import import_rules

__all__ = ["import_rules"]

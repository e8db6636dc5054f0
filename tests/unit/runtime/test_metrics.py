"""The names that dashboards and alerts are made of."""

import re

from services.runtime import metrics

NAME = re.compile(r"groundswell_(runtime|collector|ingest|api)_[a-z_]+")


def test_every_metric_of_ours_is_named_after_its_service():
    ours = [family.name for family in metrics.REGISTRY.collect()]

    assert [name for name in ours if not NAME.fullmatch(name) and "process_" not in name] == []


def test_every_metric_says_what_it_counts():
    assert [] == [family.name for family in metrics.REGISTRY.collect() if not family.documentation]

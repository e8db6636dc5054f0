"""The names that dashboards and alerts are made of."""

import re

from prometheus_client import ProcessCollector

from services.runtime import metrics

NAME = re.compile(r"groundswell_(runtime|collector|ingest|relay|search|api)_[a-z_]+")


def test_every_metric_of_ours_is_named_after_its_service():
    ours = [family.name for family in metrics.REGISTRY.collect()]

    assert [name for name in ours if not NAME.fullmatch(name) and "process_" not in name] == []


def test_every_metric_says_what_it_counts():
    assert [] == [family.name for family in metrics.REGISTRY.collect() if not family.documentation]


def test_no_metric_hides_another_under_the_same_name():
    named = {id(value) for value in vars(metrics).values()}
    registered = metrics.REGISTRY._collector_to_names

    assert [] == [
        names
        for collector, names in registered.items()
        if id(collector) not in named and not isinstance(collector, ProcessCollector)
    ]

"""The text format of Prometheus: blocks that stand together, labels that cannot break a line."""

import pytest

from mes.api import metrics
from tests.api.client import Caller

pytestmark = pytest.mark.django_db


def test_samples_of_one_name_stand_together_under_their_help_and_type():
    text = metrics.text_of(
        [("age", {"about": "a"}, 1.5), ("free", {}, 3.0), ("age", {"about": ""}, 2.0)], {"age": "how old"}
    )
    assert text.splitlines() == [
        "# HELP mes_age how old",
        "# TYPE mes_age gauge",
        'mes_age{about="a"} 1.500000',
        "mes_age 2",
        "# TYPE mes_free gauge",
        "mes_free 3",
    ]


def test_a_hostile_label_stays_one_value_of_one_line():
    text = metrics.text_of([("age", {"about": 'x"} 1\nmes_fake 7\\'}, 0)], {})
    assert text.splitlines()[1:] == ['mes_age{about="x\\"} 1\\nmes_fake 7\\\\"} 0']


def test_a_name_that_is_none_is_refused():
    with pytest.raises(ValueError, match="is no name"):
        metrics.text_of([("Age in s", {}, 1)], {})


def test_every_number_has_one_type_and_no_sample_comes_twice(works):
    lines = Caller(works, "auditor").get("/metrics").response.content.decode().splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    samples = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(types) == len(set(types)) > 15
    assert len(samples) == len(set(samples))
    assert {sample.partition("{")[0] for sample in samples} == set(types)
    assert 'mes_check_ok{check="database"} 1' in lines

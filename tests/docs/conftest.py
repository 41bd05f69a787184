"""A made-up study in a folder, as the pages of records, leaders and budgets are made from one."""

import pytest

from lenetlab.records.rows import write_results
from tests.studies import made_up


@pytest.fixture
def study(tmp_path):
    results = made_up()
    write_results(tmp_path, results)
    return tmp_path, results

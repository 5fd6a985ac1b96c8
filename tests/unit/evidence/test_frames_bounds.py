"""What the host reads of a cell has a bound on every list, whatever the kernel says."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from grader.evidence.frames import Collected

RUN = (
    '{"index":0,"order":0,"cell":0,"model":{"token":0,"class_name":null,"parameter_count":0},'
    '"start":{"determined":true}}'
)
LAYER = '{"path":"","type":""}'
SOURCE = '{"token":0,"dataset_token":0,"dataset":"","overlap":[]}'
FILE = '{"path":"","cell":0,"size_bytes":0}'


@pytest.mark.parametrize(
    "body",
    [
        f'{{"files":[{",".join([FILE] * 4001)}]}}',
        f'{{"anomalies":[{",".join(["0"] * 201).replace("0", chr(34) * 2)}]}}',
        f'{{"training":{{"runs":[{",".join([RUN] * 1001)}]}}}}',
        f'{{"training":{{"layer_lists":[{",".join(["{}"] * 6001)}]}}}}',
        f'{{"training":{{"layer_lists":[{{"layers":[{",".join([LAYER] * 4001)}]}}]}}}}',
        f'{{"training":{{"sources":[{SOURCE.replace("[]", str([[0, 0]] * 1001))}]}}}}',
    ],
    ids=["files", "anomalies", "runs", "networks", "layers", "overlaps"],
)
def test_more_than_the_collector_keeps_is_refused(body: str) -> None:
    with pytest.raises(ValidationError, match="too_long"):
        Collected.model_validate_json(body)

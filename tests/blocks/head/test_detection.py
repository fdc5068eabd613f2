from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import Queries
from blocks.head import DetectionHead

HIDDEN = torch.randn(2, 5, 6).double()
QUERIES = Queries(6)


def test_a_class_more_than_there_are_and_a_box_for_each_query() -> None:
    head = DetectionHead(6, classes=3).double()
    logits = head(HIDDEN, Coords.of(5), QUERIES)
    assert logits.shape == (2, 5, 4)
    torch.testing.assert_close(logits, HIDDEN @ head.matrix.weight.T + head.matrix.bias, rtol=1e-12, atol=1e-12)
    first, second, third = head.boxes
    right = third(functional.relu(second(functional.relu(first(HIDDEN))))).sigmoid()
    found = head.beside(HIDDEN, Coords.of(5), QUERIES)
    assert found.keys() == {"boxes"} and found["boxes"].shape == (2, 5, 4)
    torch.testing.assert_close(found["boxes"], right, rtol=1e-12, atol=1e-12)


def test_the_network_for_boxes_has_as_many_layers_as_asked_for() -> None:
    assert [len(DetectionHead(6, classes=3, layers=n).boxes) for n in (1, 3)] == [1, 3]
    assert DetectionHead(6, classes=3, layers=1).boxes[0].weight.shape == (4, 6)


def test_needs_the_number_of_classes_and_says_where_to_set_it() -> None:
    with pytest.raises(ValueError, match=r"number of classes.*model\.head\.classes"):
        DetectionHead(6)

"""Average precision on answers whose score is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.tasks.average_precision import Seen, average_precision

BOXES = np.array([[2.0, 3.0, 10.0, 8.0], [20.0, 20.0, 10.0, 10.0]])
RIGHT = Seen((40, 40), BOXES, np.array([1, 0]), np.array([0.9, 0.8]), BOXES, np.array([1, 0]))
NOTHING = Seen((40, 40), BOXES[:0], np.zeros(0, int), np.zeros(0), BOXES[:0], np.zeros(0, int))


def test_right_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert average_precision([RIGHT, NOTHING]) == pytest.approx({"map": 1.0, "map_50": 1.0})
    assert capsys.readouterr().out == ""


def test_overlap_decides() -> None:
    # moved by a third of its width the overlap is (2/3) / (4/3) = 0.5, so that class counts at 0.5 only just not above
    moved = BOXES.copy()
    moved[0, 0] += 2
    found = average_precision([replace(RIGHT, boxes=moved)])
    # class 1: overlap 8 / 12 = 0.667 is enough at 0.5, 0.55, 0.6 and 0.65, 4 of 10; class 0 is right at all of them
    assert found == pytest.approx({"map": (0.4 + 1.0) / 2, "map_50": 1.0})


def test_wrong_classes_and_missed_objects() -> None:
    assert average_precision([replace(RIGHT, labels=np.array([0, 1]))]) == pytest.approx({"map": 0.0, "map_50": 0.0})
    missed = replace(RIGHT, boxes=BOXES[:1], labels=RIGHT.labels[:1], scores=RIGHT.scores[:1])
    assert average_precision([missed])["map_50"] == pytest.approx(0.5)


def test_said_twice_is_wrong_once() -> None:
    def twice(second: float) -> Seen:
        boxes, truth = BOXES[[0, 0, 1]], BOXES[:2]
        return Seen((40, 40), boxes, np.array([1, 1, 1]), np.array([0.9, second, 0.5]), truth, np.array([1, 1]))

    # surer than the second object: precision 2/3 from recall 1/2 on; less sure: nothing is lost
    assert average_precision([twice(0.1)])["map_50"] == pytest.approx(1.0)
    assert average_precision([twice(0.7)])["map_50"] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_images_are_kept_apart() -> None:
    empty = replace(NOTHING, true_boxes=RIGHT.true_boxes, true_labels=RIGHT.true_labels)
    elsewhere = replace(NOTHING, boxes=RIGHT.boxes, labels=RIGHT.labels, scores=RIGHT.scores)
    assert average_precision([empty, elsewhere])["map_50"] == 0.0


def test_no_answers_and_no_objects() -> None:
    empty = replace(NOTHING, true_boxes=RIGHT.true_boxes, true_labels=RIGHT.true_labels)
    assert average_precision([empty]) == {"map": 0.0, "map_50": 0.0}
    assert average_precision([NOTHING]) == average_precision([]) == {}

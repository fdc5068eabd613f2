"""Coordinates: what follows from a batch and from what came before."""

from __future__ import annotations

import torch

from blocks.coords import Coords


def test_plain_coordinates_count_from_the_start() -> None:
    at = Coords.of(4, start=3)
    assert at.index.tolist() == at.pos.tolist() == [[3, 4, 5, 6]]
    assert len(at) == 4
    assert at.valid is None
    assert at.segment is None


def test_positions_skip_left_padding_and_the_index_does_not() -> None:
    valid = torch.tensor([[False, False, True, True], [True, True, True, True]])
    at = Coords.of(4, valid=valid)
    assert at.index.tolist() == [[0, 1, 2, 3]]
    assert at.pos.tolist() == [[0, 0, 0, 1], [0, 1, 2, 3]]


def test_right_padding_does_not_move_positions() -> None:
    at = Coords.of(4, valid=torch.tensor([[True, True, False, False]]))
    assert at.pos[:, :2].tolist() == [[0, 1]]


def test_positions_go_on_from_each_row_s_own_offset() -> None:
    at = Coords.of(2, start=5, offset=torch.tensor([[3], [5]]))
    assert at.index.tolist() == [[5, 6]]
    assert at.pos.tolist() == [[3, 4], [5, 6]]


def test_padding_in_the_middle_of_decoding_is_skipped_too() -> None:
    valid = torch.tensor([[False, True, True]])
    assert Coords.of(3, start=4, offset=torch.tensor([[2]]), valid=valid).pos[:, 1:].tolist() == [[2, 3]]


def test_positions_restart_in_each_packed_document() -> None:
    at = Coords.of(7, segment=torch.tensor([[0, 0, 0, 1, 1, 2, 2], [4, 4, 4, 4, 4, 4, 4]]))
    assert at.pos.tolist() == [[0, 1, 2, 0, 1, 0, 1], [0, 1, 2, 3, 4, 5, 6]]


def test_positions_restart_in_packed_documents_behind_padding() -> None:
    valid = torch.tensor([[False, True, True, True, True]])
    at = Coords.of(5, valid=valid, segment=torch.tensor([[0, 0, 0, 1, 1]]))
    assert at.pos[valid].tolist() == [0, 1, 0, 1]


def test_axes_for_queries_and_keys() -> None:
    at = Coords.of(3, valid=torch.ones(2, 3, dtype=torch.bool))
    assert at.queries().pos.shape == (2, 3, 1)
    assert at.keys().pos.shape == (2, 1, 3)
    assert (at.keys().index - at.queries().index).tolist() == [[[0, 1, 2], [-1, 0, 1], [-2, -1, 0]]]


def test_take_gather_last_and_select() -> None:
    valid = torch.tensor([[True, True, False], [False, True, True]])
    at = Coords.of(3, valid=valid)
    taken = at.take(torch.tensor([[0, 1], [1, 2]]))
    assert taken.index.tolist() == [[[0, 1], [1, 2]]]
    assert taken.valid is not None
    assert taken.valid.tolist() == [[[True, True], [True, False]], [[False, True], [True, True]]]
    assert at.gather(torch.tensor([[2], [0]])).index.tolist() == [[2], [0]]
    assert at.last(2).index.tolist() == [[1, 2]]
    chosen = at.select(torch.tensor([1, 1, 0]))
    assert chosen.index.tolist() == [[0, 1, 2]], "one row serves all and stays one row"
    assert chosen.valid is not None
    assert chosen.valid.tolist() == valid[[1, 1, 0]].tolist()


def test_then_fills_in_what_one_side_does_not_say() -> None:
    early = Coords.of(2, valid=torch.tensor([[False, True], [True, True]]))
    late = Coords.of(1, start=2, offset=torch.tensor([[1], [2]]), prefix=torch.tensor([[True], [True]]))
    both = early.then(late)
    assert both.index.tolist() == [[0, 1, 2]]
    assert both.pos.tolist() == [[0, 0, 1], [0, 1, 2]]
    assert both.valid is not None
    assert both.valid.tolist() == [[False, True, True], [True, True, True]]
    assert both.prefix is not None
    assert both.prefix.tolist() == [[False, False, True]] * 2
    assert both.segment is None
    assert both.types is None


def test_tokens_whose_kind_nobody_says_are_of_kind_0() -> None:
    both = Coords.of(2, types=torch.tensor([[0, 1]])).then(Coords.of(1, start=2))
    assert both.types is not None
    assert both.types.tolist() == [[0, 1, 0]]


def test_then_is_right_for_any_pair() -> None:
    one, two, late = Coords.of(1), Coords.of(2), Coords.of(1, start=2)
    assert one.then(late).index.tolist() == [[0, 2]]
    assert two.then(late).index.tolist() == [[0, 1, 2]]
    assert two.then(Coords.of(1, start=7)).index.tolist() == [[0, 1, 7]]


def test_where_narrows_what_is_valid() -> None:
    at = Coords.of(3, valid=torch.tensor([[True, True, False]]))
    keep = torch.tensor([[True, False, True]])
    assert at.where(keep).valid.tolist() == [[True, False, False]]  # type: ignore[union-attr]
    assert Coords.of(3).where(keep).valid.tolist() == keep.tolist()  # type: ignore[union-attr]
    assert at.valid.tolist() == [[True, True, False]]  # type: ignore[union-attr]

"""Joining the processes that train together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed
from torch.distributed import Store  # type: ignore[attr-defined]

from experiments.ranks import Ranks
from experiments.training.errors import RankLost, is_rank_lost
from experiments.training.places import Place


@contextmanager
def connected(place: Place, trainer: Mapping[str, Any], store: Store | None = None) -> Iterator[Ranks]:
    """Inside, the processes of a trial can talk; waits until all are there.

    trainer: the `trainer:` block. On the CPU a process computes with one thread: with more they only get into each
    other's way. store: where they find each other, made by all of them, or else by torch at the place's address.
    """
    ranks = Ranks(place.rank, place.world)
    on_cpu = trainer.get("accelerator") == "cpu" or not torch.cuda.is_available()
    threads = torch.get_num_threads()
    # what is decided together goes over the CPU, so that no GPU has to be waited for
    backend = "gloo" if on_cpu else "cpu:gloo,cuda:nccl"
    where: dict[str, Any] = (
        {"init_method": f"tcp://{place.address}:{place.port}"} if store is None else {"store": store}
    )
    torch.distributed.init_process_group(backend, rank=place.rank, world_size=place.world, **where)
    try:
        if on_cpu:
            torch.set_num_threads(1)
        yield ranks
    finally:
        torch.set_num_threads(threads)
        torch.distributed.destroy_process_group()


@contextmanager
def lost_ranks_told() -> Iterator[None]:
    """Inside, a connection that breaks is raised as RankLost."""
    try:
        yield
    except RuntimeError as error:
        if not is_rank_lost(error):
            raise
        raise RankLost(f"another process of the trial is gone ({error})") from error

"""The image corpora that ship with the package."""

from __future__ import annotations

import functools
from typing import Literal, TypeAlias, get_args

from experiments.data.files import CORPORA
from experiments.data.vision.arrays import Images, read_arrays

Corpus: TypeAlias = Literal["fashion", "clipart", "digits"]
"""fashion: grey 28 x 28. clipart: colour 32 x 32. digits: grey 8 x 8. Ten classes each."""

# the digits have values from 0 to 16 only
_LARGEST = {"fashion": 255, "clipart": 255, "digits": 16}


@functools.cache
def load(corpus: Corpus) -> dict[str, Images]:
    """Its splits train, valid and test, pixels scaled to 0 .. 255."""
    if corpus not in get_args(Corpus):
        raise ValueError(f"no image corpus '{corpus}': there are {', '.join(get_args(Corpus))}")
    return read_arrays(CORPORA / "images" / f"{corpus}.npz.xz", largest=_LARGEST[corpus])

"""The contract of the norm family."""

from blocks.contract.tokenwise import promise_tokenwise

promise_tokenwise("norm")

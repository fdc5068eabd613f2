"""The contract of the feed-forward family."""

from blocks.contract.tokenwise import promise_tokenwise

promise_tokenwise("feedforward")

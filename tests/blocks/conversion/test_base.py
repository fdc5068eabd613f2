"""What every table does with a config.json and with a model block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from blocks.conversion import GPT2, Block, CheckpointError, Conversion, Llama, weights
from blocks.conversion.plan import Line
from registry import CheckpointError as Public


class Table(Conversion):
    """A table without tensors."""

    model_type = "mine"
    architectures = ("MineForCausalLM",)
    reads = ("mine_old",)
    settings = {"width": 8, "tied": True}  # noqa: RUF012
    fixed = {"variant": ("plain", None), "is_encoder_decoder": True}  # noqa: RUF012
    harmless = ("summary_*",)

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return {"dim": c["width"], "head": {"tied": c["tied"]}}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {"width": model["dim"], "tied": model["head"]["tied"], "word": {"relu": "ReLU"}[model["act"]]}


def test_defaults_of_the_reference_stand_in_for_what_is_left_out() -> None:
    assert Table().spec({}) == {"dim": 8, "head": {"tied": True}}
    assert Table().spec({"width": 4, "model_type": "mine_old", "variant": None})["dim"] == 4


def test_what_is_not_implemented_is_refused_all_at_once_and_by_name() -> None:
    config = {
        "variant": "fancy",
        "is_encoder_decoder": False,
        "add_cross_attention": True,
        "secret_sauce": 3,
        "summary_type": "first",
        "eos_token_id": 2,
        "_name_or_path": "x",
    }
    with pytest.raises(CheckpointError) as caught:
        Table().spec(config)
    assert str(caught.value).splitlines() == [
        "conversion 'mine': config.json cannot be read",
        "  variant: 'fancy' is not implemented, only 'plain' or None",
        "  is_encoder_decoder: False is not implemented, only True",
        "  add_cross_attention: True is not implemented, only False",
        "  secret_sauce: 3 is not known; if it does not change what is computed, remove it",
    ]
    assert isinstance(caught.value, ValueError) and CheckpointError is Public


def test_a_table_made_from_another_one_reads_its_own_files_alone() -> None:
    class Other(Table):
        model_type = "other"

    class Older(Other):
        model_type = "older"
        reads = ("oldest",)

    assert (Table.reads, Other.reads, Older.reads) == (("mine", "mine_old"), ("other",), ("older", "oldest"))


def test_a_setting_that_is_read_and_not_listed_is_named() -> None:
    with pytest.raises(CheckpointError, match="conversion 'mine' reads 'depth', which is not among its `settings`"):
        Table().read({})["depth"]


def test_a_table_that_only_reads_says_so() -> None:
    class Reader(Conversion):
        model_type = "mine"

    with pytest.raises(CheckpointError, match="conversion 'mine' reads and does not write: it has no `config`"):
        Reader().config_json({"topology": "decoder"})


def test_a_layout_that_cannot_be_read_is_an_error_of_the_table() -> None:
    class Odd(Table):
        def tensors(self, model: Mapping[str, Any]) -> list[Line]:
            return list(weights("qkv", ["q", "k", "v"], "(h d + h d) i -> (h d) i, (h d) i, (h d) i"))

    block = {"topology": "decoder", "dim": 8, "heads": 2, "vocab": 5, "attention": {"kind": "full"}}
    with pytest.raises(CheckpointError, match=r"conversion 'mine': layout '.*': 2 pieces and 3 tensors for them"):
        Odd().plan(block, {})


def test_a_quantized_checkpoint_is_refused() -> None:
    with pytest.raises(CheckpointError, match="quantization_config"):
        GPT2().spec({"quantization_config": {"bits": 4}})


@pytest.mark.parametrize("switch", ["scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn"])
def test_switches_of_gpt2_that_are_not_implemented(switch: str) -> None:
    with pytest.raises(CheckpointError, match=f"{switch}: True is not implemented, only False"):
        GPT2().spec({switch: True})


def test_a_word_that_is_not_known_has_the_known_ones_beside_it() -> None:
    with pytest.raises(CheckpointError, match="activation_function: 'swoosh' is not implemented, only gelu, "):
        GPT2().spec({"activation_function": "swoosh"})


def test_a_config_that_is_written_says_whose_it_is_and_what_is_fixed() -> None:
    block = {"topology": "decoder", "dim": 4, "head": {"kind": "lm", "tied": False}, "act": "relu"}
    assert Table().config_json(block) == {
        "architectures": ["MineForCausalLM"],
        "model_type": "mine",
        "variant": "plain",
        "is_encoder_decoder": True,
        "width": 4,
        "tied": False,
        "word": "ReLU",
    }


def test_options_and_words_that_a_family_lacks_are_told_with_their_place() -> None:
    block = {"topology": "decoder", "dim": 4, "act": "relu", "head": {"kind": "classes"}}
    with pytest.raises(CheckpointError, match=r"mine.* model.head 'classes' has no option 'tied'"):
        Table().config_json(block)
    block |= {"head": {"kind": "lm", "tied": True}, "act": "gelu"}
    with pytest.raises(CheckpointError, match="conversion 'mine' has no word for 'gelu'"):
        Table().config_json(block)


def test_a_block_is_wrapped_to_its_depths() -> None:
    block = Block({"topology": "decoder", "layer_types": {"a": {"attention": {"kind": "full"}}}})
    with pytest.raises(CheckpointError, match=r"model.layer_types.a.attention 'full' has no option 'window'"):
        block["layer_types"]["a"]["attention"]["window"]
    several = Block({"position": {"kind": "several", "schemes": [{"kind": "rotary"}]}})
    with pytest.raises(CheckpointError, match=r"model\.position\.schemes\.0 'rotary' has no option 'length'"):
        several["position"]["schemes"][0]["length"]
    assert block.get("nothing") is None


def test_notes_are_what_does_not_matter_and_is_not_ours_to_say() -> None:
    config = {
        "width": 3,
        "eos_token_id": 7,
        "summary_type": "x",
        "torch_dtype": "float16",
        "_commit": "y",
        "strange": 1,
    }
    assert Table().notes(config) == {"eos_token_id": 7, "summary_type": "x"}


def test_sizes_of_axes_follow_from_the_model() -> None:
    block = {"dim": 24, "heads": 6, "vocab": 11, "attention": {"kind": "full", "kv_heads": 2, "head_dim": None}}
    assert Llama().lengths(block) == {"h": 6, "g": 2, "r": 3, "d": 4, "m": 24, "v": 11}
    assert Llama().lengths({**block, "vocab": None, "attention": {"kind": "linear"}})["g"] == 6


def test_the_wrong_family_is_said_alone() -> None:
    with pytest.raises(CheckpointError) as caught:
        Llama().read({"model_type": "gpt2", "n_embd": 8})
    assert str(caught.value) == "conversion 'llama': model_type is 'gpt2', this table reads llama"


def test_heads_of_other_tasks_are_not_read_as_language_models() -> None:
    with pytest.raises(
        CheckpointError, match="architecture GPT2ForSequenceClassification is not implemented, only GPT2LM"
    ):
        GPT2().read({"architectures": ["GPT2ForSequenceClassification"]})
    assert GPT2().read({"architectures": ["GPT2Model"]})

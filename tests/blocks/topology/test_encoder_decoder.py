from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from blocks.attention import FullAttention, LinearAttention
from blocks.coords import Coords
from blocks.depth import coefficients
from blocks.embedding import Marks, TokenEmbedding
from blocks.generation import Decoding, generate
from blocks.masks import Causal, Full
from blocks.norm import LayerNorm
from blocks.placement import DeepNorm
from blocks.position import T5, Sinusoidal
from blocks.stack import Flow
from blocks.topology import EncoderDecoder
from blocks.topology.encoder_decoder import DecoderSide, EncoderSide

IDS = torch.tensor([[3, 1, 4, 1], [2, 6, 5, 3]])
SOURCE = torch.tensor([[7, 2, 8, 1, 8], [6, 6, 5, 3, 0]])


def make(**options: Any) -> EncoderDecoder:
    given = {"dim": 8, "layers": 1, "heads": 2, "vocab": 11, **options}
    made = EncoderDecoder(**given).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made


@pytest.mark.parametrize("shared", [True, False])
def test_an_encoder_over_the_source_and_a_decoder_that_reads_it(shared: bool) -> None:
    model = make(shared_embedding=shared, source_vocab=None if shared else 9, position=Sinusoidal)
    table = model.embedding if shared else model.source_embedding
    assert table is not None
    assert len(table.weight) == (11 if shared else 9)
    source_at, at = Coords.of(5), Coords.of(4)
    read = model.encoder(table(SOURCE, Marks(), model.encoder.embed).x, Flow(source_at, Full()))
    x = model.embedding(IDS, Marks(), model.decoder.embed).x
    hidden = model.decoder(x, Flow(at, Causal(), read, source_at))
    out = model.run(IDS, source=SOURCE)
    assert out.source is not None
    torch.testing.assert_close(out.source, read, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(out.hidden, hidden, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(out.logits, hidden @ model.embedding.weight.T, rtol=1e-12, atol=1e-12)
    assert torch.equal(model(IDS, source=SOURCE), out.logits)


def test_one_table_with_norms_of_their_own() -> None:
    model = make(shared_embedding="table", embedding=partial(TokenEmbedding, norm=LayerNorm), position=Sinusoidal)
    assert isinstance(model.source_embedding, TokenEmbedding)
    assert isinstance(model.embedding, TokenEmbedding)
    assert model.source_embedding.table is model.embedding.table
    assert model.source_embedding.norm is not model.embedding.norm
    out = model(IDS, source=SOURCE)
    with torch.no_grad():
        model.source_embedding.norm.weight *= 2
    assert not torch.allclose(model(IDS, source=SOURCE), out)


def test_one_table_looked_up_by_other_options() -> None:
    reads = partial(TokenEmbedding, norm=LayerNorm, norm_of="tokens")
    model = make(shared_embedding="table", encoder=EncoderSide(embedding=reads), position=Sinusoidal)
    assert isinstance(model.source_embedding, TokenEmbedding)
    assert isinstance(model.embedding, TokenEmbedding)
    assert model.source_embedding.table is model.embedding.table
    assert isinstance(model.source_embedding.norm, LayerNorm)
    assert not isinstance(model.embedding.norm, LayerNorm)


def test_the_sides_may_differ() -> None:
    model = make(
        layers=3,
        encoder=EncoderSide(layers=1, attention=LinearAttention),
        decoder=DecoderSide(heads=4),
        cross_attention=partial(FullAttention, kv_heads=1),
    )
    assert (len(model.encoder.layers), len(model.decoder.layers)) == (1, 3)
    assert isinstance(model.encoder.layers[0].attention, LinearAttention)
    assert isinstance(model.decoder.layers[0].attention, FullAttention)
    assert model.decoder.layers[0].attention.heads == 4
    assert model.encoder.layers[0].cross is None
    assert model.decoder.layers[0].cross.kv_heads == 1  # type: ignore[union-attr]
    assert model(IDS, source=SOURCE).shape == (2, 4, 11)


def test_each_stack_has_its_own_position_scheme_that_knows_its_direction() -> None:
    model = make(position=T5)
    [encoder], [decoder] = model.encoder.positions, model.decoder.positions
    assert (encoder.causal, decoder.causal) == (False, True)


def test_both_depths_reach_deepnorm() -> None:
    model = make(placement=DeepNorm, encoder=EncoderSide(layers=2), decoder=DecoderSide(layers=5))
    assert model.encoder.layers[0].placement.alpha == coefficients("encoder", 2, 5)[0]
    assert model.decoder.layers[0].placement.alpha == coefficients("decoder", 2, 5)[0]


def test_the_source_is_read_once_while_decoding() -> None:
    model, reads = make(), []
    model.encoder.register_forward_hook(lambda *args: reads.append(1))
    state = model.new_state()
    valid = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    whole = model(IDS, source=SOURCE, source_valid=valid)
    with torch.no_grad():
        steps = [model(IDS[:, :1], source=SOURCE, source_valid=valid, state=state)]
        steps += [model(IDS[:, i : i + 1], state=state) for i in (1, 2, 3)]
    assert len(reads) == 2
    torch.testing.assert_close(torch.cat(steps, 1), whole, rtol=1e-10, atol=1e-10)


def test_tokens_that_see_each_other_do_not_follow_each_other() -> None:
    model = make(decoder=DecoderSide(causal=False))
    changed = IDS.clone()
    changed[:, 3] = 0
    assert not torch.allclose(model(changed, source=SOURCE)[:, 0], model(IDS, source=SOURCE)[:, 0])
    assert make().provides - model.provides == {"causal", "next token", "decode"}
    with pytest.raises(NotImplementedError, match="see later ones does not decode"):
        model.new_state()
    with pytest.raises(ValueError, match="does not give the next token"):
        generate(model, IDS, Decoding(max_new_tokens=1), source=SOURCE)


def test_needs_a_source_and_a_vocabulary_that_fits() -> None:
    model = make()
    with pytest.raises(ValueError, match="needs `source`, or a state that has read one"):
        model(IDS)
    with pytest.raises(ValueError, match="needs `source`"):
        model(IDS, state=model.new_state())
    with pytest.raises(ValueError, match="one table cannot serve 9 source and 11 target tokens"):
        make(source_vocab=9)
    with pytest.raises(ValueError, match="size of the vocabulary is not known"):
        EncoderDecoder(dim=8, heads=2)


def test_a_decoder_of_text_wants_tokens() -> None:
    with pytest.raises(ValueError, match="reads tokens: give them beside `source`"):
        make().run(source=SOURCE)

#!/usr/bin/env python3
"""Makes the small exported models of `tests/data/models/`: random weights of a fixed seed, exported by Optimum, each with
what PyTorch computes from the same weights (`reference.json`).

    pip install "optimum-onnx==0.1.0" "optimum==2.1.0" "transformers==4.57.6" torch onnx onnxruntime
    python scripts/optimum_models.py tests/data/models

- `optimum-gpt2`: a decoder with past, with position ids, its weights in a file beside it as in exports of 2 GB and more;
- `optimum-bloom-merged`: a decoder of which one graph has both branches (`use_cache_branch`), without position ids. Optimum
  no longer makes these by itself, but many were published: its own `merge_decoders` makes one;
- `optimum-byt5`: an encoder and a merged decoder, as ReProver's; its tokenizer is bytes and has no file.

The reference has, for each goal: tokens of the prompt; logits behind the prompt and the first tokens; the greedy answer of
`transformers`' `generate`; and the answers of a plain beam search over uncached passes. Made with torch 2.15; run again, it
writes the same numbers.
"""

import argparse, itertools, json, math, os, shutil, tempfile

import onnx
import torch
from onnx import helper
from optimum.exporters.onnx import main_export
from optimum.onnx import merge_decoders
from transformers import (BloomConfig, BloomForCausalLM, ByT5Tokenizer, GPT2Config, GPT2LMHeadModel,
                          PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration)

from tiny_models import GOALS, tokenizer

K, TOKENS = 8, 24
torch.set_num_threads(1)
# Written once; `config.json` and the tokenizer's files are what Optimum writes beside its graphs.
KEPT = (".onnx", "config.json", "tokenizer.json")


def randomise(model, seed, head, embeddings, outputs, ends, plain):
    """Random weights that write plain text: a constant runs through the residual stream in its first place and speaks,
    in the output projection, for plain characters, and a little for the end."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            norm = p.dim() == 1 and name.endswith("weight")
            p.copy_(1 + 0.2 * torch.randn_like(p) if norm else 1.2 / p.shape[-1] ** 0.5 * torch.randn_like(p))
        for e in embeddings:
            # What comes next has to depend on what came before.
            e.weight.mul_(6.0)
            e.weight[:, 0] = 4.0
        for o, axis in outputs:
            o.weight.select(axis, 0).zero_()
            if getattr(o, "bias", None) is not None:
                o.bias[0] = 0.0
        head.weight.mul_(2.0)
        head.weight[:, 0] = -9.0
        head.weight[plain, 0] = 1.0
        head.weight[ends, 0] = 2.5 + 0.5 * (seed % 3)
    return model.eval()


def beam(row_behind, allowed, end, text):
    """The K likeliest texts of a beam of K, each computed anew; as `src/policy/sampling.rs` defines it."""
    active, finished = [([], 0.0)], []
    for place in range(TOKENS):
        grown = []
        for tokens, score in active:
            row = torch.log_softmax(row_behind(tokens), -1)
            if tokens:
                finished.append((tokens, score + row[end].item()))
            grown += [(tokens + [t], score + row[t].item()) for t in allowed]
        finished = sorted(finished, key=lambda f: -f[1])[:K]
        active = sorted(grown, key=lambda g: -g[1])[:K]
    merged = {}
    for tokens, score in finished:
        t = text(tokens).strip()
        if t and "\ufffd" not in t:
            merged[t] = math.log(math.exp(merged.get(t, -math.inf)) + math.exp(score))
    return sorted(merged.items(), key=lambda m: -m[1])


def greedy_answer(model, prompt, allowed, end):
    """What `generate` of `transformers` writes, without its end; none where it does not end."""
    never = [t for t in range(model.config.vocab_size) if t not in allowed and t != end]
    ids = torch.tensor([prompt])
    with torch.no_grad():
        whole = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, num_beams=1, min_new_tokens=1,
                               max_new_tokens=TOKENS, suppress_tokens=never, pad_token_id=end)[0].tolist()
    answer = whole[1 if model.config.is_encoder_decoder else len(prompt):]
    return answer[:-1] if answer[-1] == end else None


def first_that_talks(randomise_with, encode, allowed, end):
    """The model of the first seed whose greedy answers end, and are not one token again and again."""
    for seed in itertools.count(1):
        model = randomise_with(seed)
        answers = [greedy_answer(model, encode(goal), allowed, end) for goal in GOALS]
        if all(a and len(a) > 2 and len(set(a)) > 2 for a in answers):
            print(f"seed {seed}: {answers}")
            return model


def write_reference(folder, model, encode, text, allowed, end):
    model = model.double()
    start = [model.config.decoder_start_token_id] if model.config.is_encoder_decoder else []
    rows = []
    for goal in GOALS:
        prompt = encode(goal)

        def logits(tokens):
            with torch.no_grad():
                if start:
                    out = model(input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([start + tokens]))
                    return out.logits[0]
                return model(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1:]

        greedy = greedy_answer(model, prompt, allowed, end)
        found = beam(lambda tokens: logits(tokens)[-1], sorted(allowed), end, text)
        assert len(found) > 3, (folder, found)
        rows.append({"goal": goal, "tokens": prompt, "greedy": greedy, "greedy_text": text(greedy),
                     "logits": [[round(x, 4) for x in row] for row in logits(greedy[:2]).tolist()],
                     "beam": [[t, round(p, 5)] for t, p in found]})
    json.dump({"rows": rows, "k": K, "max_tokens": TOKENS}, open(os.path.join(folder, "reference.json"), "w"),
              ensure_ascii=False)


def export(out, name, model, tokens_of, task):
    """Optimum's export of a model in `out/name`."""
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as checkpoint, tempfile.TemporaryDirectory() as exported:
        model.save_pretrained(checkpoint)
        tokens_of(checkpoint)
        main_export(checkpoint, exported, task=task, do_validation=False)
        os.makedirs(folder)
        for file in sorted(os.listdir(exported)):
            superfluous = file in ("decoder_model.onnx", "decoder_with_past_model.onnx", "generation_config.json")
            if file.endswith(KEPT) and not superfluous:
                shutil.copy(os.path.join(exported, file), folder)
    return folder


def without_past(graph_of):
    """The same decoder as Optimum once exported it for the first pass: without inputs for a past, which is empty."""
    graph = graph_of.graph
    past = [i for i in graph.input if i.name.startswith("past_key_values.")]
    rest = [i for i in graph.input if i not in past]
    nodes = [helper.make_node("Shape", ["input_ids"], ["first.rows"], start=0, end=1)]
    for i, p in enumerate(past):
        heads, width = (p.type.tensor_type.shape.dim[d].dim_value for d in (1, 3))
        shape, tail = f"first.shape.{i}", f"first.tail.{i}"
        graph.initializer.append(helper.make_tensor(tail, onnx.TensorProto.INT64, [3], [heads, 0, width]))
        nodes += [helper.make_node("Concat", ["first.rows", tail], [shape], axis=0),
                  helper.make_node("ConstantOfShape", [shape], [f"first.{p.name}"],
                                   value=helper.make_tensor("zero", onnx.TensorProto.FLOAT, [1], [0.0]))]
    names = {p.name for p in past}
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name in names:
                node.input[i] = f"first.{name}"
    nodes += list(graph.node)
    del graph.input[:], graph.node[:]
    graph.input.extend(rest)
    graph.node.extend(nodes)
    return graph_of


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pairs = tokenizer(folder)
    alnum = lambda s: s.isascii() and s.isalnum()
    plain = [t for t in range(1, pairs.get_vocab_size()) if alnum(pairs.decode([t]))]
    allowed = set(range(1, pairs.get_vocab_size()))
    encode = lambda goal: pairs.encode(goal).ids

    def decoder(name, make, head_of, embeddings_of, outputs_of, merged):
        def seeded(seed):
            model = make()
            return randomise(model, seed, head_of(model), embeddings_of(model), outputs_of(model), 0, plain)

        def save(folder):
            PreTrainedTokenizerFast(tokenizer_object=pairs, eos_token="<|endoftext|>").save_pretrained(folder)

        model = first_that_talks(seeded, encode, allowed, 0)
        folder = export(args.out, name, model, save, "text-generation-with-past")
        alone = os.path.join(folder, "model.onnx")
        if merged:
            merge_decoders(without_past(onnx.load(alone)), onnx.load(alone), strict=True,
                           save_path=os.path.join(folder, "decoder_model_merged.onnx"))
            os.remove(alone)
        else:
            onnx.save(onnx.load(alone), alone, save_as_external_data=True, location="model.onnx_data", size_threshold=256)
            os.chmod(alone + "_data", 0o644)
        write_reference(folder, model, encode, pairs.decode, allowed, 0)

    # `Conv1D` of GPT-2 is [in, out], `Linear` [out, in].
    decoder("optimum-gpt2", lambda: GPT2LMHeadModel(GPT2Config(
        vocab_size=304, n_positions=192, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0,
        tie_word_embeddings=False)), lambda m: m.lm_head, lambda m: [m.transformer.wte],
        lambda m: [(o, 1) for b in m.transformer.h for o in (b.attn.c_proj, b.mlp.c_proj)], merged=False)
    decoder("optimum-bloom-merged", lambda: BloomForCausalLM(BloomConfig(
        vocab_size=304, hidden_size=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0, pad_token_id=0,
        tie_word_embeddings=False)), lambda m: m.lm_head, lambda m: [m.transformer.word_embeddings],
        lambda m: [(o, 0) for b in m.transformer.h for o in (b.self_attention.dense, b.mlp.dense_4h_to_h)], merged=True)

    def byt5(seed):
        model = T5ForConditionalGeneration(T5Config(
            vocab_size=384, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_decoder_layers=2, num_heads=2, dropout_rate=0.0,
            feed_forward_proj="gated-gelu", tie_word_embeddings=False, pad_token_id=0, eos_token_id=1,
            decoder_start_token_id=0, tokenizer_class="ByT5Tokenizer"))
        layers = [l for stack in (model.encoder, model.decoder) for block in stack.block for l in block.layer]
        outputs = [l.SelfAttention.o if hasattr(l, "SelfAttention") else
                   l.EncDecAttention.o if hasattr(l, "EncDecAttention") else l.DenseReluDense.wo for l in layers]
        plain = [b + 3 for b in range(128) if chr(b).isalnum()]
        return randomise(model, seed, model.lm_head, [model.shared], [(o, 0) for o in outputs], 1, plain)

    tokens = ByT5Tokenizer()
    encode = lambda goal: tokens(goal).input_ids
    # Bytes only: the extra ids are no text.
    allowed = set(range(3, 259))
    model = first_that_talks(byt5, encode, allowed, 1)
    folder = export(args.out, "optimum-byt5", model, tokens.save_pretrained, "text2text-generation-with-past")
    write_reference(folder, model, encode, lambda t: bytes(x - 3 for x in t).decode("utf-8", "replace"), allowed, 1)


if __name__ == "__main__":
    main()

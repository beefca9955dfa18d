#!/usr/bin/env python3
"""Makes the small models of `tests/data/models/`: random weights of a fixed seed in the layouts that
`lean-copilot model add` reads, each with the logits that PyTorch computes from them (`reference.json`).

    python scripts/tiny_models.py tests/data/models            # checkpoints: llama, llama-biased, qwen2
    python scripts/optimum_models.py tests/data/models         # what Optimum exports, which needs an older transformers

Needs torch, transformers, tokenizers, safetensors. Run again, it writes the same files.
"""

import argparse, json, os, shutil

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

TEXTS = ["⊢ q ∧ p\nh : p ∧ q\np q : Prop", "exact ⟨h.2, h.1⟩", "simp [Nat.add_comm]", "rw [Nat.add_comm]",
         "n m : Nat\n⊢ n + m = m + n", "intro h", "omega", "cases h with", "induction n with"]
GOALS = ["p q : Prop\nh : p ∧ q\n⊢ q ∧ p", "n m : Nat\n⊢ n + m = m + n"]


def tokenizer(folder):
    """Byte-level pairs with one special token, the end, as most decoders have it."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    t.train_from_iterator(TEXTS * 10, trainer)
    t.save(os.path.join(folder, "tokenizer.json"))
    return t


def randomise(model, seed):
    """Weights large enough that every part matters, rounded to half precision so that nothing is lost on disk."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name:
                p.copy_(1 + 0.2 * torch.randn_like(p))
            else:
                p.copy_((0.3 if name.endswith("bias") else 1.5 / p.shape[-1] ** 0.5) * torch.randn_like(p))
            p.copy_(p.half().float())
    return model.eval()


def write_reference(folder, tokens_of, logits_of, **more):
    rows = []
    for goal in GOALS:
        tokens = tokens_of(goal)
        rows.append({"goal": goal, "tokens": tokens,
                     "logits": [[round(x, 4) for x in row] for row in logits_of(tokens).tolist()[-4:]]})
    json.dump({"rows": rows, **more}, open(os.path.join(folder, "reference.json"), "w"), ensure_ascii=False)


def decoder(out, name, model, **save):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    t = tokenizer(folder)
    model.half().save_pretrained(folder, **save)
    for extra in ("generation_config.json",):
        if os.path.exists(os.path.join(folder, extra)):
            os.remove(os.path.join(folder, extra))
    # As it is loaded again: halving the model in memory also halved its table of rotary frequencies.
    model = type(model).from_pretrained(folder, dtype=torch.float32).eval()

    def logits(tokens):
        with torch.no_grad():
            return model(torch.tensor([tokens])).logits[0]

    write_reference(folder, lambda goal: t.encode(goal).ids, logits)
    return folder


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    args = p.parse_args()
    os.makedirs(args.out, exist_ok=True)
    shape = dict(vocab_size=304, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
                 num_key_value_heads=1, max_position_embeddings=96, bos_token_id=None, eos_token_id=0, pad_token_id=0)
    decoder(args.out, "llama", randomise(LlamaForCausalLM(LlamaConfig(
        **shape, tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 5000.0},
        rms_norm_eps=1e-6)), 1), max_shard_size="30KB")
    decoder(args.out, "llama-biased", randomise(LlamaForCausalLM(LlamaConfig(
        **shape, tie_word_embeddings=True, attention_bias=True, mlp_bias=True)), 2))
    decoder(args.out, "qwen2", randomise(Qwen2ForCausalLM(Qwen2Config(
        **shape, tie_word_embeddings=True, rms_norm_eps=1e-6)), 3))


if __name__ == "__main__":
    main()

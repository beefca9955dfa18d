#!/usr/bin/env python3
"""A bundle is an ordinary Hugging Face checkpoint: loads one in `transformers` as it stands and writes some logits,
which the tests of lean-copilot compare with what ONNX Runtime computes from the same folder.

    python scripts/transformers_logits.py models/core-small --out tests/data/core-small-logits.json

With `--check FILE` it compares with a written file instead and fails when a logit differs by 1e-3 or more.
Needs torch and transformers.
"""

import argparse, hashlib, json, os, sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

# Goals as the policy reads them (target first, then the hypotheses, the nearest first), each with a tactic.
EXAMPLES = [
    ("⊢ q ∧ p\nh : p ∧ q\np q : Prop", "exact ⟨h.2, h.1⟩"),
    ("⊢ (xs ++ ys).length = ys.length + xs.length\nxs ys : List α\nα : Type", "simp [Nat.add_comm]"),
    ("⊢ double (n + 1) = n + 1 + (n + 1)\nih : double n = n + n\nn : Nat", "rw [double, ih]"),
]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bundle")
    p.add_argument("--out")
    p.add_argument("--check")
    args = p.parse_args()
    # Half-precision weights, computed in single precision: as the graph of the bundle does it on a CPU.
    model = AutoModelForCausalLM.from_pretrained(args.bundle, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(args.bundle)
    special = {name: tokenizer.convert_tokens_to_ids(name) for name in ("<s>", "</s>", "<tac>")}
    rows = []
    for goal, tactic in EXAMPLES:
        text = lambda s: tokenizer.encode(s, add_special_tokens=False)
        tokens = [special["<s>"], *text(goal), special["<tac>"], *text(tactic), special["</s>"]]
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0]
        # The whole last row, and of each row the highest logit with its token and one fixed logit.
        best = logits.max(-1)
        rows.append({"goal": goal, "tactic": tactic, "tokens": tokens, "best": best.indices.tolist(),
                     "best_logits": [round(x, 5) for x in best.values.tolist()],
                     "logits_of_7": [round(x, 5) for x in logits[:, 7].tolist()],
                     "behind_prompt": [round(x, 5) for x in logits[len(text(goal)) + 1].tolist()]})
    weights = open(os.path.join(args.bundle, "model.safetensors"), "rb").read()
    result = {"model_safetensors_sha256": hashlib.sha256(weights).hexdigest(), "examples": rows}
    if args.check:
        known = json.load(open(args.check))
        if known["model_safetensors_sha256"] != result["model_safetensors_sha256"]:
            sys.exit(f"error: `{args.check}` was written for other weights; write it anew with --out")
        worst = 0.0
        for a, b in zip(known["examples"], rows):
            if a["tokens"] != b["tokens"]:
                sys.exit(f"error: other tokens for {a['goal']!r}")
            for key in ("best_logits", "logits_of_7", "behind_prompt"):
                worst = max([worst] + [abs(x - y) for x, y in zip(a[key], b[key])])
        print(f"largest difference of a logit: {worst:.1e}")
        if not worst < 1e-3:
            sys.exit("error: the logits differ")
    if args.out:
        json.dump(result, open(args.out, "w"), ensure_ascii=False)
        print(f"wrote {args.out}")


if __name__ == "__main__":
    main()

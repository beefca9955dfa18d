#!/usr/bin/env python3
"""A plain loop over a bundle's graph with Python's `onnxruntime`: what one writes without a thought for speed. Every
step passes the caches in and out as arrays; a beam of K takes its rows with numpy. `lean-copilot bench policy
--beside-python python3` runs it and compares.

Needs onnxruntime, numpy, tokenizers. Prints one JSON object.
"""

import argparse, json, os, statistics, time

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

GOAL = "⊢ (xs ++ ys).length = 2 * xs.length\nh : xs.length = ys.length\nxs ys : List Nat"


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def generate(session, config, prompt, k, most, end):
    layers, kv, hd = config["num_hidden_layers"], config["num_key_value_heads"], config["head_dim"]
    caches = [np.zeros((1, kv, 0, hd), np.float32) for _ in range(2 * layers)]
    names = [f"past_key_values.{i}.{part}" for i in range(layers) for part in ("key", "value")]
    tokens, length = np.array([prompt], np.int64), len(prompt)
    beams, finished = [((), 0.0)], []
    for step in range(most):
        rows = len(tokens)
        feeds = {"input_ids": tokens, "logit_positions": np.array([tokens.shape[1] - 1], np.int64),
                 "seqlens_k": np.full(rows, length - 1, np.int32), "total_sequence_length": np.array(length, np.int32)}
        logits, *caches = session.run(None, feeds | dict(zip(names, caches)))
        scores = log_softmax(logits[:, -1])
        if step:
            finished += [(t, p + float(scores[i, end])) for i, (t, p) in enumerate(beams)]
            finished = sorted(finished, key=lambda f: -f[1])[:k]
        scores[:, :4] = -np.inf
        total = scores + np.array([p for _, p in beams])[:, None]
        best = np.argsort(-total, axis=None)[:k]
        parents, chosen = np.unravel_index(best, total.shape)
        if len(finished) == k and total[parents[0], chosen[0]] < finished[-1][1]:
            break
        beams = [(beams[p][0] + (int(t),), float(total[p, t])) for p, t in zip(parents, chosen)]
        caches = [c[parents] for c in caches]
        tokens, length = chosen[:, None].astype(np.int64), length + 1
    return finished


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bundle")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--k", type=int, default=8)
    p.add_argument("--tokens", type=int, default=24)
    p.add_argument("--runs", type=int, default=20)
    args = p.parse_args()
    config = json.load(open(os.path.join(args.bundle, "config.json")))
    tokenizer = Tokenizer.from_file(os.path.join(args.bundle, "tokenizer.json"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(os.path.join(args.bundle, "model.onnx"), options)
    special = lambda name: tokenizer.token_to_id(name)
    prompt = [special("<s>"), *tokenizer.encode(GOAL, add_special_tokens=False).ids, special("<tac>")]
    times = []
    for run in range(args.runs + 1):
        begin = time.perf_counter()
        found = generate(session, config, prompt, args.k, args.tokens, config["eos_token_id"])
        if run:
            times.append(1e3 * (time.perf_counter() - begin))
    print(json.dumps({"engine": "plain loop in Python", "onnxruntime": onnxruntime.__version__, "threads": args.threads,
                      "k": args.k, "tokens": args.tokens, "median_ms": statistics.median(times), "least_ms": min(times),
                      "most_ms": max(times), "best": tokenizer.decode(list(found[0][0])) if found else None}))


if __name__ == "__main__":
    main()

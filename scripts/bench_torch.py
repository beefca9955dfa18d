#!/usr/bin/env python3
"""Trains on the batches of `lean-copilot bench train --beside-python PYTHON` with PyTorch on the CPU: the same model,
weights, tokens, loss, clipping and AdamW. Prints one JSON object: tokens a second (padding left out) and the losses.

    python scripts/bench_torch.py FOLDER --threads 2

FOLDER holds `model.safetensors` and `batches.json`. Needs torch, numpy, safetensors.
"""

import argparse, json, os, sys, time

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from train_torch import make_model

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("folder")
p.add_argument("--threads", type=int, required=True)
args = p.parse_args()
torch.set_num_threads(args.threads)

job = json.load(open(os.path.join(args.folder, "batches.json")))
model = make_model(job["config"], 0.0)
weights = load_file(os.path.join(args.folder, "model.safetensors"))
with torch.no_grad():
    for name in model.names:
        model.weight(name).copy_(weights[name])
parameters = list(model.parameters())
groups = [{"params": [p for p in parameters if p.dim() == 2], "weight_decay": 0.1},
          {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=job["lr"], betas=(0.9, 0.98), eps=1e-8, fused=True)

speeds, losses = [], []
for batch in job["batches"]:
    tokens, places, targets = (torch.tensor(batch[k]) for k in ("tokens", "places", "targets"))
    weight = torch.tensor(batch["weights"])
    begun = time.perf_counter()
    # As ours does: only the places that predict go through the vocabulary.
    hidden = model.hidden(tokens).flatten(0, 1)[places]
    loss = (F.cross_entropy(model.logits(hidden), targets, reduction="none") * weight).sum()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    losses.append(float(loss.detach()))
    speeds.append(batch["real"] / (time.perf_counter() - begun))
speeds = sorted(speeds[1:])  # the first step warms up
print(json.dumps({"torch": torch.__version__, "threads": args.threads, "tokens_per_second": speeds[len(speeds) // 2],
                  "losses": losses}))

#!/usr/bin/env python3
"""Trains the policy with PyTorch, on a GPU where there is one: the same examples, tokenizer, prompt, architecture and
loss as `lean-copilot finetune`, and a Hugging Face checkpoint out.

    lean-copilot finetune --from scratch --data steps.jsonl --write-dataset tokens/ --passes 32   # Rust: the examples
    python scripts/train_torch.py tokens/ --out trained/ --minutes 5                              # Python: the weights
    lean-copilot model add trained/best --name mine --use                                         # Rust: the bundle

Several runs in one call (a JSON list; each entry changes knobs of the table below), some at a time:

    python scripts/train_torch.py tokens/ --out trained/ --runs runs.json --jobs 4

    [{"name": "small", "layers": 4, "hidden": 256, "minutes": 1},
     {"name": "half", "fraction": 0.5, "minutes": 1},
     {"name": "final", "like": "best", "minutes": 5}]

`"like": "best"` waits for all entries before it and takes over the knobs of the one with the lowest validation loss;
`"distil": 3` makes a run learn from the mean prediction of the three best of them as well.

Out comes a folder for each run and `best`, the run over all data with the lowest validation loss: `config.json`,
`tokenizer.json`, weights in half precision under their standard names (in shards of `--shard-mib`), `training.json`
(knobs, hardware, losses). `runs.json` sums all up. Held-out figures are only reported: nothing is chosen by them.

A model that has seen its examples often is too sure of itself long before its first choices stop getting better. So
weights are judged by their validation loss at the best temperature, and that temperature is folded into the last norm.
`--resume` goes on where `checkpoint.pt` of each run ends.

Needs torch, transformers, tokenizers, safetensors, numpy; reads and writes nothing outside of its two folders.
"""

import argparse, dataclasses, json, math, os, shutil, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor

import numpy as np


@dataclasses.dataclass
class Knobs:
    """Everything that decides how a run goes. None means: as the data set says."""

    name: str = "run"
    minutes: float = 5.0  # the learning rate's course follows the clock
    fraction: float = 1.0  # share of the declarations learnt from (a learning curve takes several)
    passes: int = 0  # use only so many of the written passes; 0: all
    # The model; with a base (`model.safetensors` beside the tokens) its own shape counts.
    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    mlp: int | None = None
    # The optimiser. Batches are large: a GPU is not filled by less.
    batch_tokens: int = 16384  # tokens of a step, padding included
    lr: float = 2e-3
    final_share: float = 0.02  # share of it that is left at the end
    warmup: int = 200  # steps
    beta1: float = 0.9
    beta2: float = 0.98
    weight_decay: float = 0.1  # on matrices only
    clip: float = 1.0  # global norm of the gradients
    ema: float = 0.998  # of the weights, which is what is kept; 0: none
    optimizer: str = "adamw"  # or "muon": orthogonalised momentum for the blocks' matrices
    # The loss.
    dropout: float = 0.1  # of the embedding and of what each block adds
    prompt_weight: float = 0.1  # of predicting the goal as well
    label_smoothing: float = 0.0
    distil: int = 0  # teachers: so many of the best runs before this one
    distil_weight: float = 0.5  # of the teachers' prediction; the rest is the author's tactic
    distil_temperature: float = 2.0
    seed: int = 1
    # Looking and keeping.
    eval_seconds: float = 15.0
    save_seconds: float = 60.0
    beam_rows: int = 1500  # held-out and validation steps decoded by beam search, of each; 0: none
    like: str | None = None


TEMPERATURES = [0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0]
WIDTHS = [32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]


class Split:
    """Examples of a split on the device; rows of a pass are a range. One row more, the last, is empty: it fills
    batches up."""

    def __init__(self, tensors, name, device):
        import torch

        get = lambda part: tensors[f"{name}.{part}"].astype(np.int64)
        self.lengths, self.prompts, self.passes = get("lengths"), get("prompts"), get("passes")
        self.declarations = get("declarations")
        self.tokens = torch.from_numpy(tensors[f"{name}.tokens"].astype(np.int32)).to(device)
        starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]]) if len(self.lengths) else self.lengths
        to = lambda a: torch.from_numpy(np.append(a, 0)).to(device)
        self.starts, self.lengths_d, self.prompts_d = to(starts), to(self.lengths), to(self.prompts)

    def batch(self, rows, width):
        """Tokens `[rows, width]` padded with 0, and for each place that predicts the next token whether it belongs
        to the tactic or to the prompt."""
        import torch

        at = torch.arange(width, device=self.tokens.device)
        lengths, prompts = self.lengths_d[rows, None], self.prompts_d[rows, None]
        index = (self.starts[rows, None] + at).clamp_(max=len(self.tokens) - 1)
        tokens = torch.where(at < lengths, self.tokens[index].long(), 0)
        predicts = at < lengths - 1
        tactic = predicts & (at >= prompts - 1)
        return tokens, tactic, predicts & ~tactic


def plan(lengths, rows, budget, rng):
    """Groups of rows of like length, each of at most `budget` tokens with its padding, in random order. Lengths are
    blurred, so that groups differ from pass to pass."""
    blurred = lengths[rows] + rng.integers(0, lengths[rows] // 8 + 3)
    rows = rows[np.argsort(blurred, kind="stable")]
    groups, begin, widest = [], 0, 0
    for i, row in enumerate(rows):
        width = max(widest, -(-int(lengths[row]) // 8) * 8)
        if i > begin and width * (i - begin + 1) > budget:
            groups.append((rows[begin:i], widest))
            begin, width = i, -(-int(lengths[row]) // 8) * 8
        widest = width
    if begin < len(rows):
        groups.append((rows[begin:], widest))
    rng.shuffle(groups)
    return groups


def plan_by_width(lengths, rows, budget, rng):
    """The same with few widths (`WIDTHS`) and as many rows in every group of a width, -1 where there is none: what a
    CUDA graph wants."""
    groups, below = [], 0
    for width in WIDTHS + [-(-int(lengths[rows].max()) // 64) * 64]:
        some = rng.permutation(rows[(lengths[rows] > below) & (lengths[rows] <= width)])
        n = max(1, budget // width)
        for i in range(0, len(some), n):
            part = some[i : i + n]
            groups.append((np.append(part, np.full(n - len(part), -1)), width))
        below = max(below, width)
    rng.shuffle(groups)
    return groups


def make_model(config, dropout):
    """A decoder of Llama's architecture with the parameter names of `transformers`."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    hidden, heads, kv = config["hidden_size"], config["num_attention_heads"], config["num_key_value_heads"]
    hd, eps, layers = config["head_dim"], config["rms_norm_eps"], config["num_hidden_layers"]

    def linear(x, weight):
        return F.linear(x, weight.to(x.dtype))

    class Llama(nn.Module):
        def __init__(self):
            super().__init__()
            shapes = {"model.embed_tokens.weight": (config["vocab_size"], hidden), "model.norm.weight": (hidden,)}
            for i in range(layers):
                at = f"model.layers.{i}."
                shapes |= {
                    at + "input_layernorm.weight": (hidden,),
                    at + "self_attn.q_proj.weight": (heads * hd, hidden),
                    at + "self_attn.k_proj.weight": (kv * hd, hidden),
                    at + "self_attn.v_proj.weight": (kv * hd, hidden),
                    at + "self_attn.o_proj.weight": (hidden, heads * hd),
                    at + "post_attention_layernorm.weight": (hidden,),
                    at + "mlp.gate_proj.weight": (config["intermediate_size"], hidden),
                    at + "mlp.up_proj.weight": (config["intermediate_size"], hidden),
                    at + "mlp.down_proj.weight": (hidden, config["intermediate_size"]),
                }
            self.names = list(shapes)
            for name, shape in shapes.items():
                # As in `train/model.rs`: 0.02, smaller by √(2·layers) into the residual stream, norms 1.
                small = "o_proj" in name or "down_proj" in name
                std = 0.02 / math.sqrt(2 * layers) if small else 0.02
                value = torch.ones(shape) if len(shape) == 1 else torch.randn(shape) * std
                self.register_parameter(name.replace(".", "/"), nn.Parameter(value))
            self.compute = torch.float32
            self.rotary = {}

        def weight(self, name):
            return self.get_parameter(name.replace(".", "/"))

        def angles(self, width, device, dtype):
            if (width, dtype) not in self.rotary:
                theta = config.get("rope_theta", 10000.0)
                f = theta ** (-torch.arange(0, hd, 2, device=device, dtype=torch.float64) / hd)
                a = torch.outer(torch.arange(width, device=device, dtype=torch.float64), f)
                a = torch.cat([a, a], 1)
                self.rotary[width, dtype] = a.cos().to(dtype), a.sin().to(dtype)
            return self.rotary[width, dtype]

        def hidden(self, tokens):
            """Hidden states after the last norm. Sequences are padded on the right: under the causal mask no real
            token sees padding."""
            rows, width = tokens.shape
            drop = lambda x: F.dropout(x, dropout, self.training)
            cos, sin = self.angles(width, tokens.device, self.compute)

            def turn(x):
                a, b = x.chunk(2, -1)
                return x * cos + torch.cat([-b, a], -1) * sin

            x = drop(F.embedding(tokens, self.weight("model.embed_tokens.weight")))
            for i in range(layers):
                w = lambda name: self.weight(f"model.layers.{i}.{name}.weight")
                h = F.rms_norm(x, (hidden,), w("input_layernorm"), eps).to(self.compute)
                split = lambda x, n: x.view(rows, width, n, hd).transpose(1, 2)
                q = turn(split(linear(h, w("self_attn.q_proj")), heads))
                k = turn(split(linear(h, w("self_attn.k_proj")), kv)).repeat_interleave(heads // kv, 1)
                v = split(linear(h, w("self_attn.v_proj")), kv).repeat_interleave(heads // kv, 1)
                a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
                a = a.transpose(1, 2).reshape(rows, width, heads * hd)
                x = x + drop(linear(a, w("self_attn.o_proj")))
                h = F.rms_norm(x, (hidden,), w("post_attention_layernorm"), eps).to(self.compute)
                gated = F.silu(linear(h, w("mlp.gate_proj"))) * linear(h, w("mlp.up_proj"))
                x = x + drop(linear(gated, w("mlp.down_proj")))
            return F.rms_norm(x, (hidden,), self.weight("model.norm.weight"), eps).to(self.compute)

        def logits(self, hidden_states):
            return linear(hidden_states, self.weight("model.embed_tokens.weight")).float()

        def loss(self, tokens, tactic, prompt, knobs, teachers=()):
            """Mean over the tactics' tokens, and `prompt_weight` times the mean over the prompts'. With teachers a
            share of it is the cross-entropy with their mean prediction, both at a temperature (Hinton et al. 2015)."""
            weights = tactic / tactic.sum().clamp(min=1) + knobs.prompt_weight * prompt / prompt.sum().clamp(min=1)
            weights = weights[:, :-1].flatten()
            logits = self.logits(self.hidden(tokens)[:, :-1]).flatten(0, 1)
            each = F.cross_entropy(logits, tokens[:, 1:].flatten(), reduction="none",
                                   label_smoothing=knobs.label_smoothing)
            if not teachers:
                return (each * weights).sum()
            t = knobs.distil_temperature
            with torch.no_grad():
                softened = lambda m: F.softmax(m.logits(m.hidden(tokens)[:, :-1]).flatten(0, 1) / t, -1)
                wanted = sum(softened(m) for m in teachers) / len(teachers)
            taught = -(wanted * F.log_softmax(logits / t, -1)).sum(-1) * t * t
            return ((knobs.distil_weight * taught + (1 - knobs.distil_weight) * each) * weights).sum()

    return Llama()


def evaluate(model, split, budget=65536):
    """Cross-entropy per token of the tactics, the least of it over temperatures, share of their tokens that are the
    first choice, share of tactics all of whose tokens are (what greedy decoding writes)."""
    import torch
    from torch.nn import functional as F

    if not len(split.lengths):
        return None
    was, totals = model.training, np.zeros(len(TEMPERATURES))
    model.eval()
    right = exact = tokens_seen = 0
    with torch.no_grad():
        for rows, width in plan(split.lengths, np.arange(len(split.lengths)), budget, np.random.default_rng(0)):
            tokens, tactic, _ = split.batch(torch.from_numpy(rows).to(split.tokens.device), width)
            mask, target = tactic[:, :-1], tokens[:, 1:]
            logits = model.logits(model.hidden(tokens)[:, :-1][mask])
            each = [F.cross_entropy(logits / t, target[mask], reduction="none").sum(dtype=torch.float64)
                    for t in TEMPERATURES]
            totals += torch.stack(each).cpu().numpy()
            good = torch.ones_like(mask)
            good[mask] = logits.argmax(-1) == target[mask]
            right += int((good & mask).sum())
            exact += int(good.all(1).sum())
            tokens_seen += int(mask.sum())
    model.train(was)
    n, best = len(split.lengths), int(totals.argmin())
    return {"loss": totals[TEMPERATURES.index(1.0)] / tokens_seen, "calibrated_loss": totals[best] / tokens_seen,
            "temperature": TEMPERATURES[best], "token_accuracy": right / tokens_seen, "exact": exact / n, "steps": n}


class Muon:
    """Momentum, orthogonalised by five Newton-Schulz steps (Jordan et al. 2024), for matrices; all of a shape at a
    time. The step has the size of AdamW's (Liu et al. 2025, arXiv:2502.16982)."""

    def __init__(self, parameters, weight_decay, momentum=0.95):
        import torch

        self.weight_decay, self.momentum = weight_decay, momentum
        shapes = {}
        for p in parameters:
            shapes.setdefault(tuple(p.shape), []).append(p)
        self.groups = [(ps, torch.zeros(len(ps), *shape, device=ps[0].device)) for shape, ps in shapes.items()]

    def step(self, lr):
        import torch

        with torch.no_grad():
            for parameters, momentum in self.groups:
                gradient = torch.stack([p.grad for p in parameters])
                momentum.lerp_(gradient, 1 - self.momentum)
                x = gradient.lerp(momentum, self.momentum).bfloat16()
                tall = x.shape[1] > x.shape[2]
                x = x.mT if tall else x
                x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
                for _ in range(5):
                    a = x @ x.mT
                    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
                x = (x.mT if tall else x).float()
                scale = 0.2 * math.sqrt(max(x.shape[1:]))
                torch._foreach_mul_(parameters, 1 - lr * self.weight_decay)
                torch._foreach_add_(parameters, list((x * (-lr * scale)).unbind(0)))


class Stepper:
    """Loss and clipped gradients of a batch. On a GPU the work of a batch's shape is recorded once and played again
    (a CUDA graph): models of this size are otherwise bound by starting kernels, not by computing."""

    def __init__(self, model, split, parameters, knobs, teachers, graphs, say):
        import torch

        self.model, self.split, self.parameters, self.knobs, self.teachers = model, split, parameters, knobs, teachers
        self.graphs, self.say, self.recorded, self.pool = graphs, say, {}, None
        for p in parameters:
            p.grad = torch.zeros_like(p)
        self.gradients = [p.grad for p in parameters]

    def compute(self, rows, width):
        import torch

        torch._foreach_zero_(self.gradients)
        loss = self.model.loss(*self.split.batch(rows, width), self.knobs, self.teachers)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.knobs.clip)
        return loss.detach()

    def __call__(self, rows, width):
        import torch

        if not self.graphs:
            return self.compute(rows, width)
        key = (len(rows), width)
        if key not in self.recorded:
            try:
                self.recorded[key] = self.record(rows.clone(), width)
            except RuntimeError as e:
                self.say(f"CUDA graphs do not work here, going on without: {e}")
                self.graphs = False
                return self.compute(rows, width)
        graph, wanted, loss = self.recorded[key]
        wanted.copy_(rows)
        graph.replay()
        return loss

    def record(self, rows, width):
        import torch

        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                self.compute(rows, width)
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.empty_cache()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            loss = self.compute(rows, width)
        self.pool = self.pool or graph.pool()
        return graph, rows, loss


def run(folder, out, knobs, device, args):
    """One run from the first step to its folder."""
    import torch
    from safetensors.numpy import load_file

    read = lambda name: json.load(open(os.path.join(folder, name)))
    data, config = read("dataset.json"), read("config.json")
    base = os.path.join(folder, "model.safetensors")
    if os.path.exists(base):
        if any(getattr(knobs, k) is not None for k in ("layers", "hidden", "heads", "kv_heads", "mlp")):
            sys.exit("error: the data set goes on from a bundle, whose shape cannot be changed")
    else:
        for key, name in [("num_hidden_layers", "layers"), ("hidden_size", "hidden"),
                          ("num_attention_heads", "heads"), ("num_key_value_heads", "kv_heads"),
                          ("intermediate_size", "mlp")]:
            config[key] = getattr(knobs, name) or config[key]
        config["head_dim"] = config["hidden_size"] // config["num_attention_heads"]
    if not config["tie_word_embeddings"]:
        sys.exit("error: this script trains models whose output projection is the embedding")

    torch.manual_seed(knobs.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    model = make_model(config, knobs.dropout).to(device)
    if os.path.exists(base):
        weights = load_file(base)
        with torch.no_grad():
            for name in model.names:
                model.weight(name).copy_(torch.from_numpy(weights[name].astype(np.float32)))
    model.compute = torch.bfloat16 if device == "cuda" else torch.float32
    parameters = [model.weight(n) for n in model.names]
    groups = [{"params": [p for p in parameters if p.dim() == 2], "weight_decay": knobs.weight_decay},
              {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0}]
    muon = None
    if knobs.optimizer == "muon":
        blocks = [model.weight(n) for n in model.names if "layers" in n and model.weight(n).dim() == 2]
        muon = Muon(blocks, knobs.weight_decay)
        groups[0]["params"] = [p for p in groups[0]["params"] if all(p is not b for b in blocks)]
    optimizer = torch.optim.AdamW(groups, lr=knobs.lr, betas=(knobs.beta1, knobs.beta2), eps=1e-8,
                                  fused=device == "cuda")
    average = [p.detach().clone() for p in parameters] if knobs.ema else None

    tensors = load_file(os.path.join(folder, "tokens.safetensors"))
    train, validation, held_out = (Split(tensors, s, device) for s in ("train", "validation", "heldout"))
    del tensors
    chosen = np.random.default_rng(12345).permutation(data["declarations"])
    chosen = chosen[: max(1, round(knobs.fraction * data["declarations"]))]
    kept = np.isin(train.declarations, chosen)
    n_passes = min(knobs.passes or data["passes"], data["passes"])
    say = lambda text: print(f"[{knobs.name}] {text}", flush=True)
    count = sum(p.numel() for p in parameters)
    say(f"{count / 1e6:.2f} M parameters, {int(kept[:train.passes[1]].sum())} steps, {n_passes} passes on {device}")

    teachers = [load_teacher(os.path.join(os.path.dirname(out), n), model.compute, device)
                for n in best_of(os.path.dirname(out), args.before, knobs.distil)] if knobs.distil else []
    if knobs.distil:
        say(f"{len(teachers)} teachers")
    graphs = device == "cuda" and not args.no_graphs
    stepper = Stepper(model, train, parameters, knobs, teachers, graphs, say)
    planned = plan_by_width if graphs or args.by_width else plan

    state = {"step": 0, "epoch": 0, "index": 0, "seconds": 0.0, "tokens": 0, "history": [], "best": None}
    checkpoint = os.path.join(out, "checkpoint.pt")
    if args.resume and os.path.exists(checkpoint):
        saved = torch.load(checkpoint, map_location=device, weights_only=False)
        state = saved["state"]
        optimizer.load_state_dict(saved["optimizer"])
        if muon:
            for (_, momentum), s in zip(muon.groups, saved["muon"]):
                momentum.copy_(s)
        with torch.no_grad():
            for p, s in zip(parameters, saved["parameters"]):
                p.copy_(s)
        average = saved["average"]
        torch.set_rng_state(saved["random"].cpu())
        say(f"goes on at step {state['step']}")
    os.makedirs(out, exist_ok=True)

    def save_checkpoint():
        torch.save({"state": state, "optimizer": optimizer.state_dict(), "average": average,
                    "muon": [m for _, m in muon.groups] if muon else None,
                    "parameters": [p.detach() for p in parameters], "random": torch.get_rng_state()},
                   checkpoint + ".new")
        os.replace(checkpoint + ".new", checkpoint)

    def averaged(f):
        """Calls `f` with the averaged weights in place of the last ones."""
        if average is None:
            return f()
        kept_back = [p.detach().clone() for p in parameters]
        with torch.no_grad():
            torch._foreach_copy_(parameters, average)
            result = f()
            torch._foreach_copy_(parameters, kept_back)
        return result

    def look(loss, rate):
        seen = averaged(lambda: (evaluate(model, validation), evaluate(model, held_out)))
        # JSON has no number for what was not measured.
        state["history"].append({"step": state["step"], "seconds": round(state["seconds"], 1),
                                 "train": loss if math.isfinite(loss) else None,
                                 "validation": seen[0], "heldout": seen[1]})
        judged = seen[0] or seen[1] or {"calibrated_loss": loss, "temperature": 1.0}
        value = judged["calibrated_loss"]
        if state["best"] is None or value < state["best"]["value"]:
            weights = averaged(lambda: [p.detach().clone() for p in parameters])
            state["best"] = {"value": value, "step": state["step"], "weights": weights,
                             "temperature": judged["temperature"]}
        show = lambda e: "none" if e is None else (
            f"{e['loss']:.4f} ({e['calibrated_loss']:.4f} at {e['temperature']}, exact {100 * e['exact']:.1f} %)")
        say(f"step {state['step']} epoch {state['epoch']} train {loss:.4f} validation {show(seen[0])} held out "
            f"{show(seen[1])} {rate:.0f} tokens/s")

    model.train()
    clock = looked = saved_at = time.monotonic()
    sums, steps_summed, tokens_looked, begun = None, 0, state["tokens"], time.monotonic()
    done = 0.0
    while done < 1.0:
        number = state["epoch"] % n_passes
        rows = np.arange(train.passes[number], train.passes[number + 1])
        groups_of_pass = planned(train.lengths, rows[kept[rows]], knobs.batch_tokens,
                                 np.random.default_rng([knobs.seed, state["epoch"]]))
        sizes = [int(train.lengths[g[g >= 0]].sum()) for g, _ in groups_of_pass]
        on_device = torch.from_numpy(np.concatenate([g for g, _ in groups_of_pass])).to(device)
        bounds = np.cumsum([0] + [len(g) for g, _ in groups_of_pass])
        for i in range(state["index"], len(groups_of_pass)):
            done = state["seconds"] / (60 * knobs.minutes)
            if done >= 1.0:
                break
            warm = min(1.0, (state["step"] + 1) / max(1, knobs.warmup))
            cosine = 0.5 * (1 + math.cos(math.pi * done))
            lr = knobs.lr * warm * (knobs.final_share + (1 - knobs.final_share) * cosine)
            for group in optimizer.param_groups:
                group["lr"] = lr
            loss = stepper(on_device[bounds[i] : bounds[i + 1]], groups_of_pass[i][1])
            optimizer.step()
            if muon:
                muon.step(lr)
            if average is not None:
                # Early on a short memory: the first weights are far from any good ones.
                decay = min(knobs.ema, (1 + state["step"]) / (10 + state["step"]))
                torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - decay)
            sums = loss.clone() if sums is None else sums + loss
            steps_summed += 1
            state["step"] += 1
            state["index"] = i + 1
            state["tokens"] += sizes[i]
            if device == "cuda" and state["step"] % 20 == 0:
                torch.cuda.synchronize()  # so that the clock does not run ahead of the work
            now = time.monotonic()
            state["seconds"] += now - clock
            clock = now
            if now - looked >= knobs.eval_seconds:
                mean = float(sums) / steps_summed
                if not math.isfinite(mean):
                    sys.exit(f"error: [{knobs.name}] the loss is not finite: the learning rate is too high")
                look(mean, (state["tokens"] - tokens_looked) / (time.monotonic() - begun))
                sums, steps_summed, tokens_looked = None, 0, state["tokens"]
                looked = begun = clock = time.monotonic()
            if now - saved_at >= knobs.save_seconds:
                save_checkpoint()
                saved_at = clock = time.monotonic()
        else:
            state["epoch"] += 1
            state["index"] = 0
    look(float(sums) / max(1, steps_summed) if sums is not None else float("nan"),
         (state["tokens"] - tokens_looked) / max(1e-9, time.monotonic() - begun))
    save_checkpoint()

    best = state.pop("best")
    with torch.no_grad():
        # Half precision is what is kept, so it is what is measured.
        torch._foreach_copy_(parameters, best["weights"])
        model.weight("model.norm.weight").div_(best["temperature"])
        torch._foreach_copy_(parameters, [p.half().float() for p in parameters])
    model.compute = torch.float32
    model.eval()
    figures = {"validation": evaluate(model, validation), "heldout": evaluate(model, held_out)}
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(os.path.join(folder, name), os.path.join(out, name))
    json.dump(config, open(os.path.join(out, "config.json"), "w"), indent=2)
    write_weights(out, {n: model.weight(n).detach().half().cpu() for n in model.names}, args.shard_mib)
    reference, difference = as_transformers(out, model, held_out if len(held_out.lengths) else train)
    for name, split in (("validation", validation), ("heldout", held_out)):
        if knobs.beam_rows and len(split.lengths):
            figures[name] |= beam(reference.to(device), split, config, out, data["limits"], knobs.beam_rows)
    hardware = torch.cuda.get_device_name() if device == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    training = {
        "trainer": f"scripts/train_torch.py, PyTorch {torch.__version__}", "hardware": hardware, "objective": "sft",
        "license": args.license,
        "prompt_template": data["prompt_template"], "limits": data["limits"], "base": data["base"],
        "knobs": dataclasses.asdict(knobs), "rename": data["knobs"]["rename"], "parameters": count,
        "proof_steps": int(kept[: train.passes[1]].sum()), "left_out": data["left_out"], "steps": state["step"],
        "passes": round(state["epoch"] + state["index"] / max(1, len(groups_of_pass)), 2),
        "tokens": state["tokens"], "seconds": round(state["seconds"], 1),
        "tokens_per_second": state["tokens"] / max(1e-9, state["seconds"]), "best_step": best["step"],
        "temperature": best["temperature"],
        "transformers_max_abs_diff": difference, "figures": figures, "history": state["history"],
    }
    json.dump(training, open(os.path.join(out, "training.json"), "w"), indent=1)
    say(f"best at step {best['step']}: {json.dumps(figures)}")
    os.remove(checkpoint)


def write_weights(out, weights, shard_mib):
    """Standard safetensors, in shards with an index where one file would be larger than asked for."""
    from safetensors.torch import save_file

    for old in os.listdir(out):
        if old.startswith("model") and ".safetensors" in old:
            os.remove(os.path.join(out, old))
    shards, size = [{}], 0
    for name, tensor in weights.items():
        n = tensor.numel() * tensor.element_size()
        if shard_mib and size + n > shard_mib * 2**20 and shards[-1]:
            shards.append({})
            size = 0
        shards[-1][name] = tensor.contiguous()
        size += n
    if len(shards) == 1:
        save_file(shards[0], os.path.join(out, "model.safetensors"), {"format": "pt"})
        return
    index = {"metadata": {"total_size": sum(t.numel() * t.element_size() for t in weights.values())}, "weight_map": {}}
    for i, shard in enumerate(shards):
        file = f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
        save_file(shard, os.path.join(out, file), {"format": "pt"})
        index["weight_map"] |= {name: file for name in shard}
    json.dump(index, open(os.path.join(out, "model.safetensors.index.json"), "w"), indent=1)


def load_teacher(out, compute, device):
    """A finished run's model."""
    import torch
    from safetensors.torch import load_file

    model = make_model(json.load(open(os.path.join(out, "config.json"))), 0.0).to(device).eval()
    with torch.no_grad():
        for file in os.listdir(out):
            if file.endswith(".safetensors"):
                for name, tensor in load_file(os.path.join(out, file)).items():
                    model.weight(name).copy_(tensor.to(device))
    # Frozen, and in the precision of computing, so that nothing is converted at every step.
    for name in model.names:
        p = model.weight(name)
        p.requires_grad_(False)
        if p.dim() == 2 and "embed" not in name:
            p.data = p.data.to(compute)
    model.compute = compute
    return model


def as_transformers(out, model, split):
    """The written checkpoint as `transformers` loads it, and the largest difference of its logits from ours."""
    import torch
    from transformers import LlamaForCausalLM

    reference = LlamaForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    worst = 0.0
    device = split.tokens.device
    reference.to(device)
    with torch.no_grad():
        for row in range(0, len(split.lengths), max(1, len(split.lengths) // 4))[:4]:
            tokens, _, _ = split.batch(torch.tensor([row], device=device), int(split.lengths[row]))
            worst = max(worst, float((reference(tokens).logits - model.logits(model.hidden(tokens))).abs().max()))
    if not worst < 5e-2:
        sys.exit(f"error: transformers computes other logits from the checkpoint: they differ by {worst}")
    return reference, worst


def beam(model, split, config, out, limits, most):
    """Share of held-out tactics among the first and the first eight of a beam search, compared as text."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(os.path.join(out, "tokenizer.json"))
    device, width_of = split.tokens.device, split.prompts
    model.to(torch.bfloat16 if device.type == "cuda" else torch.float32)
    rows = np.arange(0, len(split.lengths), max(1, -(-len(split.lengths) // most)))
    order = rows[np.argsort(width_of[rows], kind="stable")]
    first = among = 0
    for begin in range(0, len(order), 128):
        some = order[begin : begin + 128]
        width = int(width_of[some].max())
        prompts = torch.zeros((len(some), width), dtype=torch.long)
        mask = torch.zeros_like(prompts)
        texts = []
        for i, row in enumerate(some):
            start, n = int(split.starts[row]), int(split.prompts[row])
            all_tokens = split.tokens[start : start + int(split.lengths[row])].cpu().long()
            prompts[i, width - n :], mask[i, width - n :] = all_tokens[:n], 1
            texts.append(tokenizer.decode(all_tokens[n:].tolist()))
        with torch.no_grad():
            found = model.generate(
                prompts.to(device), attention_mask=mask.to(device), num_beams=8, num_return_sequences=8,
                max_new_tokens=limits["tactic_tokens"], do_sample=False, length_penalty=0.0,
                eos_token_id=config["eos_token_id"], pad_token_id=config["pad_token_id"])
        for i, text in enumerate(texts):
            eight = [tokenizer.decode(s[width:].tolist()).rstrip() for s in found[8 * i : 8 * i + 8]]
            first += eight[0] == text.rstrip()
            among += text.rstrip() in eight
    return {"beam_exact_at_1": first / len(order), "beam_exact_at_8": among / len(order), "beam_steps": len(order)}


def finished(out, name):
    try:
        return json.load(open(os.path.join(out, name, "training.json")))
    except (OSError, ValueError):
        return None


def merit(training):
    """What runs are chosen by: the validation loss of the kept weights."""
    f = training["figures"]
    return (f["validation"] or f["heldout"] or {"loss": float("inf")})["loss"]


def best_of(out, names, most=1, parameters=math.inf):
    """The best runs over all data, the best first; of at most so many parameters."""
    whole = [(merit(t), n) for n in names if (t := finished(out, n)) and t["knobs"]["fraction"] >= 1.0]
    return [n for _, n in sorted(whole) if finished(out, n)["parameters"] <= parameters][:most]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dataset", help="folder written by `lean-copilot finetune --write-dataset`")
    p.add_argument("--out", required=True, help="folder for the results")
    p.add_argument("--runs", help="JSON list of runs")
    p.add_argument("--only", help="of --runs, only the one of this name")
    p.add_argument("--jobs", type=int, default=1, help="runs at a time")
    p.add_argument("--device", choices=["cpu", "cuda"], help="default: cuda where there is one")
    p.add_argument("--threads", type=int, help="CPU threads of a run")
    p.add_argument("--total-minutes", type=float, help='with --runs: shortens the runs "like" others to end in time')
    p.add_argument("--no-graphs", action="store_true", help="on CUDA: start every kernel by itself")
    p.add_argument("--by-width", action="store_true", help="batches as for CUDA graphs, to see what they cost")
    p.add_argument("--before", nargs="*", default=[], help="finished runs that `distil` may take its teachers from")
    p.add_argument("--license", help="the weights' licence, for the card")
    p.add_argument("--resume", action="store_true", help="go on from checkpoints; finished runs are not repeated")
    p.add_argument("--conclude", action="store_true", help="with --runs: only write `best` and runs.json of what is finished")
    p.add_argument("--shard-mib", type=float, default=0, help="largest file of weights; 0: one file")
    p.add_argument("--most-parameters", type=float, default=math.inf,
                   help="larger runs teach and are reported, but are not `best`")
    for f in dataclasses.fields(Knobs):
        kind = {"int": int, "float": float}.get(str(getattr(f.type, "__name__", f.type)).split(" ")[0], str)
        p.add_argument(f"--{f.name.replace('_', '-')}", type=kind, default=None, help=f"default {f.default}")
    args = p.parse_args()
    given = {f.name: v for f in dataclasses.fields(Knobs) if (v := getattr(args, f.name)) is not None}
    entries = json.load(open(args.runs)) if args.runs else [{}]
    entries = [dataclasses.asdict(Knobs()) | e | given if not args.runs else dataclasses.asdict(Knobs()) | given | e
               for e in entries]
    names = [e["name"] for e in entries]
    if len(set(names)) != len(names):
        sys.exit("error: two runs have the same name")

    if args.conclude:
        return conclude(args.out, names, args.most_parameters)
    if args.only or len(entries) == 1:
        import torch

        if args.threads:
            torch.set_num_threads(args.threads)
        device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
        entry = next(e for e in entries if e["name"] == (args.only or names[0]))
        folder = os.path.join(args.out, entry["name"])
        if not (args.resume and finished(args.out, entry["name"])):
            run(args.dataset, folder, Knobs(**entry), device, args)
        if args.only:
            return
    else:
        schedule(args, entries)
    conclude(args.out, names, args.most_parameters)


def schedule(args, entries):
    """Runs in processes of their own, `--jobs` at a time; `"like"` waits for those before it."""

    def child(entry):
        file = os.path.join(args.out, f".{entry['name']}.json")
        json.dump([entry], open(file, "w"))
        command = [sys.executable, os.path.abspath(__file__), args.dataset, "--out", args.out, "--runs", file, "--only",
                   entry["name"], "--shard-mib", str(args.shard_mib)]
        command += ["--device", args.device] if args.device else []
        command += ["--threads", str(args.threads)] if args.threads else []
        command += ["--resume"] if args.resume else []
        command += ["--license", args.license] if args.license else []
        command += ["--no-graphs"] if args.no_graphs else []
        command += ["--before", *before]
        code = subprocess.call(command)
        os.remove(file)
        if code:
            print(f"[{entry['name']}] failed with exit code {code}", flush=True)

    os.makedirs(args.out, exist_ok=True)
    begun = time.monotonic()
    waiting = list(entries)
    before = []
    while waiting:
        first = waiting[0]["like"]
        group = []
        while waiting and bool(waiting[0]["like"]) == bool(first):
            group.append(waiting.pop(0))
        if first:
            like = next(iter(best_of(args.out, before)), None)
            knobs = finished(args.out, like)["knobs"] if like else {}
            own = {e["name"]: e for e in json.load(open(args.runs))}
            group = [e | knobs | own[e["name"]] | {"like": like} for e in group]
            if args.total_minutes:
                # What starting, evaluating and writing takes is not training.
                left = args.total_minutes - (time.monotonic() - begun) / 60
                left = max(0.1, left / -(-len(group) // max(1, args.jobs)) - 1.1)
                group = [e | {"minutes": min(e["minutes"], left)} for e in group]
            print(f"like `{like}`: {', '.join(e['name'] for e in group)}", flush=True)
        with ThreadPoolExecutor(max(1, args.jobs)) as pool:
            list(pool.map(child, group))
        before += [e["name"] for e in group]


def conclude(out, names, most_parameters):
    """`best` and `runs.json`."""
    best = next(iter(best_of(out, names, 1, most_parameters)), None)
    rows = []
    for name in names:
        t = finished(out, name)
        rows.append({"name": name, "best": name == best, "failed": True} if t is None else
                    {"name": name, "best": name == best, "validation_loss": merit(t)} |
                    {k: t[k] for k in ("knobs", "parameters", "proof_steps", "passes", "tokens", "seconds",
                                       "tokens_per_second", "best_step", "temperature", "figures", "history")})
    json.dump(rows, open(os.path.join(out, "runs.json"), "w"), indent=1)
    if best:
        shutil.rmtree(os.path.join(out, "best"), ignore_errors=True)
        shutil.copytree(os.path.join(out, best), os.path.join(out, "best"))
    print(f"best: {best}", flush=True)
    if any("failed" in r for r in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()

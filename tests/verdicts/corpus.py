#!/usr/bin/env python3
"""The corpus of verdicts: places in Lean files, tactics at them, and what Lean itself says of each.

    corpus.py generate      writes pairs.jsonl anew from written.txt and the proofs in examples/ (labels kept)
    corpus.py label         labels every pair anew
    corpus.py check N SEED  compiles N pairs drawn by SEED, whole files and nothing reused; fails if a label differs

Labels come from compiling whole files with Lean alone. Nothing of lean-copilot is used: the edit is made here,
by the rule that stands in `edited`. The command of Lean (arguments are appended) is in LEAN; without it, `lean`.
With CORPUS_CACHE, the path of a file, `label` keeps what Lean said there and asks only for what is new.

A pair: {"id", "kind", "source": file or null, "text": or null, "range": [[line, column], [line, column]],
"hole", "lead", "trail", "followed", "tactic", "label"}. The unedited document is the file (or the text) with
`hole` in place of the range; the edited one has `lead`, the tactic and `trail` there. Lines and columns count
from 1, in code points.

A label: {"accepted", "completes", "no_progress", "message"}.
  accepted     no error anywhere, and no `sorry`, that the unedited document has not; where no tactic of the same
               block follows, goals may be left: they are then closed by an axiom of this script's
  completes    the edited document has no new error, and its declaration neither error nor `sorry`
  no_progress  Lean prints the same goals before and behind the tactic
"""
import hashlib
import json
import os
import random
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PAIRS = os.path.join(HERE, "pairs.jsonl")
SEED = 20260
# An axiom and not `sorry`, so that a `sorry` of the tactic is seen.
AXIOM = "axiom corpusAxiom.{corpusU} {α : Sort corpusU} : α\n"
FILL = "all_goals exact corpusAxiom"
UNSOLVED = "unsolved goals"


# ---------------------------------------------------------------- documents
def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def offset(text, line, column):
    at = 0
    for _ in range(line - 1):
        at = text.index("\n", at) + 1
    return at + column - 1


def place(text, at):
    return [text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1]


def parts(pair):
    """The document before and behind the range."""
    text = pair["text"] if pair["source"] is None else read(pair["source"])
    (start, end) = (offset(text, *p) for p in pair["range"])
    return text[:start], text[end:]


def edited(pair, tactic):
    """The edit: further lines of the tactic are indented to the column of its first."""
    before, after = parts(pair)
    head = before + pair["lead"]
    margin = " " * (len(head) - (head.rfind("\n") + 1))
    lines = tactic.split("\n")
    body = "\n".join([lines[0]] + [margin + l if l.strip() else "" for l in lines[1:]])
    return head + body + pair["trail"] + after


def unedited(pair):
    before, after = parts(pair)
    return before + pair["hole"] + after


def declaration(text, at):
    """First and last line of the declaration around an offset: it begins in the first column."""
    starts = [i + 1 for i, l in enumerate(text.split("\n")) if re.match(r"[a-z@/#]", l) and not l.startswith("end")]
    line = place(text, at)[0]
    first = max([s for s in starts if s <= line], default=1)
    last = min([s for s in starts if s > line], default=len(text) + 1) - 1
    return first, last


# ---------------------------------------------------------------- Lean
def compile_all(texts, fresh=False):
    """{key: messages} of {key: text}, in the order given, by one process."""
    cache = None if fresh else os.environ.get("CORPUS_CACHE")
    known = {}
    if cache and os.path.exists(cache):
        with open(cache, encoding="utf-8") as f:
            known = dict(json.loads(line) for line in f)
    digest = {k: hashlib.sha256(t.encode()).hexdigest() for k, t in texts.items()}
    out = {k: known[digest[k]] for k in texts if digest[k] in known}
    texts = {k: t for k, t in texts.items() if k not in out}
    if not texts:
        return out
    lean = shlex.split(os.environ.get("LEAN", "lean"))
    command = lean + ["--run", os.path.join(HERE, "compile.lean")] + (["fresh"] if fresh else [])
    def start():
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    process, deaths = start(), 0
    for n, (key, text) in enumerate(texts.items()):
        while True:
            try:
                process.stdin.write(json.dumps({"id": key, "text": text}) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                line = ""
            if line:
                break
            # A process that died is started again, a few times in all.
            deaths += 1
            process.kill()
            if deaths > 5:
                sys.exit(f"error: Lean ended at {key} ({process.wait()})")
            process = start()
        answer = json.loads(line)
        if answer["id"] != key or "failed" in answer:
            sys.exit(f"error: {answer}")
        out[key] = answer["messages"]
        if cache:
            with open(cache, "a", encoding="utf-8") as f:
                f.write(json.dumps([digest[key], answer["messages"]]) + "\n")
        if sys.stderr.isatty() or n % 100 == 99:
            print(f"\r{n + 1}/{len(texts)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    process.stdin.close()
    process.wait()
    return out


def is_sorry(m):
    return m["severity"] == "warning" and m["text"].startswith("declaration uses") and "sorry" in m["text"]


def new(messages, known, line, delta):
    """Messages that the unedited document has not, whose lines behind the hole have moved."""
    def key(m, moved):
        text = UNSOLVED if m["text"].startswith(UNSOLVED) else m["text"]
        return (m["line"] + (moved if m["line"] > line else 0), m["column"], text)
    old = {key(m, delta) for m in known}
    return [m for m in messages if key(m, 0) not in old]


def texts_of(pair):
    """Three documents: unedited, edited, and edited with the goals shown and, where they may be left, closed."""
    tactic = pair["tactic"]
    shown = "trace_state\n" + tactic + "\ntrace_state" + ("" if pair["followed"] else "\n" + FILL)
    filled = edited(pair, shown)
    imports = list(re.finditer(r"^import .*\n", filled, re.M))
    at = imports[-1].end() if imports else 0
    return {"base": unedited(pair), "alone": edited(pair, tactic), "filled": filled[:at] + AXIOM + filled[at:]}


def faults(pair, said, name):
    """The errors, and the `sorry` of the declaration, in one of the documents and not in the unedited one."""
    before, after = parts(pair)
    line = place(before, len(before))[0]
    texts = texts_of(pair)
    moved = texts[name].count("\n") - texts["base"].count("\n")
    messages = said[name]
    if name == "filled":
        # The axiom is a line of its own, and no code can be made from it.
        moved -= 1
        messages = [dict(m, line=m["line"] - 1) for m in messages if "corpusAxiom" not in m["text"]]
    first, last = declaration(texts["base"], len(before))
    rest = "\n".join((before + "\n" + after).split("\n")[first - 1:last + 1])
    # The hole was a `sorry`, mostly: one that is still there is the tactic's, unless the author left another.
    base = said["base"] if re.search(r"\b(sorry|admit)\b", rest) else [
        m for m in said["base"] if not (is_sorry(m) and first <= m["line"] <= last)]
    return new([m for m in messages if m["severity"] == "error" or is_sorry(m)], base, line, moved)


def needs_filled(pair, said):
    """Whether the third document tells something that the second does not. Where the second is as wrong as the
    unedited one, an empty block for instance, the third tells whether the goals are the same."""
    return bool(faults(pair, said, "alone")) != pair["followed"] or not stands(pair, said)


def stands(pair, said):
    """Whether the declaration has neither error nor `sorry` in the edited document."""
    before, _ = parts(pair)
    first, last = declaration(texts_of(pair)["alone"], len(before))
    return not any(first <= m["line"] <= last and (m["severity"] == "error" or is_sorry(m)) for m in said["alone"])


def label_of(pair, said):
    alone = faults(pair, said, "alone")
    filled = faults(pair, said, "filled") if "filled" in said else None
    accepted = not alone or (not pair["followed"] and not filled)
    goals = [m["text"].strip() for m in said.get("filled", [])
             if m["severity"] == "information" and ("⊢" in m["text"] or not m["text"].strip())]
    return {"accepted": accepted, "completes": not alone and stands(pair, said),
            "no_progress": accepted and len(goals) >= 2 and goals[0] == goals[1],
            "message": None if accepted else (filled or alone)[0]["text"].split("\n")[0][:200]}


def labels(pairs, fresh=False):
    """Labels in the order of the pairs. Documents that are alike are compiled one after another."""
    every = [texts_of(pair) for pair in pairs]

    def compiled(wanted):
        texts = sorted({every[i][name] for i, name in wanted}, key=lambda t: (AXIOM in t, t))
        keys = {t: str(n) for n, t in enumerate(texts)}
        said = compile_all({keys[t]: t for t in texts}, fresh)
        return {(i, name): said[keys[every[i][name]]] for i, name in wanted}

    said = compiled([(i, name) for i in range(len(pairs)) for name in ("base", "alone")])
    results = [{name: said[i, name] for name in ("base", "alone")} for i in range(len(pairs))]
    third = [(i, "filled") for i, pair in enumerate(pairs) if needs_filled(pair, results[i])]
    for (i, name), messages in compiled(third).items():
        results[i][name] = messages
    return [label_of(pair, results[i]) for i, pair in enumerate(pairs)]


# ---------------------------------------------------------------- pairs
def written():
    """The pairs of written.txt."""
    blocks = re.split(r"^== ", read("tests/verdicts/written.txt"), flags=re.M)[1:]
    for n, block in enumerate(blocks):
        head, rest = block.split("\n", 1)
        text, tactics = rest.split("\n--\n")
        kind, *flags = head.split()
        before, inside, after = re.fullmatch(r"(.*)⟦(.*?)⟧(.*)", text, re.S).groups()
        hole, lead, trail = (inside.split("|") + ["", ""])[:3]
        at = place(before, len(before))
        for k, entry in enumerate(re.split(r"^> ", tactics, flags=re.M)[1:]):
            first, *more = entry.rstrip("\n").split("\n")
            tactic = "\n".join([first] + [l.removeprefix(".").removeprefix(" ") for l in more])
            yield {"id": f"w{n:02}-{k}", "kind": kind, "source": None, "text": before + after + "\n",
                   "range": [at, at], "hole": hole, "lead": lead.replace("\\n", "\n"),
                   "trail": trail.replace("\\n", "\n"), "followed": "followed" in flags, "tactic": tactic}


def dedent(source, column):
    """A step's text with its lines moved so that its first stands in column 0."""
    lines = source.split("\n")
    return "\n".join([lines[0]] + [l[column - 1:] if l[:column - 1].strip() == "" else l.lstrip() for l in lines[1:]])


GENERIC = ["simp", "omega", "rfl", "simp_all", "assumption", "constructor", "intro x", "decide", "skip", "trivial",
           "exfalso", "symm", "contradiction", "ext", "split", "try simp", "apply Eq.symm", "have h := trivial",
           "all_goals simp", "repeat constructor", "sorry", "exact (by sorry)", "first | done | simp", "clear h"]


def proofs(count):
    """Pairs from real proofs: the author's tactic and others, in place of one step, of the rest of its block, or
    before it."""
    random_ = random.Random(SEED)
    by_file = {}
    for line in read("examples/steps.jsonl").splitlines():
        step = json.loads(line)
        if step["origin"] == "written" and step["error"] is None:
            by_file.setdefault(step["file"], []).append(step)
    made = []
    files = sorted(by_file)
    random_.shuffle(files)
    per_file = -(-count // len(files))
    for name in files:
        text = read(name)
        steps = by_file[name]
        pool = sorted({dedent(s["source"], s["range"]["start"][1]) for s in steps if "\n" not in s["source"]})
        # Late in the file: what stands behind the place is compiled anew for each pair.
        late = 0.6 * text.count("\n")
        chosen = [s for s in steps if len(s["source"]) < 200 and s["range"]["start"][0] > late]
        random_.shuffle(chosen)
        here = []
        for step in chosen:
            if len(here) >= per_file:
                break
            here += pairs_at(name, text, steps, step, pool, random_)
        made += here[:per_file]
    for n, pair in enumerate(made):
        yield {"id": f"p{n:03}", **pair}


def bullet_follows(text, stop, column):
    """Whether the next line is a bullet of the same block: bullets are no steps, and go on with what is left."""
    return re.match(rf"[ ]*\n(?:[ ]*\n)*[ ]{{{column - 1}}}·", text[stop:]) is not None


def pairs_at(name, text, steps, step, pool, random_):
    start, end = (offset(text, *step["range"][k]) for k in ("start", "end"))
    column = step["range"]["start"][1]
    siblings = {offset(text, *s["range"]["start"]): offset(text, *s["range"]["end"]) for s in steps
                if s["parent"] == step["parent"] and s["decl"] == step["decl"] and s["range"]["start"][1] == column}
    block_end = end
    while True:
        gap = re.match(r"\s*", text[block_end:]).end()
        if block_end + gap not in siblings:
            break
        block_end = siblings[block_end + gap]
    last = block_end == end
    alone = text[text.rfind("\n", 0, start) + 1:start].strip() == ""
    how = random_.choice(["rest", "rest", "step", "before"] if not last else ["rest", "rest", "before"])
    if how == "before" and not alone:
        how = "rest"
    author = dedent(step["source"], column)
    own = step["decl"].split(".")[-1]
    others = [t for t in random_.sample(pool, min(4, len(pool))) if t != author]
    others += random_.sample(GENERIC, 2) + [random_.choice([f"exact {own}", f"apply {own}", f"simp [{own}]", f"rw [{own}]"])]
    random_.shuffle(others)
    tactics = [(author, "author")] + [(t, "other") for t in others[:2]]
    base = {"source": name, "text": None, "lead": "", "trail": ""}
    if how == "before":
        where = {"range": [place(text, start)] * 2, "hole": "", "trail": "\n" + " " * (column - 1), "followed": True}
        tactics = tactics[1:] + [("have saved := trivial", "other")]
    else:
        stop = block_end if how == "rest" else end
        where = {"range": [place(text, start), place(text, stop)], "hole": "sorry",
                 "followed": how == "step" or bullet_follows(text, stop, column)}
    for tactic, whose in tactics:
        kind = f"proof_{how}"
        if re.search(rf"\b{re.escape(own)}\b", tactic):
            kind = "own_name"
        elif "sorry" in tactic:
            kind = "sorry_disguised"
        elif "<;>" in tactic:
            kind = "seq_focus"
        elif "\n" in tactic and whose == "author":
            kind = "indentation"
        elif how in ("step", "before"):
            kind = "what_follows"
        yield {"kind": kind, **base, **where, "tactic": tactic}


# ---------------------------------------------------------------- commands
def load():
    if not os.path.exists(PAIRS):
        return []
    with open(PAIRS, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def save(pairs):
    with open(PAIRS, "w", encoding="utf-8") as f:
        for pair in pairs:
            f.write(json.dumps(pair, ensure_ascii=False) + "\n")


def identity(pair):
    return json.dumps([pair["source"], pair["text"], pair["range"], pair["hole"], pair["tactic"]])


def main(args):
    if args == ["generate"]:
        known = {identity(p): p.get("label") for p in load()}
        pairs, seen = [], set()
        for pair in list(written()) + list(proofs(170)):
            if identity(pair) not in seen:
                seen.add(identity(pair))
                pairs.append({**pair, "label": known.get(identity(pair))})
        save(pairs)
        print(f"{len(pairs)} pairs")
    elif args == ["label"]:
        # What was written first: the texts are short.
        pairs = load()
        for origin in (lambda p: p["source"] is None, lambda p: p["source"] is not None):
            some = [p for p in pairs if origin(p)]
            for pair, label in zip(some, labels(some)):
                pair["label"] = label
            save(pairs)
    elif len(args) == 3 and args[0] == "check":
        pairs = random.Random(int(args[2])).sample(load(), int(args[1]))
        wrong = 0
        for pair, label in zip(pairs, labels(pairs, fresh=True)):
            if label != pair["label"]:
                wrong += 1
                print(f"{pair['id']} {pair['tactic']!r}: committed {pair['label']}, compiled {label}")
        print(f"{len(pairs) - wrong} of {len(pairs)} labels confirmed")
        return 1 if wrong else 0
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

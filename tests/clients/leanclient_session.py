"""A proof finished through `lean-copilot serve` by leanclient, as a program that uses it would do it.

    python leanclient_session.py PROJECT FILE

`lake` on PATH is the server. Prints one JSON object: the goal that was seen, the action that was taken, the
text that it made, and what Lean said before and after.
"""

import json
import sys
import time

from leanclient import LeanLSPClient

HOLE = "sorry"
LIMIT_S = 240


def main(project: str, file: str) -> None:
    client = LeanLSPClient(project)
    try:
        client.open_file(file)
        before = client.get_diagnostics(file, inactivity_timeout=LIMIT_S)
        lines = client.get_file_content(file).splitlines()
        line = next(i for i, text in enumerate(lines) if HOLE in text)
        character = lines[line].index(HOLE)
        goal = client.get_goal(file, line, character)
        action = taken(client, file, line, character)
        client.apply_code_action_resolve(client.get_code_action_resolve(action))
        after = client.get_diagnostics(file, inactivity_timeout=LIMIT_S)
        print(
            json.dumps(
                {
                    "goal": goal["goals"][0],
                    "title": action["title"],
                    "text": client.get_file_content(file),
                    "before": [d["message"] for d in before],
                    "after": [d["message"] for d in after],
                    "tokens": len(client.get_semantic_tokens(file)),
                }
            )
        )
    finally:
        client.close()


def taken(client: LeanLSPClient, file: str, line: int, character: int) -> dict:
    """The first action of ours that completes the proof; they come when Lean has accepted them."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        actions = client.get_code_actions(file, line, character, line, character)
        for action in actions or []:
            if "leanCopilot" in (action.get("data") or {}) and "completes" in action["title"]:
                return action
        time.sleep(0.2)
    raise SystemExit("no action of ours came")


main(*sys.argv[1:])

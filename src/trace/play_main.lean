open LeanCopilotPlay in
/-- What the names at a state offer (`scope.lean`). -/
def offer (session : IO.Ref Session) (file : String) (request : Json) : IO Json := do
  let place ← IO.ofExcept (request.getObjVal? "at" >>= pairOf)
  let path ← IO.ofExcept (request.getObjValAs? (List String) "path")
  let maxHeartbeats ← IO.ofExcept (request.getObjValAs? Nat "maxHeartbeats")
  let state ← stateAt session place path maxHeartbeats
  let goal :: _ := state.goals | throw (IO.userError "no goals")
  let self := state.ci.parentDecl?
  let survey : MetaM LeanCopilotScope.Offer := do LeanCopilotScope.survey (← clearItself self goal) self
  let (found, ms) ← timed <| within state maxHeartbeats (survey.run' {} { mctx := state.ci.mctx })
  IO.println ((toJson found).setObjVal! "ms" (toJson ms)).compress
  return .mkObj [("file", file)]

open LeanCopilotPlay in
unsafe def main (_ : List String) : IO UInt32 := do
  -- `lean --run` has set the search path (LEAN_PATH included) before this program starts.
  enableInitializersExecution
  let session ← IO.mkRef ({} : Session)
  let stdin ← IO.getStdin
  repeat
    let line ← stdin.getLine
    if line.isEmpty then break
    let request ← IO.ofExcept (Json.parse line)
    let file ← IO.ofExcept (request.getObjValAs? String "file")
    let answer ← try
        match request.getObjValAs? String "open", request.getObjValAs? Bool "offer" with
        | .ok path, _ => openFile session file path request
        | .error _, .ok true => offer session file request
        | .error _, _ => play session file request
      catch e => pure (Json.mkObj [("file", file), ("failed", toString e)])
    IO.println answer.compress
    (← IO.getStdout).flush
  return 0

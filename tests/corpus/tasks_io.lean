/-! Tasks, promises, references, files, time, processes' environment: what runs in `IO`. -/
def fib : Nat → Nat
  | 0 => 0 | 1 => 1
  | n + 2 => fib n + fib (n + 1)
def check (b : Bool) (what : String) : IO Unit := unless b do throw <| IO.userError what

#eval show IO Unit from do
  let tasks := (List.range 6).map fun n => Task.spawn fun _ => fib (n + 8)
  check ((tasks.map Task.get) == [21, 34, 55, 89, 144, 233]) "tasks"
  let t ← IO.asTask (prio := .dedicated) (pure 7)
  check ((← IO.ofExcept t.get) == 7) "asTask"
  let m ← IO.mapTask (fun n => pure (n + 1)) (Task.pure 1)
  check ((← IO.ofExcept m.get) == 2) "mapTask"
  let p ← IO.Promise.new (α := Nat)
  p.resolve 5
  check (p.result!.get == 5) "promise"

#eval show IO Unit from do
  IO.FS.withTempFile fun h path => do
    h.putStrLn "one"
    h.putStr "two"
    h.flush
    check ((← IO.FS.lines path) == #["one", "two"]) "lines"
    IO.FS.writeFile path "αβγ"
    check ((← IO.FS.readFile path) == "αβγ") "readFile"
    check (← path.pathExists) "exists"
  IO.FS.withTempDir fun d => do
    let f := d / "sub" / "a.txt"
    IO.FS.createDirAll (d / "sub")
    IO.FS.writeFile f "x"
    check ((← (d / "sub").readDir).map (·.fileName) == #["a.txt"]) "readDir"
    check (← (d / "sub").isDir) "isDir"
    IO.FS.rename f (d / "b.txt")
    IO.FS.removeFile (d / "b.txt")
    check (!(← f.pathExists)) "removed"

#eval show IO Unit from do
  let r ← IO.mkRef #[1]
  r.modify (·.push 2)
  check ((← r.get) == #[1, 2]) "ref"
  let a ← IO.monoMsNow
  IO.sleep 5
  check ((← IO.monoMsNow) ≥ a) "time"
  let n ← IO.rand 1 6
  check (1 ≤ n && n ≤ 6) "rand"
  let caught ← try throw <| IO.userError "x" catch e => pure (toString e)
  check (caught == "x") "catch"
  let missing ← (IO.FS.readFile "/no/such/file").toBaseIO
  check (missing matches .error (.noFileOrDirectory ..)) "missing file"
  check ((← IO.getEnv "NO_SUCH_VARIABLE").isNone) "getEnv"
  check ((← IO.currentDir).toString.length > 0) "cwd"

initialize shared : IO.Ref Nat ← IO.mkRef 0
def useShared : IO Nat := shared.modifyGet fun n => (n, n + 1)
def main (args : List String) : IO UInt32 := do
  IO.println s!"args: {args.length}"
  return 0
/-- info: args: 0 -/
#guard_msgs in
#eval discard <| main []

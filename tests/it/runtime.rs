//! The embedded Lean's server: what an editor does to it, on good days and bad ones.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Server, scratch};

const LONG: Duration = Duration::from_secs(300);

async fn messages(server: &Server, uri: &str, version: i32) -> Vec<String> {
    let found = server.client.barrier(uri, version, LONG).await.unwrap();
    found.into_iter().map(|d| d.message).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_and_keeps_quiet() {
    let server = Server::start(&["-Dpp.unicode.fun=true"]).await;
    let uri = "file:///quiet.lean";
    server.client.open(uri, 1, "#check fun x : Nat => x\n#eval 1 + 1\n").unwrap();
    assert_eq!(messages(&server, uri, 1).await, ["fun x ↦ x : Nat → Nat", "2"], "options reach the worker");
    // Of a notification that Lean's own server keeps for itself, its worker would die.
    server.client.notify("textDocument/didSave", &json!({"textDocument": {"uri": uri}})).unwrap();
    server.client.notify("workspace/didChangeWatchedFiles", &json!({"changes": []})).unwrap();
    server.client.notify("$/setTrace", &json!({"value": "off"})).unwrap();
    let unknown: Result<Value, _> = server.client.request("no/such/method", &Value::Null).await;
    assert_eq!(unknown.unwrap_err().code(), Some(-32601));
    server.client.replace(uri, 2, "#eval 2 + 2\n").unwrap();
    assert_eq!(messages(&server, uri, 2).await, ["4"]);
    let (code, stderr) = server.stop().await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_at_once_and_a_change_of_imports() {
    let server = Server::start(&[]).await;
    let (a, b) = ("file:///a.lean", "file:///b.lean");
    server.client.open(a, 1, "#eval 1\n").unwrap();
    server.client.open(b, 1, "#eval 2\n#check Lean.Name\n").unwrap();
    let in_b = messages(&server, b, 1).await;
    assert_eq!(in_b.len(), 2, "{in_b:?}");
    assert_eq!(messages(&server, a, 1).await, ["1"]);
    // The worker ends with code 2; the request that waits meanwhile is answered by the next one.
    server
        .client
        .replace(b, 2, "import Std.Data.HashMap\n#eval (Std.HashMap.ofList [(1, 2)]).size\n")
        .unwrap();
    assert_eq!(messages(&server, b, 2).await, ["1"]);
    server.client.close(a).unwrap();
    server.client.replace(b, 3, "import Std.Data.HashMap\n#eval 5\n").unwrap();
    assert_eq!(messages(&server, b, 3).await, ["5"]);
    let (code, stderr) = server.stop().await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_is_started_again_by_the_next_edit() {
    let server = Server::start(&[]).await;
    let uri = "file:///dies.lean";
    server.client.open(uri, 1, "#eval (IO.Process.exit 3 : IO Unit)\n").unwrap();
    let barrier = server.client.barrier(uri, 1, LONG).await;
    assert_eq!(barrier.unwrap_err().code(), Some(-32902), "what waited for it fails");
    server.client.replace(uri, 2, "#eval 6 * 7\n").unwrap();
    assert_eq!(messages(&server, uri, 2).await, ["42"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_interrupts_what_would_never_end() {
    let server = Server::start(&[]).await;
    let uri = "file:///loops.lean";
    let text = "theorem t : True := by\n  repeat (have := trivial; clear this)\n  trivial\n";
    server.client.open(uri, 1, &format!("set_option maxHeartbeats 0\n{text}")).unwrap();
    // Dropping the request cancels it; the server goes on.
    let place = json!({"textDocument": {"uri": uri}, "position": {"line": 3, "character": 2}});
    let soon = Duration::from_millis(500);
    assert!(server.client.request_within::<Value>("$/lean/plainGoal", &place, soon).await.is_err());
    server.client.replace(uri, 2, "#eval 3\n").unwrap();
    assert_eq!(messages(&server, uri, 2).await, ["3"]);
    server.stop().await;
}

#[cfg(target_os = "linux")]
mod children {
    use super::*;

    /// The processes whose parent is `pid`, as `/proc` shows them.
    fn of(pid: u32) -> Vec<u32> {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|p| {
            let stat = std::fs::read_to_string(format!("/proc/{p}/stat")).unwrap_or_default();
            let parent = stat.rsplit(')').next().and_then(|s| s.split_whitespace().nth(1)?.parse().ok());
            parent == Some(pid)
        })
        .collect()
    }

    fn alive(pid: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|s| !s.trim().is_empty() && !s.trim().starts_with('Z'))
    }

    async fn all_gone(pids: &[u32]) {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while pids.iter().any(|p| alive(*p)) {
            assert!(std::time::Instant::now() < deadline, "still alive: {pids:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A server with a worker that never ends, and the processes that it has started.
    async fn busy() -> (Server, Vec<u32>) {
        let server = Server::start(&[]).await;
        let (busy, idle) = ("file:///busy.lean", "file:///idle.lean");
        server.client.open(idle, 1, "#eval 1\n").unwrap();
        assert_eq!(messages(&server, idle, 1).await, ["1"]);
        let text =
            "set_option maxHeartbeats 0\nexample : True := by\n  repeat (have := trivial; clear this)\n";
        server.client.open(busy, 1, text).unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        let workers = of(server.process.id().unwrap());
        assert!(workers.len() >= 2, "{workers:?}");
        (server, workers)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn none_outlives_a_server_that_is_killed() {
        let (server, workers) = busy().await;
        let pid = server.process.id().unwrap();
        // Only the server itself, not its group: as the system does when memory runs out.
        let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        assert!(status.success());
        all_gone(&workers).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn none_outlives_the_end_of_input() {
        let (server, workers) = busy().await;
        let pid = server.process.id().unwrap();
        let (code, stderr) = server.hang_up().await;
        assert_eq!((code, stderr.as_str()), (Some(1), ""), "without `shutdown` it is no good end");
        assert!(!alive(pid));
        all_gone(&workers).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_frame_ends_the_server_with_one_line() {
    use std::io::Write as _;
    let folder = scratch("broken");
    let command = tokio::task::block_in_place(|| crate::support::server_command(&[], &folder));
    let _permit = crate::support::permit().await;
    let output = tokio::task::block_in_place(|| {
        let mut child = std::process::Command::new(&command.program)
            .args(&command.args)
            .envs(command.env.iter().map(|(k, v)| (k, v)))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"Content-Length: 3\r\n\r\n{{{Nonsense\r\n\r\n").unwrap();
        child.wait_with_output().unwrap()
    });
    assert_eq!(output.status.code(), Some(1));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("-32700"), "what is no JSON is answered: {out}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

//! The client against the real server.

use std::time::{Duration, Instant};

use lean_copilot::lean::LeanError;
use lean_copilot::lsp::position;

use crate::support::{self, Server};

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_opened_changed_and_asked_about() {
    let server = Server::start(&["-Dserver.reportDelayMs=0"]).await;
    let client = &server.client;
    let uri = "file:///work/A.lean";
    let text = "theorem a (p : Prop) (𝔥 : p) : p := by\n  constructor\n";
    client.open(uri, 1, text).unwrap();
    let said = client.barrier(uri, 1, LIMIT).await.unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
    let at = position::position(text, text.find("constructor").unwrap());
    let goals = client.plain_goal(uri, at, LIMIT).await.unwrap().expect("a proof state");
    assert_eq!((goals.len(), goals[0].target.as_str()), (1, "p"));
    assert_eq!(client.plain_goal(uri, position::position(text, 0), LIMIT).await.unwrap(), None);

    client.replace(uri, 2, &text.replace("constructor", "exact 𝔥")).unwrap();
    assert_eq!(client.barrier(uri, 2, LIMIT).await.unwrap(), vec![]);

    let refused = client.plain_goal("file:///work/not-open.lean", at, LIMIT).await;
    assert!(matches!(refused, Err(LeanError::Refused { .. })), "{refused:?}");
    let (code, stderr) = server.stop().await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_fails_what_is_pending_at_once() {
    let server = Server::start(&[]).await;
    let client = server.client.clone();
    let uri = "file:///work/A.lean";
    client.open(uri, 1, "#eval 1\n").unwrap();
    let waiting = tokio::spawn(async move { client.barrier(uri, 1, LIMIT).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let client = server.client.clone();
    let killed = Instant::now();
    drop(server);
    assert!(matches!(waiting.await.unwrap(), Err(LeanError::Closed)));
    client.closed().await;
    assert!(killed.elapsed() < Duration::from_secs(20), "it took {:?}", killed.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_served_by_the_embedded_lean_where_there_is_no_other() {
    use lean_copilot::lean::toolchain;
    let folder = support::scratch("toolchain");
    let command =
        tokio::task::block_in_place(|| toolchain::server_command(support::dirs(), &folder)).unwrap();
    if toolchain::is_embedded(&folder) {
        assert!(command.label.starts_with("embedded Lean"), "{}", command.label);
    } else {
        assert!(["lake serve", "lean --server"].contains(&command.label.as_str()), "{}", command.label);
    }
    assert!(command.takes_options);
}

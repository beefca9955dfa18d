//! The embedded runtime: its Lean elaborates, its server serves, its installation survives bad days.

use std::time::Duration;

use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_and_keeps_quiet() {
    let server = Server::start(&[]).await;
    let uri = "file:///quiet.lean";
    server.client.open(uri, 1, "theorem t : 1 + 1 = 2 := by rfl\n#eval 1 + 1\n").unwrap();
    let found = server.client.barrier(uri, 1, Duration::from_secs(60)).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].message, "2");
    let (code, stderr) = server.stop().await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

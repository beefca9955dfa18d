//! What stands in Lean's place where there is no Lean: it answers `initialize`, so that the editor stays
//! calm and can show the message that says what is missing, and refuses the rest.

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::lsp::codec::{FrameReader, write_frame};
use crate::lsp::message::{self, Envelope, Kind, code};

/// Serves until `exit` or the end of the input.
pub async fn serve<R, W>(reader: R, mut writer: W, reason: String) -> std::io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut frames = FrameReader::new(reader);
    // A stream that is no LSP ends this as it would end Lean.
    while let Ok(Some(frame)) = frames.next().await {
        let Ok(envelope) = Envelope::parse(frame.body()) else { continue };
        match (envelope.kind(), envelope.request_id()) {
            (Some(Kind::Request), Some(id)) => {
                let answer = match envelope.method() {
                    "initialize" => message::response(
                        &id,
                        &json!({
                            // Documents are followed so that they are known when Lean is there.
                            "capabilities": {"textDocumentSync": {"openClose": true, "change": 2}},
                            "serverInfo": {"name": "lean-copilot", "version": env!("CARGO_PKG_VERSION")},
                        }),
                    ),
                    "shutdown" => message::response(&id, &json!(null)),
                    _ => message::error_response(&id, code::METHOD_NOT_FOUND, reason.clone()),
                };
                write_frame(&mut writer, &answer).await?;
            }
            _ if envelope.method() == "exit" => break,
            _ => {}
        }
    }
    Ok(())
}

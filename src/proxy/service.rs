//! The methods that are ours, routed by tower-lsp-server's `LspService`.
//!
//! Only messages that are ours come here. They get ids of a counter of our own, since an editor's id
//! may be a number that the service cannot hold; the loop keeps which is which. The handlers hold no
//! state: they put a question to the loop and wait for its answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tower::Service as _;
use tower_lsp_server::jsonrpc::{self, Request, Response};
use tower_lsp_server::ls_types::{InitializeParams, InitializeResult};
use tower_lsp_server::{ExitedError, LanguageServer, LspService};

use super::event::{Ask, AskError};
use crate::lsp::message::code;
use crate::lsp::protocol::{EventParams, FeedbackParams, SuggestParams, SuggestResult, method};

/// A call in progress: its response, or none for a notification or an unknown method.
pub type Call = Pin<Box<dyn Future<Output = Result<Option<Response>, ExitedError>> + Send>>;

/// The service, initialised.
pub struct Methods {
    service: LspService<Handlers>,
    asks: mpsc::UnboundedReceiver<Ask>,
}

struct Handlers {
    asks: mpsc::UnboundedSender<Ask>,
}

impl Default for Methods {
    fn default() -> Methods {
        Methods::new()
    }
}

impl Methods {
    /// A service whose handlers put their questions to the loop.
    pub fn new() -> Methods {
        let (questions, asks) = mpsc::unbounded_channel();
        let (service, _socket) = LspService::build(|_| Handlers { asks: questions })
            .custom_method(method::SUGGEST, Handlers::suggest)
            .custom_method(method::FEEDBACK, Handlers::feedback)
            .custom_method(method::EVENT, Handlers::event)
            .custom_method(method::CONFIGURE, Handlers::configure)
            .finish();
        let mut methods = Methods { service, asks };
        // The service refuses everything before `initialize`; what ours means is in Lean's answer.
        let initialize =
            Request::build("initialize").params(serde_json::json!({"capabilities": {}})).id(0i64);
        if methods.service.call(initialize.finish()).now_or_never().is_none() {
            tracing::error!("our own methods did not initialise");
        }
        methods
    }

    /// Begins a request (with an id) or a notification. What it asks is there when this returns.
    pub fn call(&mut self, id: Option<i64>, method: &str, params: Option<Value>) -> Call {
        let mut request = Request::build(method.to_owned());
        if let Some(id) = id {
            request = request.id(id.to_string());
        }
        if let Some(params) = params {
            request = request.params(params);
        }
        let mut call: Call = self.service.call(request.finish());
        let mut context = Context::from_waker(std::task::Waker::noop());
        match call.as_mut().poll(&mut context) {
            Poll::Ready(done) => Box::pin(std::future::ready(done)),
            Poll::Pending => call,
        }
    }

    /// The next question of the handlers.
    pub fn next_ask(&mut self) -> Option<Ask> {
        self.asks.try_recv().ok()
    }

    /// Cancels a request that was begun under this id. The service knows it as a string: of numbers, the
    /// protocol's type in `$/cancelRequest` takes only those of 32 bits, and ours are larger.
    pub fn cancel(&mut self, id: i64) {
        let id = id.to_string();
        let request = Request::build("$/cancelRequest").params(serde_json::json!({"id": id})).finish();
        if self.service.call(request).now_or_never().is_none() {
            tracing::error!(id, "a cancellation was not taken");
        }
    }
}

impl LanguageServer for Handlers {
    async fn initialize(&self, _: InitializeParams) -> jsonrpc::Result<InitializeResult> {
        Ok(InitializeResult::default())
    }

    async fn shutdown(&self) -> jsonrpc::Result<()> {
        Ok(())
    }
}

impl Handlers {
    async fn suggest(&self, params: SuggestParams) -> jsonrpc::Result<SuggestResult> {
        self.ask(|reply| Ask::Suggest(params, reply)).await
    }

    async fn feedback(&self, params: FeedbackParams) -> jsonrpc::Result<Value> {
        self.ask(|reply| Ask::Feedback(params, reply)).await
    }

    async fn event(&self, params: EventParams) {
        self.tell(Ask::Event(params));
    }

    async fn configure(&self, params: Value) {
        self.tell(Ask::Configure(params));
    }

    async fn ask<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, AskError>>) -> Ask,
    ) -> jsonrpc::Result<T> {
        let (reply, answer) = oneshot::channel();
        self.tell(ask(reply));
        let lost = || AskError { code: code::INTERNAL_ERROR, message: "the sidecar has stopped".into() };
        answer.await.unwrap_or_else(|_| Err(lost())).map_err(|e| jsonrpc::Error {
            code: e.code.into(),
            message: e.message.into(),
            data: None,
        })
    }

    /// A loop that is over takes no questions: the reply is then dropped, and the request fails.
    fn tell(&self, ask: Ask) {
        let _ = self.asks.send(ask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_that_is_cancelled_is_answered_so() {
        let mut methods = Methods::new();
        let place = serde_json::json!({
            "textDocument": {"uri": "file:///A.lean", "version": 1}, "position": {"line": 0, "character": 0}
        });
        let call = tokio::spawn(methods.call(Some(79_142_329_440), method::SUGGEST, Some(place)));
        let Some(Ask::Suggest(_, reply)) = methods.next_ask() else { panic!("asked") };
        tokio::task::yield_now().await;
        methods.cancel(79_142_329_440);
        let answer = call.await.unwrap().unwrap().expect("an answer");
        assert_eq!(answer.into_parts().1.unwrap_err().code.code(), -32800);
        assert!(reply.is_closed(), "nobody waits any more");
    }
}

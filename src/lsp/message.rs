//! JSON-RPC envelopes: the outer fields read, the payload left as raw JSON.

use std::borrow::{Borrow, Cow};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::codec::Frame;

/// The prefix of the ids of requests that are ours; the editor's and Lean's never have it.
pub const OWN_ID_PREFIX: &str = "lc:";

/// A request id: a number of any size or a string, compared as JSON text, the escapes in it undone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The id of a request of our own: `"lc:<n>"`.
    pub fn own(n: u64) -> RequestId {
        RequestId(format!("\"{OWN_ID_PREFIX}{n}\"").into())
    }

    /// The number in an id of our own.
    pub fn own_number(&self) -> Option<u64> {
        self.0.strip_prefix("\"lc:")?.strip_suffix('"')?.parse().ok()
    }

    /// The id as JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RequestId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&RawValue> for RequestId {
    fn from(raw: &RawValue) -> RequestId {
        let text = raw.get().trim();
        // A peer writes the other's id anew: `"\u00e9"` comes back as `"é"`. Lean escapes what it must.
        let plain = || serde_json::from_str::<String>(text).and_then(|s| serde_json::to_string(&s)).ok();
        match text.starts_with('"') && text.contains('\\') {
            true => RequestId(plain().map_or_else(|| text.into(), String::into)),
            false => RequestId(text.into()),
        }
    }
}

impl From<u64> for RequestId {
    fn from(n: u64) -> RequestId {
        RequestId(n.to_string().into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.0.to_string()).map_err(serde::ser::Error::custom)?;
        raw.serialize(s)
    }
}

/// The outer fields of a message, borrowed from its bytes.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// Present in requests and responses.
    #[serde(borrow, default, deserialize_with = "present")]
    pub id: Option<&'a RawValue>,
    /// Present in requests and notifications.
    #[serde(borrow, default)]
    pub method: Option<Cow<'a, str>>,
    /// The payload of a request or notification.
    #[serde(borrow, default, deserialize_with = "present")]
    pub params: Option<&'a RawValue>,
    /// The payload of a response.
    #[serde(borrow, default, deserialize_with = "present")]
    pub result: Option<&'a RawValue>,
    /// The error of a response.
    #[serde(borrow, default, deserialize_with = "present")]
    pub error: Option<&'a RawValue>,
}

/// A field that is there, `null` included (`Option` alone would read `null` as absent).
fn present<'de: 'a, 'a, D: serde::Deserializer<'de>>(d: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&'a RawValue>::deserialize(d).map(Some)
}

/// What an envelope is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Wants an answer.
    Request,
    /// Wants none.
    Notification,
    /// An answer.
    Response,
}

impl<'a> Envelope<'a> {
    /// Reads the outer fields; an error where the body is no JSON object.
    pub fn parse(body: &'a [u8]) -> Result<Envelope<'a>, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// Request, notification or response; `None` where it is none of them.
    pub fn kind(&self) -> Option<Kind> {
        match (&self.method, self.id) {
            (Some(_), Some(_)) => Some(Kind::Request),
            (Some(_), None) => Some(Kind::Notification),
            (None, Some(_)) => Some(Kind::Response),
            (None, None) => None,
        }
    }

    /// The id, owned.
    pub fn request_id(&self) -> Option<RequestId> {
        self.id.map(RequestId::from)
    }

    /// The method, empty in a response.
    pub fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("")
    }

    /// The payload of a request or notification, read as a type.
    pub fn params_as<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.params.map_or("null", RawValue::get))
    }

    /// The payload of a response, read as a type.
    pub fn result_as<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.result.map_or("null", RawValue::get))
    }
}

/// The error object of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct ResponseError {
    /// JSON-RPC's, LSP's or Lean's code.
    pub code: i64,
    /// For people.
    pub message: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

/// Codes that we send or act upon (JSON-RPC 2.0, LSP 3.17, Lean's `Lean/Data/JsonRpc`).
pub mod code {
    /// The JSON is not a request we can read.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The method is unknown.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// Something of ours failed.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// The client cancelled.
    pub const REQUEST_CANCELLED: i64 = -32800;
    /// The document changed under the request.
    pub const CONTENT_MODIFIED: i64 = -32801;
    /// The RPC session has ended; a new one is to be made.
    pub const RPC_NEEDS_RECONNECT: i64 = -32900;
    /// Lean's worker ended.
    pub const WORKER_EXITED: i64 = -32901;
    /// Lean's worker crashed.
    pub const WORKER_CRASHED: i64 = -32902;
}

fn frame<T: Serialize>(message: &T) -> Frame {
    // Serialising plain data into memory cannot fail: no map with non-string keys, no I/O.
    Frame::from_body(serde_json::to_vec(message).expect("messages are plain data"))
}

/// A request. `params` must be an object or array: Lean's server dies of a request without.
pub fn request<P: Serialize>(id: &RequestId, method: &str, params: &P) -> Frame {
    #[derive(Serialize)]
    struct M<'a, P> {
        jsonrpc: &'a str,
        id: &'a RequestId,
        method: &'a str,
        params: &'a P,
    }
    frame(&M { jsonrpc: "2.0", id, method, params })
}

/// A notification.
pub fn notification<P: Serialize>(method: &str, params: &P) -> Frame {
    #[derive(Serialize)]
    struct M<'a, P> {
        jsonrpc: &'a str,
        method: &'a str,
        params: &'a P,
    }
    frame(&M { jsonrpc: "2.0", method, params })
}

/// A notification or request without params, as `exit` and `shutdown` (id given) are sent.
pub fn bare(id: Option<&RequestId>, method: &str) -> Frame {
    #[derive(Serialize)]
    struct M<'a> {
        jsonrpc: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RequestId>,
        method: &'a str,
    }
    frame(&M { jsonrpc: "2.0", id, method })
}

/// A successful response.
pub fn response<R: Serialize>(id: &RequestId, result: &R) -> Frame {
    #[derive(Serialize)]
    struct M<'a, R> {
        jsonrpc: &'a str,
        id: &'a RequestId,
        result: &'a R,
    }
    frame(&M { jsonrpc: "2.0", id, result })
}

/// A failed response.
pub fn error_response(id: &RequestId, code: i64, message: impl Into<String>) -> Frame {
    #[derive(Serialize)]
    struct M<'a> {
        jsonrpc: &'a str,
        id: &'a RequestId,
        error: ResponseError,
    }
    frame(&M { jsonrpc: "2.0", id, error: ResponseError { code, message: message.into(), data: None } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_kind_keep_their_text() {
        let e = Envelope::parse(br#"{"id": 18446744073709551617, "method":"x\u00e9"}"#).unwrap();
        assert_eq!(e.request_id().unwrap().as_json(), "18446744073709551617");
        assert_eq!((e.kind(), e.method()), (Some(Kind::Request), "xé"));
        let own = RequestId::own(7);
        assert_eq!(own.own_number(), Some(7));
        let id = |body: &'static str| Envelope::parse(body.as_bytes()).unwrap().request_id().unwrap();
        assert_eq!(id(r#"{"id":"\u00e9\/1"}"#), id(r#"{"id":"é/1"}"#), "Lean answers in other words");
        assert_eq!(id(r#"{"id":"a\"b"}"#).as_json(), r#""a\"b""#);
        let e = Envelope::parse(br#"{"id":null,"result":null}"#).unwrap();
        assert_eq!(e.kind(), Some(Kind::Response), "`null` is a value, not an absence");
        assert!(e.result.is_some());
    }

    #[test]
    fn messages_of_ours_are_json_rpc() {
        let f = request(&RequestId::own(1), "$/lean/plainGoal", &serde_json::json!({"a": 1}));
        assert_eq!(
            std::str::from_utf8(f.body()).unwrap(),
            r#"{"jsonrpc":"2.0","id":"lc:1","method":"$/lean/plainGoal","params":{"a":1}}"#
        );
        assert_eq!(bare(None, "exit").body(), br#"{"jsonrpc":"2.0","method":"exit"}"#);
    }
}

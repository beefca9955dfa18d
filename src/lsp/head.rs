//! The first members of a message, read without reading what is large in it.
//!
//! A relay decides about most messages by their method or id, which stand before the payload in what
//! editors and Lean write. Reading the whole of a large message for that costs more than passing it on.

/// What stands before the first member that is an object or an array.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head<'a> {
    /// The id as JSON text.
    pub id: Option<&'a str>,
    /// The method.
    pub method: Option<&'a str>,
    /// The name of the member at which the reading stopped; none where there is no such member.
    pub stopped_at: Option<&'a str>,
}

/// Reads the head of a message. `None` where it is not written plainly (an escape in a name or a short
/// string, a member twice, no JSON object): then only a JSON reader can tell.
pub fn head(body: &[u8]) -> Option<Head<'_>> {
    let mut at = Cursor { body, at: 0 };
    let mut head = Head::default();
    at.take(b'{')?;
    if at.peek()? == b'}' {
        return Some(head);
    }
    loop {
        let name = bare(at.string()?);
        at.take(b':')?;
        let value = match at.peek()? {
            b'{' | b'[' => {
                head.stopped_at = Some(name);
                return Some(head);
            }
            b'"' => at.string()?,
            _ => at.scalar()?,
        };
        let known = match name {
            "id" => head.id.replace(value),
            "method" if value.starts_with('"') => head.method.replace(bare(value)),
            "method" => return None,
            _ => None,
        };
        if known.is_some() {
            return None;
        }
        match at.peek()? {
            b',' => at.at += 1,
            b'}' => return Some(head),
            _ => return None,
        }
    }
}

struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is no white space, not taken.
    fn peek(&mut self) -> Option<u8> {
        while self.body.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.body.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// A string without escapes, with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let (start, rest) = (self.at - 1, &self.body[self.at..]);
        let end = memchr::memchr2(b'"', b'\\', rest).filter(|end| rest[*end] == b'"')?;
        self.at += end + 1;
        std::str::from_utf8(&self.body[start..self.at]).ok()
    }

    /// A number or literal as it stands.
    fn scalar(&mut self) -> Option<&'a str> {
        let rest = &self.body[self.at..];
        let end = rest.iter().position(|b| matches!(b, b',' | b'}') || b.is_ascii_whitespace())?;
        self.at += end;
        std::str::from_utf8(&rest[..end]).ok().filter(|s| !s.is_empty())
    }
}

/// A string without its quotes.
fn bare(quoted: &str) -> &str {
    &quoted[1..quoted.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<'a>(body: &'a str, id: Option<&str>, method: Option<&str>, stopped_at: Option<&str>) {
        let got: Option<Head<'a>> = head(body.as_bytes());
        assert_eq!(got, Some(Head { id, method, stopped_at }), "{body}");
    }

    #[test]
    fn what_stands_before_the_payload_is_read() {
        check(r#"{"jsonrpc":"2.0","method":"$/x","params":{"#, None, Some("$/x"), Some("params"));
        check(r#" { "id" : 12 , "jsonrpc":"2.0","result":[1"#, Some("12"), None, Some("result"));
        check(r#"{"id":"a","result":null}"#, Some("\"a\""), None, None);
        check(r#"{"params":{},"method":"late"}"#, None, None, Some("params"));
        check("{}", None, None, None);
    }

    #[test]
    fn what_is_not_plain_is_left_to_a_json_reader() {
        for body in [
            "",
            "[1]",
            "{",
            "not json",
            r#"{"method":"a\u0062","params":{}}"#,
            r#"{"method":"a","method":"b"}"#,
            r#"{"id":1,"id":2}"#,
            r#"{"meth\u006fd":"a"}"#,
            r#"{"method":7}"#,
            r#"{"id":1"#,
        ] {
            assert_eq!(head(body.as_bytes()), None, "{body}");
        }
    }
}

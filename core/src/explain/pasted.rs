//! What a person has of a request: a token, some field lines, or all of it.

/// A request as somebody pasted it: a token, with `Bearer` before it or not; `Authorization` lines; or a whole HTTP request
/// with its body after a blank line. For tools that explain; no server reads requests so.
///
/// ```
/// use scopegate_core::PastedRequest;
/// let pasted = PastedRequest::read(b"Authorization: Bearer abc\n");
/// assert_eq!(pasted.authorization, [b"Bearer abc"]);
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PastedRequest {
    /// The HTTP method, where there is a request line.
    pub method: Option<String>,
    /// The target, likewise.
    pub target: Option<String>,
    /// `Authorization`, a value for each line.
    pub authorization: Vec<Vec<u8>>,
    /// `Origin`.
    pub origin: Vec<Vec<u8>>,
    /// `MCP-Protocol-Version`.
    pub protocol_version: Vec<Vec<u8>>,
    /// `Mcp-Method`.
    pub mcp_method: Vec<Vec<u8>>,
    /// `Mcp-Name`.
    pub mcp_name: Vec<Vec<u8>>,
    /// What follows the blank line, where there is one.
    pub body: Option<Vec<u8>>,
}

impl PastedRequest {
    /// Reads what was pasted. Any bytes are something: what is neither field lines nor a request is a token.
    pub fn read(pasted: &[u8]) -> PastedRequest {
        let mut request = PastedRequest::default();
        let (mut line, mut rest) = first_line(pasted.trim_ascii_start());
        if let Some((method, target)) = request_line(line) {
            (request.method, request.target) = (Some(method), Some(target));
            (line, rest) = first_line(rest.unwrap_or_default());
        } else if field(line).is_none() {
            request.authorization.push(credential(pasted.trim_ascii()));
            return request;
        }
        loop {
            if line.is_empty() {
                request.body = rest.map(<[u8]>::to_vec);
                return request;
            }
            if let Some((name, value)) = field(line) {
                request.add(name, value);
            }
            let Some(behind) = rest else { return request };
            (line, rest) = first_line(behind);
        }
    }

    fn add(&mut self, name: &[u8], value: &[u8]) {
        let lines = match &*name.to_ascii_lowercase() {
            b"authorization" => &mut self.authorization,
            b"origin" => &mut self.origin,
            b"mcp-protocol-version" => &mut self.protocol_version,
            b"mcp-method" => &mut self.mcp_method,
            b"mcp-name" => &mut self.mcp_name,
            _ => return,
        };
        lines.push(value.to_vec());
    }
}

impl std::fmt::Debug for PastedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PastedRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The line without its end, and what follows that; nothing follows the last line.
fn first_line(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = text.splitn(2, |byte| *byte == b'\n');
    let line = parts.next().unwrap_or_default();
    (line.strip_suffix(b"\r").unwrap_or(line), parts.next())
}

/// Method and target, of a line that ends with the version.
fn request_line(line: &[u8]) -> Option<(String, String)> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_request = words.next().is_none() && version.starts_with("HTTP/");
    is_request.then(|| (method.to_owned(), target.to_owned()))
}

/// Name and value of a field line.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    is_name.then(|| (name, value.trim_ascii()))
}

/// A token as the field's value.
fn credential(token: &[u8]) -> Vec<u8> {
    let has_scheme = token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"Bearer "));
    if has_scheme || token.is_empty() { token.to_vec() } else { [b"Bearer ", token].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(pasted: &str) -> Vec<Vec<u8>> {
        PastedRequest::read(pasted.as_bytes()).authorization
    }

    #[test]
    fn a_token_may_stand_alone() {
        for pasted in [
            "abc",
            "abc\n",
            "  abc \r\n",
            "Bearer abc",
            "Authorization: Bearer abc",
            "authorization:Bearer abc\r\n",
        ] {
            assert_eq!(authorization(pasted), [b"Bearer abc"], "{pasted:?}");
        }
        assert_eq!(authorization("bearer abc\n"), [b"bearer abc"]);
        assert_eq!(authorization(""), [b""]);
    }

    #[test]
    fn lines_are_all_read() {
        assert_eq!(
            authorization("Authorization: Basic a\nHost: b\nAuthorization: Bearer c"),
            [&b"Basic a"[..], b"Bearer c"]
        );
        assert!(authorization("Host: b").is_empty());
    }

    #[test]
    fn a_request_has_its_body_after_a_blank_line() {
        let pasted =
            b"POST /mcp?a HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer c\r\nMcp-Name: d\r\n\r\n{\n\n}";
        let request = PastedRequest::read(pasted);
        assert_eq!((request.method.as_deref(), request.target.as_deref()), (Some("POST"), Some("/mcp?a")));
        assert_eq!(
            (request.authorization, request.mcp_name),
            (vec![b"Bearer c".to_vec()], vec![b"d".to_vec()])
        );
        assert_eq!(request.body.as_deref(), Some(&b"{\n\n}"[..]));
        assert_eq!(PastedRequest::read(b"GET / HTTP/1.1\nHost: b\n\n").body.as_deref(), Some(&b""[..]));
        assert_eq!(PastedRequest::read(b"GET / HTTP/1.1\nHost: b\n").body, None);
        assert_eq!(PastedRequest::read(b"GET / HTTP/1.1").authorization.len(), 0);
    }

    #[test]
    fn debug_shows_no_credential() {
        assert!(!format!("{:?}", PastedRequest::read(b"abc")).contains("abc"));
    }
}

//! Why no call can be read, and what JSON-RPC answers then.

use super::CallId;

/// Why a body, or the headers that describe it, is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum CallError {
    /// Not a JSON text, or a string that we decode is not Unicode text.
    NotJson,
    /// JSON, but not one JSON-RPC message that every parser reads alike. Says what is wrong, for the operator.
    NotARequest(&'static str),
    /// Larger than the limit.
    TooLarge,
    /// `Mcp-Method` or `Mcp-Name` is missing, doubled or names another call than the body.
    HeaderMismatch {
        /// The id of the call in the body.
        id: Option<CallId>,
    },
}

impl CallError {
    /// The error code of the JSON-RPC answer (JSON-RPC 2.0 section 5.1; -32020 is MCP's).
    pub(crate) fn code(&self) -> i32 {
        match self {
            CallError::NotJson => -32700,
            CallError::NotARequest(_) | CallError::TooLarge => -32600,
            CallError::HeaderMismatch { .. } => -32020,
        }
    }

    /// The error message of the JSON-RPC answer.
    pub(crate) fn message(&self) -> &'static str {
        match self {
            CallError::NotJson => "Parse error",
            CallError::NotARequest(_) => "Invalid Request",
            CallError::TooLarge => "Request too large",
            CallError::HeaderMismatch { .. } => "Header mismatch",
        }
    }

    /// The id of the JSON-RPC answer, when it is known.
    pub(crate) fn id(&self) -> Option<&CallId> {
        match self {
            CallError::HeaderMismatch { id } => id.as_ref(),
            _ => None,
        }
    }

    /// What was expected, for the operator. Holds nothing of the request.
    pub(crate) fn detail(&self) -> &'static str {
        match self {
            CallError::NotJson => "the body is not a JSON text in UTF-8",
            CallError::NotARequest(detail) => detail,
            CallError::TooLarge => "the body is larger than policy.max_body_bytes",
            CallError::HeaderMismatch { .. } => {
                "Mcp-Method or Mcp-Name is missing, appears twice or differs from the body"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_code_message_and_detail() {
        let id = CallId::Number(7);
        for (error, code, message, detail) in [
            (CallError::NotJson, -32700, "Parse error", "JSON text"),
            (CallError::NotARequest("a member appears twice"), -32600, "Invalid Request", "appears twice"),
            (CallError::TooLarge, -32600, "Request too large", "policy.max_body_bytes"),
            (CallError::HeaderMismatch { id: None }, -32020, "Header mismatch", "Mcp-Method or Mcp-Name"),
            (CallError::HeaderMismatch { id: Some(id.clone()) }, -32020, "Header mismatch", "Mcp-Name"),
        ] {
            assert_eq!((error.code(), error.message()), (code, message));
            assert!(error.detail().contains(detail), "{error:?}");
            let knows_id = matches!(error, CallError::HeaderMismatch { id: Some(_) });
            assert_eq!(error.id(), knows_id.then_some(&id));
        }
    }
}

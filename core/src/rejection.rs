//! A refused request as its host sees it.

use std::fmt;

use crate::reason::Reason;
use crate::response::HttpResponse;
use crate::wire;

/// A refused request: why, and the answer that is ready to send.
#[derive(Clone)]
pub struct Rejection {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) response: HttpResponse,
}

impl Rejection {
    /// The refusal for a fault that leaves no server to ask, such as a missing handle: 500, without CORS headers.
    pub fn internal(detail: impl Into<String>) -> Rejection {
        Rejection { reason: Reason::Internal, detail: detail.into(), response: wire::internal_error() }
    }

    /// Why, for operators and tests. The wire shows only its class.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The number of the reason.
    pub fn code(&self) -> u16 {
        self.reason.code()
    }

    /// The answer, every byte of it.
    pub fn response(&self) -> &HttpResponse {
        &self.response
    }

    /// What was expected, in a sentence for the operator. It holds no byte of the token and no claim value, and must
    /// not be sent to the client all the same.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("reason", &self.reason)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for Rejection {}

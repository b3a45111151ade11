//! `WWW-Authenticate`: the Bearer challenge of RFC 6750 section 3 with the `resource_metadata` of RFC 9728 section 5.1.

/// The longest challenge that is sent with the granted scopes in it, in bytes.
pub(crate) const MAX_BYTES: usize = 4096;

/// The parameters of a challenge. Clients find them with unanchored searches and TypeScript's compares whole headers
/// to stop a loop, so the order is fixed, nothing from a token is in them, and equal refusals have equal bytes.
///
/// Every value was checked against its character set when the configuration was read, so that no escape is needed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Challenge<'a> {
    pub(crate) error: Option<&'a str>,
    /// Left out when empty.
    pub(crate) scope: &'a str,
    pub(crate) resource_metadata: &'a str,
    pub(crate) error_description: Option<&'a str>,
}

impl Challenge<'_> {
    pub(crate) fn to_header_value(self) -> String {
        let scope = Some(self.scope).filter(|scope| !scope.is_empty());
        let parameters = [
            ("error", self.error),
            ("scope", scope),
            ("resource_metadata", Some(self.resource_metadata)),
            ("error_description", self.error_description),
        ];
        let written =
            parameters.iter().filter_map(|(name, value)| value.map(|value| format!("{name}=\"{value}\"")));
        format!("Bearer {}", written.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_in_their_order_and_an_empty_scope_is_left_out() {
        let challenge = Challenge {
            error: Some("invalid_token"),
            scope: "a b",
            resource_metadata: "https://x/m",
            error_description: Some("d"),
        };
        assert_eq!(
            challenge.to_header_value(),
            r#"Bearer error="invalid_token", scope="a b", resource_metadata="https://x/m", error_description="d""#
        );
        let bare = Challenge { resource_metadata: "https://x/m", ..Challenge::default() };
        assert_eq!(bare.to_header_value(), r#"Bearer resource_metadata="https://x/m""#);
    }
}

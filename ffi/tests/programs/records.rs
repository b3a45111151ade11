//! The shared vectors as the records that `tests/c/vectors.c` reads.

use serde_json::Value;

/// Records: a name, a blank, a length, a line feed, the bytes, a line feed.
#[derive(Default)]
pub(crate) struct Records(Vec<u8>);

impl Records {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn server(&mut self, config: &Value) {
        self.add("server", config.to_string());
    }

    /// What of the server's configuration changes.
    pub(crate) fn derive(&mut self, changes: &Value) {
        self.add("derive", changes.to_string());
    }

    /// What is declared on the server, and the report that is expected, as the library writes it.
    pub(crate) fn declare(&mut self, declared: &Value, report: &Value) {
        self.add("report", report.to_string());
        self.add("declare", declared.to_string());
    }

    /// A case of a suite.
    pub(crate) fn case(&mut self, case: &Value) {
        self.add("id", text(&case["id"]));
        self.request(&case["request"], &case["now"]);
        match text(&case["operation"]) {
            operation @ ("authorize" | "explain" | "well_known") => self.add(operation, ""),
            "require" => {
                self.add("hold", "");
                self.request(&case["then"], &case["now"]);
                self.add("require", "");
            }
            "allowed" => {
                self.add("hold", "");
                self.add("kind", text(&case["kind"]));
                self.add("name", text(&case["name"]));
                self.add("allowed", "");
            }
            operation => panic!("{operation}: an operation that the C program does not know"),
        }
    }

    fn request(&mut self, request: &Value, now: &Value) {
        if let Some(now) = now.as_i64() {
            self.add("now", now.to_string());
        }
        for (name, value) in request.as_object().expect("a request is an object") {
            match name.as_str() {
                "body" | "method" | "target" => self.add(name, text(value)),
                "body_base64" => self.add("body", base64(text(value))),
                "calls" => self.calls(value),
                "scopes" => list(value).for_each(|scope| self.add(name, text(scope))),
                "access_control_request_method" | "access_control_request_headers" => {
                    self.add(name, latin1(text(value)));
                }
                "authorization" | "origin" | "protocol_version" | "mcp_method" | "mcp_name" => {
                    list(value).for_each(|line| self.add(name, latin1(text(line))));
                }
                _ => panic!("{name}: a member of a request that the C program does not know"),
            }
        }
    }

    fn calls(&mut self, calls: &Value) {
        self.add("calls", "");
        for call in list(calls) {
            self.add("call_method", text(&call["method"]));
            if let Some(name) = call["name"].as_str() {
                self.add("call_name", name);
            }
            match &call["id"] {
                Value::Number(number) => self.add("call_id_number", number.to_string()),
                Value::String(text) => self.add("call_id_text", text),
                _ => {}
            }
        }
    }

    fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.0.extend(format!("{name} {}\n", value.len()).bytes());
        self.0.extend(value);
        self.0.push(b'\n');
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a string, not {value}"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap_or_else(|| panic!("expected a list, not {value}")).iter()
}

/// Each character is a byte.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).expect("Latin-1")).collect()
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

//! What `scopegate-bench mint` wrote.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(crate) struct Sample {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) scope: String,
    pub(crate) subject: String,
    pub(crate) jwks: Value,
    pub(crate) algorithms: BTreeMap<String, Key>,
}

#[derive(Deserialize)]
pub(crate) struct Key {
    pub(crate) jwk: Value,
    pem: String,
    forms: BTreeMap<String, Form>,
}

#[derive(Deserialize)]
struct Form {
    good: String,
    /// By what is wrong with it.
    faulty: BTreeMap<String, String>,
    pool: String,
}

/// Authorization values of one algorithm.
pub(crate) struct Values {
    pub(crate) good: String,
    pub(crate) faulty: BTreeMap<String, String>,
    pub(crate) distinct: Vec<String>,
}

impl Sample {
    pub(crate) fn read(folder: &Path) -> Result<Sample, Box<dyn Error>> {
        Ok(serde_json::from_str(&fs::read_to_string(folder.join("sample.json"))?)?)
    }

    pub(crate) fn values(&self, algorithm: &str, folder: &Path) -> Result<Values, Box<dyn Error>> {
        let form = &self.algorithms[algorithm].forms["at+jwt"];
        let value = |token: &str| format!("Bearer {token}");
        Ok(Values {
            good: value(&form.good),
            faulty: form.faulty.iter().map(|(fault, token)| (fault.clone(), value(token))).collect(),
            distinct: fs::read_to_string(folder.join(&form.pool))?.lines().map(value).collect(),
        })
    }

    /// The token of an algorithm that comes again and again.
    pub(crate) fn good(&self, algorithm: &str) -> &str {
        &self.algorithms[algorithm].forms["at+jwt"].good
    }

    /// The configuration of Scopegate, the same in every language.
    pub(crate) fn configuration(&self, algorithm: &str, keep: bool) -> String {
        let server = json!({
            "issuer": self.issuer, "jwks": self.jwks, "algorithms": [algorithm], "token_format": "rfc9068",
        });
        let mut configuration = json!({
            "resource": self.audience, "authorization_servers": [server], "required_scopes": [self.scope],
        });
        // Fewer than the tokens that come round, so that hardly one of these is held when it comes again.
        configuration["token_cache"] = json!({"capacity": if keep { 100 } else { 0 }});
        configuration.to_string()
    }

    /// The same for programs without a JSON parser: a file for each value, and one of lines with a name, a tab and a value.
    pub(crate) fn write_plainly(&self, folder: &Path) -> Result<(), Box<dyn Error>> {
        for (algorithm, key) in &self.algorithms {
            let write = |name: &str, text: &str| fs::write(folder.join(format!("{algorithm}.{name}")), text);
            write("pem", &key.pem)?;
            write("configuration", &self.configuration(algorithm, true))?;
            write("configuration-cache-off", &self.configuration(algorithm, false))?;
            for (typ, form) in &key.forms {
                let named =
                    [("subject", &self.subject), ("issuer", &self.issuer), ("audience", &self.audience)];
                let named = named.into_iter().chain([("good", &form.good)]);
                let faulty = form.faulty.iter().map(|(fault, token)| (&**fault, token));
                let lines: Vec<String> =
                    named.chain(faulty).map(|(name, value)| format!("{name}\t{value}\n")).collect();
                write(&format!("{}.cases", typ.replace('+', "-")), &lines.concat())?;
            }
        }
        Ok(())
    }
}

//! A change to a good token, at the step of its making where it belongs, and the making itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::members::Members;
use crate::profile::Base;
use crate::signing::Scheme;

type Edit<T> = Box<dyn Fn(&mut T) + Send + Sync>;

/// Makes one thing from the bytes of another.
type Make<T> = Box<dyn Fn(&[u8]) -> T + Send + Sync>;

/// Everything after a step is made from what the step left: what is changed before the signature is signed.
pub(crate) enum Step {
    Header(Edit<Members>),
    Payload(Edit<Members>),
    HeaderText(Edit<Vec<u8>>),
    PayloadText(Edit<Vec<u8>>),
    HeaderCode(Edit<Vec<u8>>),
    PayloadCode(Edit<Vec<u8>>),
    /// Signs in another way.
    Sign(Make<Vec<u8>>),
    /// Keeps the signature that the good token has.
    KeepSignature,
    Signature(Edit<Vec<u8>>),
    SignatureCode(Edit<Vec<u8>>),
    Token(Edit<Vec<u8>>),
    /// Makes the Authorization lines.
    Lines(Make<Vec<Vec<u8>>>),
}

impl Step {
    pub(crate) fn header(edit: impl Fn(&mut Members) + Send + Sync + 'static) -> Step {
        Step::Header(Box::new(edit))
    }

    pub(crate) fn payload(edit: impl Fn(&mut Members) + Send + Sync + 'static) -> Step {
        Step::Payload(Box::new(edit))
    }

    pub(crate) fn token(edit: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Step {
        Step::Token(Box::new(edit))
    }

    pub(crate) fn sign(sign: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Step {
        Step::Sign(Box::new(sign))
    }

    pub(crate) fn signature(edit: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Step {
        Step::Signature(Box::new(edit))
    }

    /// A step on the text of the header or of the payload.
    pub(crate) fn text(part: Part, edit: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Step {
        match part {
            Part::Header => Step::HeaderText(Box::new(edit)),
            _ => Step::PayloadText(Box::new(edit)),
        }
    }

    /// A step on the base64url of a part.
    pub(crate) fn code(part: Part, edit: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Step {
        match part {
            Part::Header => Step::HeaderCode(Box::new(edit)),
            Part::Payload => Step::PayloadCode(Box::new(edit)),
            Part::Signature => Step::SignatureCode(Box::new(edit)),
        }
    }

    /// A step on the members of the header or of the payload.
    pub(crate) fn members(part: Part, edit: impl Fn(&mut Members) + Send + Sync + 'static) -> Step {
        match part {
            Part::Header => Step::header(edit),
            _ => Step::payload(edit),
        }
    }

    fn is_signed(&self) -> bool {
        use Step::{Header, HeaderCode, HeaderText, Payload, PayloadCode, PayloadText};
        matches!(
            self,
            Header(_) | Payload(_) | HeaderText(_) | PayloadText(_) | HeaderCode(_) | PayloadCode(_)
        )
    }
}

/// A part of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Header,
    Payload,
    Signature,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Header => "header",
            Part::Payload => "payload",
            Part::Signature => "signature",
        }
    }
}

/// One change: the class it is counted under, what it does, and the steps that do it.
pub(crate) struct Change {
    pub(crate) class: &'static str,
    pub(crate) what: String,
    pub(crate) steps: Vec<Step>,
}

impl Change {
    pub(crate) fn new(class: &'static str, what: impl Into<String>, step: Step) -> Change {
        Change { class, what: what.into(), steps: vec![step] }
    }

    /// Whether it changes nothing but what the signature is over.
    pub(crate) fn is_signed(&self) -> bool {
        self.steps.iter().all(Step::is_signed)
    }
}

/// A token, or the Authorization lines where a change made those.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(crate) enum Credential {
    Token(Vec<u8>),
    Lines(Vec<Vec<u8>>),
}

/// Makes a good token with the changes. `id` goes into a token whose lines are changed, so that no token comes twice.
pub(crate) fn make(base: &Base, good: &Good, changes: &[&Change], id: &str) -> Credential {
    let steps = || changes.iter().flat_map(|change| &change.steps);
    let (mut header, mut payload) = (base.header.clone(), base.payload.clone());
    for step in steps() {
        match step {
            Step::Header(edit) => edit(&mut header),
            Step::Payload(edit) => edit(&mut payload),
            Step::Lines(_) => payload.set("jti", &format!("{id:?}")),
            _ => (),
        }
    }
    let (mut header, mut payload) = (header.text().into_bytes(), payload.text().into_bytes());
    for step in steps() {
        match step {
            Step::HeaderText(edit) => edit(&mut header),
            Step::PayloadText(edit) => edit(&mut payload),
            _ => (),
        }
    }
    let (mut header, mut payload) = (encode(&header), encode(&payload));
    for step in steps() {
        match step {
            Step::HeaderCode(edit) => edit(&mut header),
            Step::PayloadCode(edit) => edit(&mut payload),
            _ => (),
        }
    }
    let input = [header, payload].join(&b'.');
    let mut signature = match steps().filter_map(signer).next_back() {
        Some(Step::Sign(sign)) => sign(&input),
        Some(_) => good.signature.clone(),
        None if input == good.input => good.signature.clone(),
        None => base.key.sign(base.scheme, &input),
    };
    for step in steps() {
        if let Step::Signature(edit) = step {
            edit(&mut signature);
        }
    }
    let mut signature = encode(&signature);
    for step in steps() {
        if let Step::SignatureCode(edit) = step {
            edit(&mut signature);
        }
    }
    finish([input, signature].join(&b'.'), steps())
}

fn signer(step: &Step) -> Option<&Step> {
    matches!(step, Step::Sign(_) | Step::KeepSignature).then_some(step)
}

fn finish<'a>(mut token: Vec<u8>, steps: impl Iterator<Item = &'a Step> + Clone) -> Credential {
    for step in steps.clone() {
        if let Step::Token(edit) = step {
            edit(&mut token);
        }
    }
    for step in steps {
        if let Step::Lines(lines) = step {
            return Credential::Lines(lines(&token));
        }
    }
    Credential::Token(token)
}

fn encode(bytes: &[u8]) -> Vec<u8> {
    URL_SAFE_NO_PAD.encode(bytes).into_bytes()
}

/// What is signed in the good token of a base, and its signature.
pub(crate) struct Good {
    pub(crate) input: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Good {
    pub(crate) fn of(base: &Base) -> Good {
        let parts = [&base.header, &base.payload].map(|members| encode(members.text().as_bytes()));
        let input = parts.join(&b'.');
        let signature = base.key.sign(base.scheme, &input);
        Good { input, signature }
    }

    /// How many base64url characters the signature has.
    pub(crate) fn signature_code_length(scheme: Scheme) -> usize {
        if scheme.is_rsa() { 342 } else { 86 }
    }
}

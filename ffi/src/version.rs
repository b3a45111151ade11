//! Which library this is.

use std::sync::LazyLock;

use crate::guard::guard;
use crate::string::{Str, Texts};

/// The number of this interface, for `scopegate_server_new` and `scopegate_server_open`. It is also the number in the
/// name of the shared library. It changes when a program that was compiled against this header would misread another.
pub const SCOPEGATE_ABI: u32 = 0;

/// The interface number of the library that is loaded, which `SCOPEGATE_ABI` must equal.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_abi() -> u32 {
    guard("scopegate_abi", || SCOPEGATE_ABI, || SCOPEGATE_ABI)
}

/// The version of the library that is loaded, such as "0.1.0". Lent for ever.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_version() -> Str {
    static VERSION: LazyLock<Texts> = LazyLock::new(|| Texts::of(env!("CARGO_PKG_VERSION")));
    guard("scopegate_version", || Str::NONE, || VERSION.first())
}

//! Linker arguments of the shared library.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The number is SCOPEGATE_ABI; a test compares them.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libscopegate.so.0");
        // Threads of ours may run when a program calls dlclose.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

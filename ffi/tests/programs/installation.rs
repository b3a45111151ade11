//! `make install`: what it copies is enough for pkg-config and for CMake, wherever it is moved.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::toolchain::{LIBRARY, repository, scratch, succeed, tool};

/// An installation that was made under `DESTDIR` and has been moved since.
pub(crate) static INSTALLATION: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = scratch("installation");
    fs::remove_dir_all(&folder).expect("a folder of ours");
    let mut make = tool("MAKE", "make");
    make.current_dir(repository()).args(["-f", "ffi/install.mk", "install", "PREFIX=/opt/scopegate"]);
    make.arg(format!("DESTDIR={}", folder.display())).arg(format!("LIBRARY={}", LIBRARY.folder.display()));
    succeed(&mut make, "");
    let moved = folder.join("moved");
    fs::rename(folder.join("opt/scopegate"), &moved).expect("a folder of ours");
    moved
});

#[test]
fn server_compiles_in_one_line_with_the_shared_library() {
    let flags = pkg_config(&["--cflags", "--libs", "scopegate"]);
    let program = cc("server-shared", &flags, &[]);
    assert!(libraries_of(&program).contains("libscopegate.so.0"));
    assert_complains(Command::new(program).env("LD_LIBRARY_PATH", INSTALLATION.join("lib")));
}

#[test]
fn server_compiles_in_one_line_with_the_static_library() {
    let flags = pkg_config(&["--cflags", "--libs", "scopegate-static"]);
    let program = cc("server-static", &flags, &[]);
    assert!(!libraries_of(&program).contains("libscopegate"));
    assert_complains(&mut Command::new(program));
}

#[test]
fn server_can_be_static_as_a_whole() {
    let flags = pkg_config(&["--static", "--cflags", "--libs", "scopegate"]);
    let program = cc("server-all-static", &flags, &["-static"]);
    assert_complains(&mut Command::new(program));
}

#[test]
#[ignore = "needs CMake"]
fn cmake_finds_both_libraries() {
    let project = scratch("cmake");
    let text = format!(
        "cmake_minimum_required(VERSION 3.16)\nproject(user C)\nfind_package(scopegate 0.1 REQUIRED)\n\
         find_package(Threads REQUIRED)\n\
         foreach(kind scopegate static)\n  add_executable(with-${{kind}} {}/ffi/examples/server.c)\n  \
         target_link_libraries(with-${{kind}} scopegate::${{kind}} Threads::Threads)\nendforeach()\n",
        repository().display()
    );
    fs::write(project.join("CMakeLists.txt"), text).expect("a writable target folder");
    let build = project.join("build");
    let mut configure = tool("CMAKE", "cmake");
    configure.arg("-S").arg(&project).arg("-B").arg(&build);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", INSTALLATION.display()));
    succeed(&mut configure, "");
    succeed(tool("CMAKE", "cmake").arg("--build").arg(&build), "");
    assert_complains(&mut Command::new(build.join("with-scopegate")));
    assert_complains(&mut Command::new(build.join("with-static")));
}

/// The flags of a package in the installation.
pub(crate) fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = tool("PKG_CONFIG", "pkg-config");
    command.env("PKG_CONFIG_PATH", INSTALLATION.join("lib/pkgconfig")).args(arguments);
    succeed(&mut command, "").split_whitespace().map(str::to_owned).collect()
}

/// `cc server.c $(pkg-config ..)`
fn cc(name: &str, pkg_config: &[String], flags: &[&str]) -> PathBuf {
    let program = scratch("bin").join(name);
    let mut compiler = tool("CC", "cc");
    compiler.arg(repository().join("ffi/examples/server.c")).args(pkg_config).args(flags);
    succeed(compiler.arg("-pthread").arg("-o").arg(&program), "");
    program
}

fn libraries_of(program: &Path) -> String {
    succeed(tool("READELF", "readelf").arg("-d").arg(program), "")
}

/// The program runs as far as reading a configuration that is wrong.
fn assert_complains(command: &mut Command) {
    command.env("ISSUER", "ftp://as.test").env("RESOURCE", "http://127.0.0.1:1/mcp").env("PORT", "0");
    let output = command.output().expect("a program");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("authorization_servers[0].issuer: expected"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

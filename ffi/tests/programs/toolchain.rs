//! The library under test, a C compiler, and programs.
//!
//! - `SCOPEGATE_LIBRARY`: the folder of a library that is tested in place of one that is built here.
//! - `SCOPEGATE_CFLAGS`: further flags for the compilers, such as those of a sanitizer.
//! - `SCOPEGATE_RUNNER`: a command that runs the programs, such as valgrind.
//! - `CC`, `CXX`, `PKG_CONFIG`, `CMAKE`: as usual.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// A folder with the library under the names of an installation.
pub(crate) struct Library {
    pub(crate) folder: PathBuf,
}

/// The library as it is shipped.
pub(crate) static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let given = env::var_os("SCOPEGATE_LIBRARY").map(PathBuf::from);
    let files = given.map_or_else(|| build("scopegate-ffi"), |folder| files_of(&folder));
    staged("lib", &files)
});

/// The library with the hooks that make it panic.
pub(crate) static LIBRARY_WITH_HOOKS: LazyLock<Library> =
    LazyLock::new(|| staged("lib-with-hooks", &build("scopegate-ffi-hooks")));

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("ffi/ stands in the repository")
}

/// A folder of this test run.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a writable target folder");
    folder
}

/// A C program of these sources, or C++ where one ends in `.cpp`.
pub(crate) fn compile(name: &str, sources: &[&str], flags: &[&str], library: &Library) -> PathBuf {
    let program = scratch("bin").join(name);
    let cpp = sources.iter().any(|source| source.ends_with(".cpp"));
    let mut compiler = if cpp { tool("CXX", "c++") } else { tool("CC", "cc") };
    compiler.args(if cpp { ["-std=c++17"] } else { ["-std=c99"] });
    compiler.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-pthread"]);
    compiler.args(env::var("SCOPEGATE_CFLAGS").unwrap_or_default().split_whitespace());
    compiler.args(flags).args(sources.iter().map(|source| repository().join(source)));
    compiler.arg("-I").arg(repository().join("include")).arg("-L").arg(&library.folder);
    compiler.arg(format!("-Wl,-rpath,{}", library.folder.display())).arg("-lscopegate");
    compiler.arg("-o").arg(&program);
    succeed(&mut compiler, "");
    program
}

/// A command that runs a program of [`compile`].
pub(crate) fn command(program: &Path) -> Command {
    let runner = env::var("SCOPEGATE_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace().map(OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().expect("the program"));
    command.args(words);
    command
}

/// Runs a command to its end with this standard input, and panics unless it succeeds. Its standard output.
pub(crate) fn succeed(command: &mut Command, input: impl AsRef<[u8]>) -> String {
    String::from_utf8(succeeded(command, input.as_ref()).stdout).expect("UTF-8")
}

/// As [`succeed`]: all that it wrote.
pub(crate) fn succeeded(command: &mut Command, input: &[u8]) -> Output {
    let output = run(command, input);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

/// A folder for what a run writes down, which `variable` may name.
pub(crate) fn record(variable: &str, usual: &str) -> PathBuf {
    let folder = env::var_os(variable).map_or_else(|| repository().join(usual), PathBuf::from);
    fs::create_dir_all(&folder).expect("a writable folder");
    folder
}

fn run(command: &mut Command, input: &[u8]) -> Output {
    let file = scratch("input").join(format!("{:?}", std::thread::current().id()));
    fs::write(&file, input).expect("a writable target folder");
    command.stdin(fs::File::open(&file).expect("the file just written"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// A tool by the variable that names it, or by its usual name.
pub(crate) fn tool(variable: &str, usual: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| usual.into()))
}

/// Builds a package of the workspace as these tests were built. The files that came out of it.
pub(crate) fn build(package: &str) -> Vec<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(repository()).args(["build", "--locked", "--message-format=json", "-p", package]);
    cargo.args((!cfg!(debug_assertions)).then_some("--release"));
    let messages = succeed(&mut cargo, "");
    let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let ours = messages.filter(|message| {
        message["reason"] == "compiler-artifact"
            && message["manifest_path"]
                .as_str()
                .is_some_and(|path| path.starts_with(&*repository().to_string_lossy()))
    });
    let files = ours.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    files.filter_map(|file| file.as_str().map(PathBuf::from)).collect()
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let folder = fs::canonicalize(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("a readable folder").path())
        .collect()
}

fn staged(name: &str, files: &[PathBuf]) -> Library {
    let folder = scratch(name);
    let place = |names: &[&str], extension: &str| {
        let file = files.iter().find(|file| {
            let stem = file.file_stem().unwrap_or_default();
            file.extension() == Some(OsStr::new(extension))
                && (stem == "libscopegate" || stem == "libscopegate_hooks")
        });
        for (name, file) in names.iter().zip(file.into_iter().cycle()) {
            let link = folder.join(name);
            let _ = fs::remove_file(&link);
            symlink(file, link).expect("a writable target folder");
        }
    };
    place(&["libscopegate.so", "libscopegate.so.0"], "so");
    place(&["libscopegate.a"], "a");
    assert!(folder.join("libscopegate.so").exists(), "no libscopegate.so among {files:?}");
    Library { folder }
}

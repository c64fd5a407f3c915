//! Stripe's official clients against our stand-in: the packages for Node and Python, and the Stripe CLI.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::run_watching;
use crate::session::{Session, Tally};
use crate::tools::{self, Venv};
use crate::workspace::Workspace;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Node,
    Cli,
    Python,
}

const ALL: [Client; 3] = [Client::Node, Client::Cli, Client::Python];

/// Makes sure of the packages, then runs the tests; each starts a stand-in of its own. One client's failure does not
/// keep the others from running.
pub fn run(workspace: &Workspace, session: &mut Session, runner: &[String]) -> Result<()> {
    let (clients, name) = pick(runner)?;
    let folder = workspace.root().join("tests/clients");
    let mut venv = None;
    session.step("clients: npm and Python packages", || {
        tools::npm_packages(&folder)?;
        venv = Some(tools::venv(
            workspace,
            "venv-clients",
            "tests/clients/python/requirements.txt",
        )?);
        Ok(())
    })?;
    let venv = venv.context("the step before made it")?;

    let recording = session.recording();
    let mut outcome = Ok(());
    for client in clients {
        let tests = session.tests(client.title(), |tally| {
            let mut command = client.tests(&folder, &venv, name)?;
            command.current_dir(&folder);
            command
                .envs(recording.clone())
                .env("LOCAL_STRIPE_BIN", workspace.stripe_binary());
            // Its closing lines are read, so they stay plain.
            command.env_remove("FORCE_COLOR");
            run_watching(&mut command, |line| {
                count_line(line, name.is_some(), tally);
            })
        });
        outcome = outcome.and(tests);
    }
    outcome
}

/// The clients to run, and what the names of their tests have in them: `node`, `cli webhooks`, or nothing.
fn pick(runner: &[String]) -> Result<(Vec<Client>, Option<&str>)> {
    let client = |word: &str| ALL.into_iter().find(|client| client.folder() == word);
    match runner {
        [] => Ok((ALL.to_vec(), None)),
        [word, rest @ ..] if rest.len() < 2 => {
            let client = client(word)
                .with_context(|| format!("`{word}` is none of the clients node, cli and python"))?;
            Ok((vec![client], rest.first().map(String::as_str)))
        }
        _ => bail!("`clients` takes one client, and one part of its tests' names"),
    }
}

impl Client {
    fn title(self) -> &'static str {
        match self {
            Client::Node => "clients: stripe for Node",
            Client::Cli => "clients: Stripe CLI",
            Client::Python => "clients: stripe for Python",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Client::Node => "node",
            Client::Cli => "cli",
            Client::Python => "python",
        }
    }

    fn tests(self, folder: &Path, venv: &Venv, name: Option<&str>) -> Result<Command> {
        match self {
            Client::Node | Client::Cli => node_tests(folder, self.folder(), name),
            Client::Python => {
                let mut python = venv.command("python");
                python.arg("python/run.py");
                if let Some(name) = name {
                    python.args(["-k", name]);
                }
                Ok(python)
            }
        }
    }
}

/// Names every file: the versions of Node do not agree on what a folder means.
fn node_tests(root: &Path, folder: &str, name: Option<&str>) -> Result<Command> {
    let mut files = Vec::new();
    for entry in root.join(folder).read_dir()? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        if file.ends_with(".test.js") {
            files.push(format!("{folder}/{file}"));
        }
    }
    files.sort();
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec", "--test-timeout=60000"]);
    if let Some(name) = name {
        node.arg(format!("--test-name-pattern={name}"));
    }
    node.args(files);
    Ok(node)
}

/// Reads the closing lines of Node (`ℹ pass 3`) and of run.py (`python: 3 passed, 1 failed, 0 skipped`). Node 20 calls
/// skipped what was not asked for by its name.
fn count_line(line: &str, by_name: bool, tally: &mut Tally) {
    if let Some(counts) = line.strip_prefix("python: ") {
        for count in counts.split(", ") {
            if let Some((number, label)) = count.split_once(' ') {
                add(label, number, tally);
            }
        }
    } else if let Some((label, number)) = line
        .strip_prefix("ℹ ")
        .and_then(|line| line.split_once(' '))
        && !(by_name && label == "skipped")
    {
        add(label, number, tally);
    }
}

fn add(label: &str, number: &str, tally: &mut Tally) {
    let Ok(number) = number.parse::<u32>() else {
        return;
    };
    match label {
        "pass" | "passed" => tally.passed += number,
        "fail" | "failed" | "cancelled" => tally.failed += number,
        "skipped" | "todo" => tally.skipped += number,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(output: &str, by_name: bool) -> (u32, u32, u32) {
        let mut tally = Tally::default();
        for line in output.lines() {
            count_line(line, by_name, &mut tally);
        }
        (tally.passed, tally.failed, tally.skipped)
    }

    const NODE: &str = "\
✔ ℹ pass 9 (41.0ms)
✖ a wrong key is an authentication error (41.0ms)
﹣ a lost reply is asked for again (0.9ms) # test name does not match pattern
ℹ tests 9
ℹ suites 0
ℹ pass 4
ℹ fail 1
ℹ cancelled 1
ℹ skipped 2
ℹ todo 1
ℹ duration_ms 923.200087";

    #[test]
    fn the_closing_lines_of_node_are_read() {
        assert_eq!(tally(NODE, false), (4, 2, 3));
    }

    #[test]
    fn what_was_not_asked_for_by_its_name_is_not_skipped() {
        assert_eq!(tally(NODE, true), (4, 2, 1));
    }

    #[test]
    fn the_closing_line_of_python_is_read() {
        let output =
            "Ran 22 tests in 4.149s\n\nFAILED (errors=7)\npython: 15 passed, 7 failed, 1 skipped";
        assert_eq!(tally(output, false), (15, 7, 1));
    }

    #[test]
    fn a_client_and_a_name_can_be_picked() {
        let picked = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            let (clients, name) = pick(&words)?;
            anyhow::Ok((clients, name.map(str::to_owned)))
        };
        assert_eq!(picked(&[]).unwrap(), (ALL.to_vec(), None));
        assert_eq!(picked(&["cli"]).unwrap(), (vec![Client::Cli], None));
        assert_eq!(
            picked(&["python", "trial"]).unwrap(),
            (vec![Client::Python], Some("trial".to_owned()))
        );
        assert!(picked(&["ruby"]).is_err());
        assert!(picked(&["node", "a", "b"]).is_err());
    }
}

//! The rules of tests/template/rules, by cfn-guard: template.yaml keeps them, and each is red where the template is broken in a way that the
//! rule names.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::command::run as run_command;
use crate::session::Session;
use crate::tools;
use crate::workspace::Workspace;

/// A way to break the template.
#[derive(Debug, PartialEq, Eq)]
struct Break {
    /// The rule that must notice.
    rule: String,
    /// The resource or parameter in which `old` stands; everywhere without.
    within: Option<String>,
    old: String,
    /// What stands there instead; without, the lines of `old` are left out.
    new: Option<String>,
}

/// Checks the template, then that each rule can fail.
pub fn run(workspace: &Workspace, session: &mut Session) -> Result<()> {
    let folder = workspace.root().join("tests/template");
    let rules = folder.join("rules");
    session.step("template: cfn-guard", || tools::npm_packages(&folder))?;
    let guard = guard(&folder)?;
    session.step("template: rules", || {
        let mut validate = Command::new(&guard);
        validate.args(["validate", "--show-summary", "all", "--rules"]);
        validate.arg(&rules).args(["--data", "template.yaml"]);
        run_command(validate.current_dir(workspace.root()))
    })?;
    session.step("template: each rule is red where it should be", || {
        let template = fs::read_to_string(workspace.root().join("template.yaml"))?;
        let (mut all, mut unnoticed) = (0, 0);
        for file in files_in(&rules)? {
            let text = fs::read_to_string(&file)?;
            let breaks = read_breaks(&text).with_context(|| file.display().to_string())?;
            all += breaks.len();
            for case in find_unnoticed(&guard, &file, &template, &breaks)? {
                println!("{} does not notice {case:?}", case.rule);
                unnoticed += 1;
            }
        }
        ensure!(
            unnoticed == 0,
            "{unnoticed} of {all} breaks are not noticed"
        );
        println!("{all} breaks are noticed");
        Ok(())
    })
}

/// The binary that the npm package brings.
fn guard(folder: &Path) -> Result<PathBuf> {
    let system = match env::consts::OS {
        "linux" => "ubuntu",
        other => other,
    };
    let guard = folder
        .join("node_modules/@cdklabs/cdk-validator-cfnguard/bin")
        .join(system)
        .join(env::consts::ARCH)
        .join("cfn-guard");
    ensure!(
        guard.is_file(),
        "cfn-guard is not made for this machine: there is no {}",
        guard.display()
    );
    Ok(guard)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

/// What the comments above the rules of a file say.
///
/// `# Red in Table: old => new` above `rule name`; `\n` is a new line. See tests/template/README.md.
fn read_breaks(text: &str) -> Result<Vec<Break>> {
    let mut breaks = Vec::new();
    let mut waiting = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# Red") {
            let (within, change) = match rest.strip_prefix(": ") {
                Some(change) => (None, change),
                None => {
                    let rest = rest.strip_prefix(" in ").and_then(|it| it.split_once(": "));
                    let (within, change) =
                        rest.with_context(|| format!("not understood: {line}"))?;
                    (Some(within.to_owned()), change)
                }
            };
            let (old, new) = match change.strip_suffix(" =>") {
                Some(old) => (old, None),
                None => {
                    let change = change.split_once(" => ");
                    let (old, new) = change.with_context(|| format!("not understood: {line}"))?;
                    (old, Some(new.replace("\\n", "\n")))
                }
            };
            waiting.push((within, old.replace("\\n", "\n"), new));
        } else if let Some(rule) = line.strip_prefix("rule ") {
            let rule = rule.split_whitespace().next().unwrap_or_default();
            ensure!(
                !waiting.is_empty(),
                "nothing says how {rule} is broken (# Red …)"
            );
            breaks.extend(waiting.drain(..).map(|(within, old, new)| Break {
                rule: rule.to_owned(),
                within,
                old,
                new,
            }));
        }
    }
    ensure!(waiting.is_empty(), "a # Red … has no rule below it");
    Ok(breaks)
}

impl Break {
    /// The broken template.
    fn apply(&self, template: &str) -> Result<String> {
        let (begin, end) = match &self.within {
            Some(id) => {
                let header = format!("\n  {id}:\n");
                let begin = template
                    .find(&header)
                    .with_context(|| format!("the template has no {id}"))?
                    + 1;
                // Up to the next line that is indented no deeper.
                let body = begin + header.len() - 1;
                let mut end = body;
                for line in template[body..].split_inclusive('\n') {
                    if !line.trim_end().is_empty() && !line.starts_with("   ") {
                        break;
                    }
                    end += line.len();
                }
                (begin, end)
            }
            None => (0, template.len()),
        };
        let block = &template[begin..end];
        let found = block.matches(&self.old).count();
        ensure!(
            found == 1,
            "{}: {:?} stands {found} times in {}, not once",
            self.rule,
            self.old,
            self.within.as_deref().unwrap_or("the template")
        );
        let block = match &self.new {
            Some(new) => block.replace(&self.old, new),
            None => {
                let at = block.find(&self.old).unwrap_or_default();
                let first = block[..at].rfind('\n').map_or(0, |it| it + 1);
                let last = at + self.old.len();
                let last = block[last..]
                    .find('\n')
                    .map_or(block.len(), |it| last + it + 1);
                [&block[..first], &block[last..]].concat()
            }
        };
        Ok([&template[..begin], &block, &template[end..]].concat())
    }
}

/// cfn-guard's report about one file.
#[derive(Deserialize)]
struct Report {
    name: String,
    not_compliant: Vec<Failed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    rule: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The breaks that their rules, all of one file, do not notice.
fn find_unnoticed<'a>(
    guard: &Path,
    rules: &Path,
    template: &str,
    breaks: &'a [Break],
) -> Result<Vec<&'a Break>> {
    let folder = tempfile::tempdir()?;
    for (number, case) in breaks.iter().enumerate() {
        let file = folder.path().join(format!("{number}.yaml"));
        fs::write(file, case.apply(template)?)?;
    }
    let mut validate = Command::new(guard);
    validate.args(["validate", "--structured", "--output-format", "json"]);
    validate
        .args(["--show-summary", "none", "--rules"])
        .arg(rules);
    let output = validate.arg("--data").arg(folder.path()).output()?;
    let reports: Vec<Report> = serde_json::from_slice(&output.stdout).with_context(|| {
        let problem = String::from_utf8_lossy(&output.stderr);
        format!("cfn-guard gives no report: {problem}")
    })?;
    ensure!(
        reports.len() == breaks.len(),
        "cfn-guard reports about {} of {} templates",
        reports.len(),
        breaks.len()
    );
    let is_red = |number: usize, rule: &str| {
        let name = format!("{number}.yaml");
        let mut reports = reports.iter();
        let report = reports.find(|it| Path::new(&it.name).ends_with(&name));
        report.is_some_and(|it| it.not_compliant.iter().any(|it| it.rule.name == rule))
    };
    let cases = breaks.iter().enumerate();
    Ok(cases
        .filter(|(number, case)| !is_red(*number, &case.rule))
        .map(|(_, case)| case)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Resources:
  Table:
    # One.
    Ttl: on
    Kept: true

  Other:
    Kept: true
";

    fn broken(line: &str) -> Result<String> {
        let breaks = read_breaks(&format!("{line}\nrule kept when x {{\n}}"))?;
        assert_eq!((breaks.len(), breaks[0].rule.as_str()), (1, "kept"));
        breaks[0].apply(TEMPLATE)
    }

    #[test]
    fn a_break_changes_one_place_or_leaves_out_a_line() {
        let expected = TEMPLATE.replace("on\n    Kept: true", "on\n    Kept: false");
        assert_eq!(
            broken("# Red in Table: Kept: true => Kept: false").unwrap(),
            expected
        );
        assert_eq!(
            broken("# Red: on\\n    Kept: true => on\\n    Kept: false").unwrap(),
            expected
        );
        let expected = TEMPLATE.replace("    Ttl: on\n", "");
        assert_eq!(broken("# Red in Table: Ttl =>").unwrap(), expected);
        let expected =
            "\nResources:\n  Table:\n    # One.\n    Ttl: on\n    Kept: true\n\n  Other:\n";
        assert_eq!(broken("# Red in Other: Kept =>").unwrap(), expected);
    }

    #[test]
    fn a_break_that_does_not_fit_is_an_error() {
        for line in [
            "# Red: Kept: true => Kept: false",
            "# Red in Table: Gone =>",
            "# Red in Nobody: Kept =>",
            "# Red Table: Kept =>",
            "# Red in Table: Kept",
        ] {
            assert!(broken(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_rule_says_how_it_is_broken() {
        assert!(read_breaks("rule kept {\n}").is_err());
        assert!(read_breaks("# Red: a => b").is_err());
    }
}

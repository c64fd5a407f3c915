//! The local cloud: ministack, with IAM enforced, and what of AWS it lacks (`cloud.py`).

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools::Venv;

/// How long a process may take to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at something that is awaited.
const PAUSE: Duration = Duration::from_millis(50);

/// A running cloud. It ends when this is dropped, and when xtask dies: it reads from us, and nothing more comes then.
pub struct Cloud {
    process: Child,
    gateway: u16,
    edge: u16,
}

impl Cloud {
    /// Starts one that forgets everything at its end; its log and its files are in `folder`.
    pub fn start(venv: &Venv, source: &Path, folder: &Path) -> Result<Self> {
        let (gateway, edge) = (free_port()?, free_port()?);
        let files = folder.join("cloud");
        fs::create_dir_all(&files)?;
        let log = folder.join("cloud.log");
        let output = File::create(&log)?;
        let mut command = venv.command("python");
        let path = command.get_envs().find(|(name, _)| *name == "PATH");
        let path = path.and_then(|(_, value)| value).map(ToOwned::to_owned);
        // Nothing of this machine's settings for AWS, and none of its credentials.
        command
            .env_clear()
            .env("PATH", path.unwrap_or_default())
            .env("TMPDIR", &files)
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", gateway.to_string())
            .env("EDGE_PORT", edge.to_string())
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{gateway}"))
            .env("AUTH", "true")
            // Services with ports of their own.
            .env("IOT_MTLS_ENABLED", "false")
            .env("SFTP_ENABLED", "false")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(source.join("cloud.py"))
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = command.spawn().context("cannot start the local cloud")?;
        let mut cloud = Self {
            process,
            gateway,
            edge,
        };
        let health = format!("{}/_ministack/health", cloud.url());
        until("the local cloud is ready", || {
            if let Some(status) = cloud.process.try_wait()? {
                bail!("it ended ({status}): see {}", log.display());
            }
            Ok(ureq::get(&health).call().is_ok())
        })?;
        Ok(cloud)
    }

    /// Where all services of AWS answer, and the sign-in.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.gateway)
    }

    /// Where a browser finds the page.
    pub fn edge(&self) -> String {
        format!("http://localhost:{}", self.edge)
    }

    /// Has a command that speaks to AWS speak to this cloud, and to nothing else whatever this machine is set up for.
    pub fn at<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_"))
        {
            command.env_remove(name);
        }
        for (name, value) in self.settings() {
            command.env(name, value);
        }
        command
    }

    /// The settings of AWS's tools for that.
    pub fn settings(&self) -> [(&'static str, String); 9] {
        [
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_PAGER", String::new()),
        ]
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let process = &mut self.process;
        if until("the local cloud ends", || Ok(process.try_wait()?.is_some())).is_err() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits for a condition.
pub fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !holds()? {
        if started.elapsed() > PATIENCE {
            bail!("still waiting: {what}");
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

//! What the kernel knows of a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

/// CPU time of all its threads that live, in milliseconds.
pub fn cpu_ms(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedule = fs::read_to_string(thread?.path().join("schedstat"))?;
        let on_cpu = schedule.split(' ').next().context("no time")?;
        nanoseconds += on_cpu.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e6)
}

/// The most memory that it had at any time, in MB.
pub fn peak_mb(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("no peak")?.parse::<f64>()? * 1024.0 / 1e6)
}

/// The function on one CPU and all that it asks on another, as if on machines of their own: a function below 1,769 MB has no more than one,
/// and nobody else's work on it. Neither CPU sleeps meanwhile: where a machine is virtual, its host takes as long to wake one as a function takes
/// for its work, and each message would measure that. It ends when this is dropped.
pub struct Apart {
    /// Where this process could run before.
    before: CpuSet,
    function: CpuSet,
    _awake: [Awake; 2],
}

impl Apart {
    /// Keeps this process, which is all that a function asks, to the second CPU; nothing where there is only one.
    ///
    /// # Errors
    /// Where `chrt` and `setpriv` are missing.
    pub fn keep() -> Result<Option<Self>> {
        let before = sched_getaffinity(None)?;
        let mut free = (0..CpuSet::MAX_CPU).filter(|&cpu| before.is_set(cpu));
        let (Some(first), Some(second)) = (free.next(), free.next()) else {
            return Ok(None);
        };
        let apart = Self {
            before,
            function: only(first),
            _awake: [Awake::keep(first)?, Awake::keep(second)?],
        };
        run_on(std::process::id(), &only(second))?;
        Ok(Some(apart))
    }

    /// Gives the function's process its CPU.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn take(&self, pid: u32) -> Result<()> {
        run_on(pid, &self.function)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Of this process, it does not fail.
        let _ = run_on(std::process::id(), &self.before);
    }
}

/// A process that turns in circles on a CPU whenever nobody else wants it, so that it does not sleep.
struct Awake(Child);

impl Awake {
    fn keep(cpu: usize) -> Result<Self> {
        // It ends with its parent, however that ends.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "chrt", "--idle", "0"])
            .args(["sh", "-c", "while :; do :; done"])
            .spawn()
            .context("setpriv, of util-linux")?;
        let awake = Self(child);
        run_on(awake.0.id(), &only(cpu))?;
        Ok(awake)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        // It fails only where the process has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn only(cpu: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(cpu);
    set
}

/// Lets all threads of a process run on these CPUs, and nowhere else.
fn run_on(pid: u32, cpus: &CpuSet) -> Result<()> {
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let id = thread?.file_name().to_string_lossy().parse()?;
        sched_setaffinity(Pid::from_raw(id), cpus)?;
    }
    Ok(())
}

/// A control group whose processes share a part of one CPU.
pub struct SmallCpu {
    folder: PathBuf,
}

/// Lambda gives a whole CPU with 1,769 MB: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const MB_OF_A_CPU: f64 = 1_769.0;
const PERIOD_US: f64 = 20_000.0;

impl SmallCpu {
    /// What a function of so many MB gets, in portions of 20 ms. It needs root.
    ///
    /// # Errors
    /// Where control groups are not ours to make.
    pub fn of_megabytes(megabytes: f64) -> Result<Self> {
        let quota = PERIOD_US * megabytes / MB_OF_A_CPU;
        let version_1 = Path::new("/sys/fs/cgroup/cpu");
        let is_version_1 = version_1.is_dir();
        let root = if is_version_1 {
            version_1
        } else {
            Path::new("/sys/fs/cgroup")
        };
        let folder = root.join(format!("tollgate-bench-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let group = Self { folder };
        if is_version_1 {
            group.set("cpu.cfs_period_us", &format!("{PERIOD_US}"))?;
            group.set("cpu.cfs_quota_us", &format!("{quota:.0}"))?;
        } else {
            group.set("cpu.max", &format!("{quota:.0} {PERIOD_US}"))?;
        }
        Ok(group)
    }

    /// Takes the process in, with all its threads.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn take(&self, pid: u32) -> Result<()> {
        self.set("cgroup.procs", &pid.to_string())
    }

    fn set(&self, file: &str, value: &str) -> Result<()> {
        let file = self.folder.join(file);
        fs::write(&file, value).with_context(|| file.display().to_string())
    }
}

impl Drop for SmallCpu {
    fn drop(&mut self) {
        // It fails only while a process is left in it.
        let _ = fs::remove_dir(&self.folder);
    }
}

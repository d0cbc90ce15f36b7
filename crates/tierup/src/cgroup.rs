//! The process's control group: how much memory it may use, and where it says so.
//!
//! ```text
//!   /proc/self/cgroup       4:memory:/a/b   0::/a/b     which group, in the tree of each kind
//!   /proc/self/mountinfo    /sys/fs/cgroup/memory …     where the tree, or a part of it, is
//!                           └─► …/a/b, …/a, …           a limit of the group or of any above it
//! ```
//!
//! In version 2 there is one tree; in version 1 memory has one of its own. Both may be there at
//! once, with the memory controller in one of them, so the smallest limit that is found counts. A
//! container sees its group as the root, or a mount of a part of the tree.
//!
//! Everything here is a function of the texts of files.

use std::path::{Path, PathBuf};

/// What an engine commits at most, by default, where memory is not scarce.
const LARGEST: u64 = 1 << 30;
/// And at least: the wrappers, and code of small programs.
const SMALLEST: u64 = 1 << 20;
/// The part of the group's memory. Code is less than what it works on; what does not fit is
/// compiled again, which is slow but works.
const PART: u64 = 4;

/// What an engine commits at most if nobody says so.
pub(crate) fn default_limit() -> usize {
    limit_for(memory_limit(read_file))
}

/// The directory of this process's group in the version 2 tree, unless that is the root of all.
pub(crate) fn own_directory() -> Option<PathBuf> {
    let directory = Places::read(read_file)?.directories(Version::Two)?.into_iter().next()?;
    directory.join("memory.pressure").exists().then_some(directory)
}

fn read_file(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The limit for a process that may use so much memory.
fn limit_for(memory: Option<u64>) -> usize {
    let part = memory.map_or(LARGEST, |memory| (memory / PART).clamp(SMALLEST, LARGEST));
    usize::try_from(part).unwrap_or(usize::MAX)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Version {
    One,
    Two,
}

impl Version {
    fn limit_file(self) -> &'static str {
        match self {
            Self::One => "memory.limit_in_bytes",
            Self::Two => "memory.max",
        }
    }

    /// Is this line of `/proc/self/cgroup` about the tree with memory?
    fn names_group(self, hierarchy: &str, controllers: &str) -> bool {
        match self {
            Self::One => controllers.split(',').any(|controller| controller == "memory"),
            Self::Two => hierarchy == "0" && controllers.is_empty(),
        }
    }

    /// Is this mount one of the tree with memory?
    fn is_mount(self, kind: &str, options: &str) -> bool {
        match self {
            Self::One => kind == "cgroup" && options.split(',').any(|option| option == "memory"),
            Self::Two => kind == "cgroup2",
        }
    }
}

/// The least of what the group and those above it may use; `None` if they say nothing.
fn memory_limit(read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let places = Places::read(&read)?;
    let limits = [Version::One, Version::Two].into_iter().flat_map(|version| {
        let directories = places.directories(version).unwrap_or_default();
        let files = directories.into_iter().map(move |path| path.join(version.limit_file()));
        // "max" is no number, and no limit.
        files.filter_map(|path| read(&path)?.trim().parse().ok()).collect::<Vec<u64>>()
    });
    limits.min()
}

/// Where the system says what group this is, and where groups are.
struct Places {
    groups: String,
    mounts: String,
}

impl Places {
    fn read(read: impl Fn(&Path) -> Option<String>) -> Option<Self> {
        let groups = read(Path::new("/proc/self/cgroup"))?;
        Some(Self { groups, mounts: read(Path::new("/proc/self/mountinfo"))? })
    }

    /// The group's directory and those above it, as far as they are to be seen.
    fn directories(&self, version: Version) -> Option<Vec<PathBuf>> {
        let group = self.groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (hierarchy, controllers) = (parts.next()?, parts.next()?);
            version.names_group(hierarchy, controllers).then_some(parts.next()?)
        })?;
        let (root, mount) = self.mounts.lines().find_map(|line| mount_of(version, line))?;
        // A group that is not below what is mounted cannot be seen: what is mounted can.
        let below = Path::new(group).strip_prefix(&root).unwrap_or(Path::new(""));
        let is_outside = below.components().any(|part| part.as_os_str() == "..");
        let below = if is_outside { Path::new("") } else { below };
        Some(below.ancestors().map(|path| mount.join(path)).collect())
    }
}

/// Which part of the tree is mounted where, from a line like
/// `36 35 98:0 /root /mount rw,noatime master:1 - cgroup2 cgroup2 rw`.
fn mount_of(version: Version, line: &str) -> Option<(PathBuf, PathBuf)> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut file_system = file_system.split(' ');
    let (kind, options) = (file_system.next()?, file_system.nth(1).unwrap_or(""));
    if !version.is_mount(kind, options) {
        return None;
    }
    let mut fields = mount.split(' ').skip(3);
    Some((unescape(fields.next()?), unescape(fields.next()?)))
}

/// Blanks, tabs, newlines and backslashes are written as three octal digits.
fn unescape(field: &str) -> PathBuf {
    let mut text = field.to_owned();
    for (escape, plain) in [(r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", r"\")] {
        text = text.replace(escape, plain);
    }
    PathBuf::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn limit(files: &[(&str, &str)]) -> Option<u64> {
        memory_limit(|path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn the_share_is_a_quarter_between_bounds() {
        for (memory, expected) in [
            (None, GIB),
            (Some(u64::MAX), GIB),
            (Some(9_223_372_036_854_771_712), GIB),
            (Some(4 * GIB), GIB),
            (Some(4 * GIB - 4), GIB - 1),
            (Some(512 << 20), 128 << 20),
            (Some(1 << 20), 1 << 20),
            (Some(0), 1 << 20),
        ] {
            assert_eq!(limit_for(memory) as u64, expected, "{memory:?}");
        }
    }

    #[test]
    fn version_2_counts_the_smallest_limit_up_to_the_root() {
        let mounts =
            "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        let base = [("/proc/self/cgroup", "0::/a/b\n"), ("/proc/self/mountinfo", mounts)];
        let with = |more: &[(&str, &str)]| limit(&[&base[..], more].concat());
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("/sys/fs/cgroup/a/b/memory.max", "max\n")]), None);
        assert_eq!(with(&[("/sys/fs/cgroup/a/b/memory.max", "4096\n")]), Some(4096));
        let parent = ("/sys/fs/cgroup/a/memory.max", "1000\n");
        assert_eq!(with(&[("/sys/fs/cgroup/a/b/memory.max", "4096\n"), parent]), Some(1000));
        assert_eq!(with(&[("/sys/fs/cgroup/a/b/memory.max", "max\n"), parent]), Some(1000));
        // A sibling is nobody's business.
        assert_eq!(with(&[("/sys/fs/cgroup/c/memory.max", "1\n")]), None);
    }

    #[test]
    fn version_1_has_a_tree_for_memory() {
        let groups = "9:name=systemd:/x\n4:cpu,memory:/jobs/one\n3:cpuset:/c\n";
        let mounts = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
            32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n\
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,cpu,memory\n";
        let file = |name, text| {
            limit(&[("/proc/self/cgroup", groups), ("/proc/self/mountinfo", mounts), (name, text)])
        };
        let own = "/sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes";
        assert_eq!(file(own, "268435456\n"), Some(256 << 20));
        assert_eq!(file("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "5\n"), Some(5));
        assert_eq!(file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "7\n"), Some(7));
        assert_eq!(file("/sys/fs/cgroup/cpuset/jobs/one/memory.limit_in_bytes", "7\n"), None);
        assert_eq!(file("/sys/fs/cgroup/memory/jobs/one/memory.max", "7\n"), None);
    }

    #[test]
    fn both_versions_at_once_and_mounts_of_a_part() {
        let groups = "4:memory:/docker/1f\n0::/docker/1f\n";
        let mounts = "35 31 0:32 /docker/1f /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            41 31 0:38 / /sys/fs/cgroup/my\\040unified rw - cgroup2 cgroup2 rw\n";
        let files = [
            ("/proc/self/cgroup", groups),
            ("/proc/self/mountinfo", mounts),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "3000\n"),
            ("/sys/fs/cgroup/my unified/docker/1f/memory.max", "2000\n"),
        ];
        assert_eq!(limit(&files), Some(2000));
        assert_eq!(limit(&files[..3]), Some(3000));
    }

    #[test]
    fn a_group_that_cannot_be_seen_leaves_what_can() {
        let mounts = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        for group in ["0::/../other\n", "0::/\n"] {
            let files = [
                ("/proc/self/cgroup", group),
                ("/proc/self/mountinfo", mounts),
                ("/sys/fs/cgroup/memory.max", "42\n"),
                ("/sys/fs/cgroup/../other/memory.max", "1\n"),
            ];
            assert_eq!(limit(&files), Some(42), "{group}");
        }
    }

    #[test]
    fn strange_texts_are_no_limit() {
        let mounts = "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw\n";
        for (groups, mounts, max) in [
            ("", mounts, "1"),
            ("0::", "", "1"),
            ("no colon here", mounts, "1"),
            ("0::/a", "31 - cgroup2", "1"),
            ("0::/a", mounts, "-5"),
            ("0::/a", mounts, "99999999999999999999999"),
            ("0::/a", mounts, ""),
        ] {
            let files = [
                ("/proc/self/cgroup", groups),
                ("/proc/self/mountinfo", mounts),
                ("/cg/a/memory.max", max),
            ];
            assert_eq!(limit(&files), None, "{groups} {max}");
        }
        assert_eq!(memory_limit(|_| None), None);
    }
}

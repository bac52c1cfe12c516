//! Copies of packages as modules of the test: a solution, and beside it, as far as they are changed,
//! `replication` and a `shared` of which some modules are copies and the rest is the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::entry::Edit;

/// A package's sources, without the tests at the files' ends.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Its path in the workspace.
    path: &'static str,
    /// By their paths below `src`.
    files: BTreeMap<String, String>,
}

/// A solution to be copied.
pub struct Copy<'a> {
    /// The name of the module that the copy becomes.
    pub name: &'a str,
    /// The solution.
    pub solution: &'a Folder,
    /// What it stands on: `shared`, which the host of the nodes uses, too, …
    pub shared: &'a Folder,
    /// … and `replication`, which stands on `shared`.
    pub replication: &'a Folder,
    /// The paths of all files that are changed.
    pub changed: &'a BTreeSet<&'a str>,
}

impl Folder {
    /// Reads a package of the workspace.
    pub fn read(workspace: &Path, package: &'static str) -> Result<Folder, String> {
        let src = workspace.join(package).join("src");
        let mut folder = Folder {
            path: package,
            files: BTreeMap::new(),
        };
        for path in files(&src)? {
            let text = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            let name = path.strip_prefix(&src).unwrap_or(&path);
            let name = name.to_string_lossy().replace('\\', "/");
            folder.files.insert(name, product.to_owned());
        }
        Ok(folder)
    }

    /// The same sources with those changes that concern them.
    pub fn edited(&self, edits: &[Edit]) -> Result<Folder, String> {
        let mut folder = self.clone();
        for edit in edits {
            let Some(name) = self.name_of(&edit.file) else {
                continue;
            };
            let text = folder.files.get_mut(name);
            let text = text.ok_or_else(|| format!("there is no {} any more", edit.file))?;
            *text = edit.apply(text)?;
        }
        Ok(folder)
    }

    /// A file's path below `src`, if it is one of this package's.
    fn name_of<'f>(&self, file: &'f str) -> Option<&'f str> {
        file.strip_prefix(self.path)?.strip_prefix("/src/")
    }

    /// The modules that these files belong to, as far as they are this package's.
    fn modules_of(&self, files: &BTreeSet<&str>) -> BTreeSet<String> {
        let names = files.iter().filter_map(|file| self.name_of(file));
        let modules = names.filter_map(|name| name.split(['/', '.']).next());
        modules.map(str::to_owned).collect()
    }

    fn text(&self, name: &str) -> &str {
        self.files.get(name).map_or("", String::as_str)
    }

    /// The files of a module: its own, and those of the modules in it.
    fn of_module<'a>(&'a self, module: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let is_its = move |name: &str| {
            let rest = name.strip_prefix(module);
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        let files = self.files.iter();
        let files = files.filter(move |(name, _)| is_its(name));
        files.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The private modules that its library declares, but for those that are for tests.
    fn modules(&self) -> impl Iterator<Item = &str> {
        let lines = self.text("lib.rs").lines();
        lines.filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
    }

    /// These modules and all that stand on them.
    fn with_dependents(&self, changed: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = changed.clone();
        loop {
            let stands_on_one = |module: &&str| {
                let names = all.iter().map(|name| format!("crate::{name}::"));
                let names: Vec<String> = names.collect();
                let mut files = self.of_module(module);
                files.any(|(_, text)| names.iter().any(|name| text.contains(name)))
            };
            let more: BTreeSet<String> = self
                .modules()
                .filter(|module| !all.contains(*module))
                .filter(stands_on_one)
                .map(str::to_owned)
                .collect();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    /// Writes all of its library as a module that lies `here` and stands on copies of others.
    fn write(&self, folder: &Path, here: &str, moves: &[(&str, String)]) -> Result<(), String> {
        for (name, source) in self.files.iter().filter(|(name, _)| *name != "main.rs") {
            let mut text = moved(source, "crate", here);
            for (package, place) in moves {
                text = moved(&text, package, place);
            }
            crate::write(&folder.join(name), &text)?;
        }
        Ok(())
    }
}

impl Copy<'_> {
    /// The path of the solution's module, seen from where all copies are.
    pub fn module(&self) -> String {
        format!("{}::solution", self.name)
    }

    /// Writes the files; the declaration of the module.
    pub fn write(&self, out: &Path) -> Result<String, String> {
        let folder = out.join(self.name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        }
        let here = format!("crate::mutants::{}", self.name);
        let mut modules = "#[path = \"solution/lib.rs\"]\npub mod solution;\n".to_owned();
        // The names of packages, and what stands in their place in all that stands on them.
        let mut moves = Vec::new();

        let changed = self.shared.modules_of(self.changed);
        if !changed.is_empty() {
            let copied = self.shared.with_dependents(&changed);
            let place = format!("{here}::shared");
            self.write_shared(&folder.join("shared"), &place, &copied)?;
            modules += "pub mod shared;\n";
            moves.push(("shared", place));
        }
        if !moves.is_empty() || !self.replication.modules_of(self.changed).is_empty() {
            let place = format!("{here}::replication");
            let lib = folder.join("replication");
            self.replication.write(&lib, &place, &moves)?;
            modules += "#[path = \"replication/lib.rs\"]\npub mod replication;\n";
            moves.push(("replication", place));
        }
        let place = format!("{here}::solution");
        self.solution
            .write(&folder.join("solution"), &place, &moves)?;

        let path = folder.join("mod.rs");
        crate::write(&path, &modules)?;
        let name = self.name;
        Ok(format!(
            "#[allow(warnings, clippy::all)]\n#[path = {path:?}]\nmod {name};\n\n"
        ))
    }

    /// Everything of the real `shared`, and before it what is copied. Modules that are not copied
    /// are there by name, for the copies: so a node and its host have their types in common.
    fn write_shared(
        &self,
        folder: &Path,
        here: &str,
        copied: &BTreeSet<String>,
    ) -> Result<(), String> {
        let mut text = "pub use ::shared::*;\n".to_owned();
        for module in self.shared.modules() {
            if !copied.contains(module) {
                text += &format!("mod {module} {{ pub use ::shared::*; }}\n");
                continue;
            }
            for (name, source) in self.shared.of_module(module) {
                crate::write(&folder.join(name), &moved(source, "crate", here))?;
            }
            text += &format!("mod {module};\n");
            let exports = self.shared.text("lib.rs").split(';').map(str::trim);
            let prefix = format!("pub use {module}::");
            for export in exports.filter(|export| export.starts_with(&prefix)) {
                text += &format!("{export};\n");
            }
        }
        crate::write(&folder.join("mod.rs"), &text)
    }
}

/// The text with another path in place of a name with which paths begin.
fn moved(text: &str, name: &str, path: &str) -> String {
    let name = format!("{name}::");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(&name) {
        let (before, found) = rest.split_at(place);
        out += before;
        let is_inside = |c: char| c == ':' || c == '_' || c.is_alphanumeric();
        if out.ends_with(is_inside) {
            out += &name;
        } else {
            out += path;
            out += "::";
        }
        rest = &found[name.len()..];
    }
    out + rest
}

/// All files below a folder.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| failed(&folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| failed(&folder, &error))?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path);
            }
        }
    }
    Ok(files)
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("cannot use {}: {error}", path.display())
}

//! Copies of packages as modules of the test: a solution, and beside it, if they are changed,
//! `replication` and a `shared` in which some modules are copies and all others are the real ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::entry::Edit;

/// A package's sources, without the tests at the files' ends.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The package's path in the workspace.
    package: &'static str,
    /// The texts, by their paths below `src`.
    files: BTreeMap<String, String>,
}

/// A solution to be copied, with its libraries.
pub struct Copy<'a> {
    /// The name of the module that the copy becomes.
    pub name: &'a str,
    /// The solution.
    pub solution: &'a Sources,
    /// The library `shared`, which the host of the nodes uses, too.
    pub shared: &'a Sources,
    /// The library `replication`, which depends on `shared`.
    pub replication: &'a Sources,
    /// The paths of all changed files.
    pub changed: &'a BTreeSet<&'a str>,
}

impl Sources {
    /// Reads a package of the workspace.
    pub fn read(workspace: &Path, package: &'static str) -> Result<Sources, String> {
        let src = workspace.join(package).join("src");
        let mut sources = Sources {
            package,
            files: BTreeMap::new(),
        };
        for path in files(&src)? {
            let text = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            let name = path.strip_prefix(&src).unwrap_or(&path);
            let name = name.to_string_lossy().replace('\\', "/");
            sources.files.insert(name, product.to_owned());
        }
        Ok(sources)
    }

    /// The same sources with those edits that are about this package.
    pub fn edited(&self, edits: &[Edit]) -> Result<Sources, String> {
        let mut sources = self.clone();
        for edit in edits {
            let Some(name) = self.name_of(&edit.file) else {
                continue;
            };
            let text = sources.files.get_mut(name);
            let text = text.ok_or_else(|| format!("there is no file {} any more", edit.file))?;
            *text = edit.apply(text)?;
        }
        Ok(sources)
    }

    /// A file's path below `src`, if it is one of this package.
    fn name_of<'f>(&self, file: &'f str) -> Option<&'f str> {
        file.strip_prefix(self.package)?.strip_prefix("/src/")
    }

    /// The modules of this package that these files belong to.
    fn modules_of(&self, files: &BTreeSet<&str>) -> BTreeSet<String> {
        let names = files.iter().filter_map(|file| self.name_of(file));
        let modules = names.filter_map(|name| name.split(['/', '.']).next());
        modules.map(str::to_owned).collect()
    }

    fn text(&self, name: &str) -> &str {
        self.files.get(name).map_or("", String::as_str)
    }

    /// The files of a module and of the modules in it.
    fn of_module<'a>(&'a self, module: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let is_in_module = move |name: &str| {
            let rest = name.strip_prefix(module);
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        let files = self.files.iter();
        let files = files.filter(move |(name, _)| is_in_module(name));
        files.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The private modules that its library declares, without those for tests.
    fn modules(&self) -> impl Iterator<Item = &str> {
        let lines = self.text("lib.rs").lines();
        lines.filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
    }

    /// These modules and all that depend on them.
    fn with_dependents(&self, changed: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = changed.clone();
        loop {
            let depends_on_one = |module: &&str| {
                let names = all.iter().map(|name| format!("crate::{name}::"));
                let names: Vec<String> = names.collect();
                let mut files = self.of_module(module);
                files.any(|(_, text)| names.iter().any(|name| text.contains(name)))
            };
            let more: BTreeSet<String> = self
                .modules()
                .filter(|module| !all.contains(*module))
                .filter(depends_on_one)
                .map(str::to_owned)
                .collect();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    /// Writes its library as the module at a path, with `paths` in place of the names of packages.
    fn write(&self, folder: &Path, module: &str, paths: &[(&str, String)]) -> Result<(), String> {
        for (name, source) in self.files.iter().filter(|(name, _)| *name != "main.rs") {
            let mut text = replace_name(source, "crate", module);
            for (package, path) in paths {
                text = replace_name(&text, package, path);
            }
            crate::write(&folder.join(name), &text)?;
        }
        Ok(())
    }
}

impl Copy<'_> {
    /// The path of the solution's module, relative to the module of all copies.
    pub fn module(&self) -> String {
        format!("{}::solution", self.name)
    }

    /// Writes the files, and returns the declaration of the module.
    pub fn write(&self, out: &Path) -> Result<String, String> {
        let folder = out.join(self.name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        }
        let module = format!("crate::mutants::{}", self.name);
        let mut modules = "#[path = \"solution/lib.rs\"]\npub mod solution;\n".to_owned();
        // The names of copied packages, and the paths that replace them.
        let mut paths = Vec::new();

        let changed = self.shared.modules_of(self.changed);
        if !changed.is_empty() {
            let copied = self.shared.with_dependents(&changed);
            let path = format!("{module}::shared");
            self.write_shared(&folder.join("shared"), &path, &copied)?;
            modules += "pub mod shared;\n";
            paths.push(("shared", path));
        }
        if !paths.is_empty() || !self.replication.modules_of(self.changed).is_empty() {
            let path = format!("{module}::replication");
            let lib = folder.join("replication");
            self.replication.write(&lib, &path, &paths)?;
            modules += "#[path = \"replication/lib.rs\"]\npub mod replication;\n";
            paths.push(("replication", path));
        }
        let path = format!("{module}::solution");
        self.solution
            .write(&folder.join("solution"), &path, &paths)?;

        let path = folder.join("mod.rs");
        crate::write(&path, &modules)?;
        let name = self.name;
        Ok(format!(
            "#[allow(warnings, clippy::all)]\n#[path = {path:?}]\nmod {name};\n\n"
        ))
    }

    /// Writes a `shared` that exports the copied modules, and all others from the real one, so that
    /// a node and its host share their types. Copies find the real modules by name.
    fn write_shared(
        &self,
        folder: &Path,
        path: &str,
        copied: &BTreeSet<String>,
    ) -> Result<(), String> {
        let mut text = "pub use ::shared::*;\n".to_owned();
        for module in self.shared.modules() {
            if !copied.contains(module) {
                text += &format!("mod {module} {{ pub use ::shared::*; }}\n");
                continue;
            }
            for (name, source) in self.shared.of_module(module) {
                crate::write(&folder.join(name), &replace_name(source, "crate", path))?;
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

/// The text with a path in place of a name, where a path begins with it.
fn replace_name(text: &str, name: &str, path: &str) -> String {
    let name = format!("{name}::");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.find(&name) {
        let (before, found) = rest.split_at(index);
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
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| failed(&folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| failed(&folder, &error))?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    Ok(files)
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read or replace {}: {error}", path.display())
}
